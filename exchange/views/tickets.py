"""From a ticket to an order: preview, confirm, and the truth after an answer got lost."""

from typing import Any
from urllib.parse import parse_qsl

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from exchange import refusals
from exchange.errors import Conflict, Malformed, NotSignedIn, Refused, Unavailable, Unprocessable
from exchange.forms import OrderForm, TicketForm
from exchange.ids import public_id
from exchange.models import Market, User
from exchange.selectors import access, markets
from exchange.selectors.markets import MarketView
from exchange.views import market_context, placing, previews
from exchange.views.edge import page, request_id
from exchange.views.preview_parts import Preview
from exchange.views.ticket_values import ticket_of

FROM_TICKET = "ticket"


@page
@require_POST
def market_preview(request: HttpRequest, slug: str) -> HttpResponse:
    """Say what the ticket would do now: a fragment for scripts, the whole page without them."""
    view = markets.view(access.market(slug))
    user, form = market_context.user_of(request), TicketForm(_with_quick(request))
    preview = _fresh_preview(user, view, form)
    if not request.headers.get("HX-Request"):
        context = market_context.page_context(request, slug, form=form, preview=preview)
        context["problems"] = problems(form)
        return render(request, "exchange/market_page.html", context)
    context = {
        **market_context.frame_context(request, view),
        "ticket": market_context.ticket_values(form),
        "sign_in_next": market_context.sign_in_next(view.market, form),
        "preview": preview,
        "problems": problems(form) if market_context.is_asked(form.data) else [],
        "key": market_context.new_key(),
    }
    return render(request, "exchange/partials/_preview.html", context)


@page
@require_POST
def order_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Place a confirmed ticket and go to its receipt.

    A refusal comes back as the ticket with its input kept. A lost answer keeps the key, so that
    sending it again finds the first answer instead of trading twice.
    """
    market = access.market(slug)
    user = market_context.user_of(request)
    if user is None:
        return redirect_to_login(f"{_market_url(market)}?{_ticket_query(request)}")
    form = OrderForm(request.POST)
    if not form.is_valid():
        return _again(request, market, problems(form), key=request.POST.get("key", ""))
    values = form.cleaned_data
    try:
        receipt = placing.place(user, market, values)
    except Unavailable as lost:
        return _checking(request, market, values["key"], lost)
    except (Unprocessable, Conflict) as refusal:
        # The market remembers its answer under the key, so another try needs a new one.
        return _again(request, market, [_problem(refusal)])
    except Malformed as refusal:
        return _again(request, market, [_problem(refusal)], key=values["key"])
    return redirect("order_page", order_id=public_id("ord", receipt.id))


@page
@require_safe
def order_status(request: HttpRequest, slug: str) -> HttpResponse:
    """Say what became of the order under a key: its receipt, or that it never arrived."""
    market = access.market(slug)
    user = market_context.user_of(request)
    if user is None:
        raise NotSignedIn("sign in to see your orders")
    found = access.order_by_key(user, market, request.GET.get("key", ""))
    if found is not None and found.batch_seq is not None:
        return HttpResponseRedirect(
            reverse("order_page", kwargs={"order_id": public_id("ord", found.pk)})
        )
    context = {"market": market, "arrived": found is not None, "key": request.GET.get("key", "")}
    return render(request, "exchange/order_status.html", context)


def problems(form: Any) -> list[dict[str, str]]:
    """Return a form's errors as the summary shows them, each tied to its field."""
    return [
        {"field": "" if name == "__all__" else name, "text": text}
        for name, texts in form.errors.items()
        for text in texts
    ]


def _problem(refusal: Refused) -> dict[str, str]:
    return {"field": "", "text": refusals.of(refusal)}


def _again(
    request: HttpRequest,
    market: Market,
    found: list[dict[str, str]],
    *,
    key: str = "",
) -> HttpResponse:
    """Render the ticket again with its input, a fresh quote and what went wrong."""
    view = markets.view(market)
    user = market_context.user_of(request)
    ticket = TicketForm(request.POST)
    preview = _fresh_preview(user, view, ticket)
    extra: dict[str, Any] = {"problems": found, "preview": preview, "form": ticket}
    if key:
        extra["key"] = key
    context = market_context.page_context(request, market.slug, **extra)
    scripted = request.headers.get("X-Requested-With") == FROM_TICKET
    name = "exchange/partials/_preview.html" if scripted else "exchange/market_page.html"
    return render(request, name, context, status=422)


def _fresh_preview(user: User | None, view: MarketView, ticket: TicketForm) -> Preview | None:
    if not ticket.is_valid():
        return None
    return previews.preview(user, view, ticket_of(ticket.cleaned_data))


def _checking(request: HttpRequest, market: Market, key: str, lost: Unavailable) -> HttpResponse:
    """Say that the outcome is not known yet. The form in the page sends the same key again."""
    context = {
        "market": market,
        "key": key,
        "fields": [(k, v) for k, v in request.POST.items() if k != "csrfmiddlewaretoken"],
        "message": refusals.of(lost),
        "request_id": request_id(),
    }
    return render(request, "exchange/order_checking.html", context, status=503)


def _with_quick(request: HttpRequest) -> Any:
    """Return the posted ticket with what the pressed button changes of it, if one sent the form."""
    posted = request.POST.copy()
    quick = posted.pop("quick", [""])[0]
    for name, value in parse_qsl(quick, keep_blank_values=True):
        if name in market_context.TICKET_FIELDS:
            posted[name] = value
    return posted


def _ticket_query(request: HttpRequest) -> str:
    kept = request.POST.copy()
    for name in list(kept):
        if name not in market_context.TICKET_FIELDS:
            del kept[name]
    return kept.urlencode()


def _market_url(market: Market) -> str:
    return reverse("market_page", kwargs={"slug": market.slug})
