"""From a session's ticket to its receipt: preview, confirm, what the tick made of it, cancel."""

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from exchange import refusals
from exchange.engines.units import PICO
from exchange.errors import Conflict, Malformed, NotAllowed, Refused, Unavailable, Unprocessable
from exchange.ids import public_id
from exchange.models import Command, OutcomeOrder, Participant
from exchange.selectors.outcome import access, configs, exports, portfolio, receipts
from exchange.services.outcome import orders
from exchange.session_forms import SessionOrderForm, SessionTicketForm
from exchange.spreadsheet import csv_file
from exchange.views import session_context as context_of
from exchange.views.edge import page, request_id
from exchange.views.session_previews import SessionPreview, preview_of
from exchange.views.session_quick import Sized, sized
from exchange.views.session_seat import Seat, seat_of, taking_part, view_of
from exchange.views.tickets import problems

FROM_TICKET = "ticket"
HTTP_REFUSED, HTTP_AWAY = 422, 503
STATES = {"open": "rests", "partial": "partly", "filled": "filled", "cancelled": "cancelled"}

Context = dict[str, Any]


@page
@require_POST
def session_preview(request: HttpRequest, code: str) -> HttpResponse:
    """Say what the ticket would do now: a fragment for scripts, the whole page without them."""
    seat = seat_of(request, code)
    asked = sized(seat, request.POST)
    if not request.headers.get("HX-Request"):
        return _page(request, seat, asked.form, problems(asked.form))
    found = problems(asked.form) if asked.form.data.get("size") else []
    return _fragment(request, seat, asked.form, found, quick=asked)


@page
@require_POST
def session_order_create(request: HttpRequest, code: str) -> HttpResponse:
    """Leave a confirmed ticket for the next tick; scripts get a toast, others the receipt.

    A lost answer keeps the key, so that sending it again finds the first instead of acting twice.
    """
    participant = taking_part(request, code)
    seat, form = seat_of(request, code), SessionOrderForm(request.POST)
    if not form.is_valid():
        return _refused(request, seat, problems(form))
    asked, key = form.asked, form.cleaned_data["key"]
    named = {("outcome_no" if name == "outcome" else name): v for name, v in asked.items()}
    try:
        taken = orders.order_place(participant=participant, key=key, **named)
    except Unavailable as lost:
        return _checking(request, seat, lost)
    except (Unprocessable, Conflict, Malformed, NotAllowed) as refusal:
        return _refused(request, seat, [{"field": "", "text": refusals.of(refusal)}])
    if request.headers.get("X-Requested-With") == FROM_TICKET:
        command = access.order_of(participant, public_id("ord", taken.id))
        return render(request, "exchange/partials/_session_taken.html", _told(seat, command))
    return redirect("session_order", code=code, order_id=public_id("ord", taken.id))


@page
@require_safe
def session_order(request: HttpRequest, code: str, order_id: str) -> HttpResponse:
    """Show the receipt of one of the visitor's own orders."""
    participant, seat = taking_part(request, code), seat_of(request, code)
    command = access.order_of(participant, order_id)
    frame = context_of.frame_context(seat, view_of(seat))
    context = {**frame, **_told(seat, command)}
    return render(request, "exchange/session_order.html", context)


@page
@require_safe
def session_toast(request: HttpRequest, code: str, order_id: str) -> HttpResponse:
    """Say in one line what has become of an order."""
    participant, seat = taking_part(request, code), seat_of(request, code)
    context = _told(seat, access.order_of(participant, order_id))
    return render(request, "exchange/partials/_session_toast.html", context)


@page
@require_POST
def session_cancel(request: HttpRequest, code: str, ref: int) -> HttpResponse:
    """Ask the next tick to take an order back; scripts get a toast, others the page."""
    participant, seat = taking_part(request, code), seat_of(request, code)
    key = request.POST.get("key", "")
    try:
        taken = orders.order_cancel(participant=participant, ref=ref, key=key)
    except Refused as refusal:
        messages.warning(request, refusals.of(refusal))
        return redirect(_here(seat))
    if request.headers.get("HX-Request"):
        command = access.order_of(participant, public_id("ord", taken.id))
        return render(request, "exchange/partials/_session_toast.html", _told(seat, command))
    messages.success(request, f"Batch {taken.tick} takes the order back.")
    return redirect(_here(seat))


@page
@require_safe
def session_orders_csv(request: HttpRequest, code: str) -> HttpResponse:
    """Return the visitor's own orders as a table."""
    header, rows = exports.orders(taking_part(request, code))
    return csv_file("session-orders.csv", header, rows)


def trading_page(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Return the trading page; a link that names a size brings its preview along."""
    if not request.GET.get("size"):
        return render(request, "exchange/session_page.html", context_of.page_context(request, seat))
    form = SessionTicketForm(request.GET)
    return _page(request, seat, form, problems(form))


def told_orders(participant: Participant, limit: int = 20) -> list[Context]:
    """Return what somebody asked most recently, each with what became of it."""
    seat = Seat(participant.session, None, participant)
    return [_told(seat, row) for row in portfolio.asked(participant, limit=limit)[:limit]]


def _told(seat: Seat, command: Command) -> Context:
    """Return an order's story: asked, accepted in a batch, and what the batch made of it."""
    session, result = seat.session, command.result or {}
    context: Context = {
        "session": session,
        "market": session.market,
        "code": session.code,
        "command": command,
        "order_id": public_id("ord", command.pk),
        "batch": _batch(seat, command),
        "result": result,
        "state": "accepted",
    }
    if command.kind == "order":
        context["row"] = _asked(seat, command)
    if command.result is None:
        return context
    if "code" in result:
        reason = refusals.sentence(result["code"], result.get("fields", {}))
        gas = int(result.get("fields", {}).get("gas_micro", 0))
        return {**context, "state": "rejected", "reason": reason, "gas_micro": gas}
    if command.kind == "cancel":
        return {**context, "state": "taken_back", "returned": result.get("returned_micro", 0)}
    order = portfolio.orders_by_ref(session, [command.seq or 0]).get(command.seq or 0)
    return {**context, **_outcome(order)} if order else context


def _outcome(order: OutcomeOrder) -> Context:
    filled = order.size_micro - order.remaining_micro
    state = STATES[order.status]
    if state == "partly" and not order.joined:
        state = "unsold"
    rebate = -order.rebate_micro if order.buys else order.rebate_micro
    return {
        "order": order,
        "state": state,
        "filled_micro": filled,
        "average_pico": (order.amount_micro + rebate) * PICO // filled if filled else None,
        "fills": receipts.fills_of_order(order),
    }


def _asked(seat: Seat, command: Command) -> Context:
    payload = command.payload
    return {
        **payload,
        "name": seat.session.outcomes[payload["outcome"]]["name"],
        "colour": seat.session.outcomes[payload["outcome"]]["colour"],
        "price_micro": payload.get("price_micro"),
    }


def _batch(seat: Seat, command: Command) -> int:
    """Return the number of the tick that took a command, or that is to take it."""
    if command.batch_seq is not None:
        found = receipts.number_of(seat.session, command.batch_seq)
        if found is not None:
            return found
    arrived_ms = int(command.created_at.timestamp() * 1000) - (seat.session.started_ms or 0)
    return arrived_ms // configs.config_of(seat.session.market.config).batch_ms + 1


def _preview(seat: Seat, form: SessionTicketForm) -> SessionPreview | None:
    if not form.is_valid():
        return None
    view = view_of(seat)
    if form.cleaned_data["outcome"] >= len(view.outcomes):
        return None
    return preview_of(seat, view, form.asked)


def _fragment(
    request: HttpRequest,
    seat: Seat,
    form: SessionTicketForm,
    found: list[dict[str, str]],
    *,
    status: int = 200,
    quick: Sized | None = None,
) -> HttpResponse:
    view = view_of(seat)
    context = {
        **context_of.frame_context(seat, view),
        "quick": quick,
        "preview": _preview(seat, form),
        "problems": found,
        "ticket": context_of.ticket_values(form.data, view),
        "key": _fresh_key(),
        "aside_micro": _aside(seat),
    }
    return render(request, "exchange/partials/_session_preview.html", context, status=status)


def _page(
    request: HttpRequest,
    seat: Seat,
    form: SessionTicketForm,
    found: list[dict[str, str]],
    *,
    status: int = 200,
) -> HttpResponse:
    context = context_of.page_context(request, seat, form=form)
    context |= {"preview": _preview(seat, form), "problems": found, "aside_micro": _aside(seat)}
    return render(request, "exchange/session_page.html", context, status=status)


def _refused(request: HttpRequest, seat: Seat, found: list[dict[str, str]]) -> HttpResponse:
    form = SessionTicketForm(request.POST)
    if request.headers.get("X-Requested-With") == FROM_TICKET:
        return _fragment(request, seat, form, found, status=HTTP_REFUSED)
    return _page(request, seat, form, found, status=HTTP_REFUSED)


def _checking(request: HttpRequest, seat: Seat, lost: Unavailable) -> HttpResponse:
    """Say that the outcome is not known yet. The form in the page sends the same key again."""
    context = {
        **context_of.frame_context(seat, view_of(seat)),
        "fields": [(k, v) for k, v in request.POST.items() if k != "csrfmiddlewaretoken"],
        "message": refusals.of(lost),
        "request_id": request_id(),
    }
    return render(request, "exchange/session_checking.html", context, status=HTTP_AWAY)


def _aside(seat: Seat) -> int:
    """Return what the visitor's open orders have set aside."""
    return portfolio.money(seat.participant)[1] if seat.participant else 0


def _fresh_key() -> str:
    return uuid4().hex


def _here(seat: Seat) -> str:
    return reverse("session_page", kwargs={"code": seat.session.code})
