"""The list of sessions, the way in by a code, and joining under a name."""

from typing import Any
from urllib.parse import urlparse

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from exchange import limits, refusals
from exchange.errors import Malformed, NotFound, NotSignedIn, Refused
from exchange.models import Market, Session
from exchange.selectors.outcome import access, listing, sessions, waiting
from exchange.services.sessions import lobby
from exchange.session_forms import FindForm, JoinForm
from exchange.views import session_context, session_page
from exchange.views.edge import page
from exchange.views.session_seat import guest_parts, may_host, remember, seat_of, user_of

HTTP_REFUSED = 422
MINE_MAX = 30


@page
@require_safe
def session_list(request: HttpRequest) -> HttpResponse:
    """Show the sessions that are open to all, and those of the visitor."""
    return render(request, "exchange/session_list.html", _list_context(request))


@page
@require_POST
def session_find(request: HttpRequest) -> HttpResponse:
    """Go to the session of a code or of a pasted link."""
    form = FindForm(request.POST)
    code = _code_of(form.cleaned_data["code"]) if form.is_valid() else ""
    try:
        found = access.session(code, user_of(request))
    except NotFound:
        context = _list_context(request)
        context["wrong"] = "There is no session with this code. Ask the host for the link."
        context["typed"] = request.POST.get("code", "")[:300]
        return render(request, "exchange/session_list.html", context, status=HTTP_REFUSED)
    return redirect("session_page", code=found.code)


@page
@require_POST
def session_join(request: HttpRequest, code: str) -> HttpResponse:
    """Take part under a name; for play money without an account. Limited as the API is."""
    user = user_of(request)
    limits.count("join", request, user.pk if user else None)
    seat = seat_of(request, code)
    here = reverse("session_page", kwargs={"code": code})
    if seat.participant is not None:
        return redirect(here)
    if seat.user is None and not seat.session.is_play:
        raise NotSignedIn("sign in to take part")
    form = JoinForm(request.POST)
    if not form.is_valid():
        return _again(request, code, form, "Say under which name you take part.")
    try:
        _, secret = lobby.join(session=seat.session, name=form.cleaned_data["name"], user=seat.user)
    except Malformed as refusal:
        return _again(request, code, form, refusals.of(refusal))
    except Refused as refusal:
        return _again(request, code, form, refusals.of(refusal))
    response = redirect(here)
    if secret is not None and seat.user is None:
        remember(response, request, code, secret)
    messages.success(request, f"You take part as {form.cleaned_data['name']}.")
    return response


def _again(request: HttpRequest, code: str, form: JoinForm, wrong: str) -> HttpResponse:
    seat = seat_of(request, code)
    if seat.session.market.status == Market.Status.LOBBY:
        context = session_page.lobby_context(seat, form, wrong)
        return render(request, "exchange/session_lobby.html", context, status=HTTP_REFUSED)
    context = session_context.page_context(request, seat)
    context |= {"form": form, "wrong": wrong}
    return render(request, "exchange/session_page.html", context, status=HTTP_REFUSED)


def _list_context(request: HttpRequest) -> dict[str, Any]:
    user = user_of(request)
    mine = (
        list(sessions.of_user(user)[:MINE_MAX])
        if user
        else [p.session for p in guest_parts(request)]
    )
    shown = list(listing.open_to_all())
    known = {session.pk for session in shown}
    return {
        "shown": [_card(session) for session in shown],
        "mine": [_card(session) for session in mine if session.pk not in known],
        "waiting": waiting.of_host(user) if user else [],
        "may_host": may_host(user),
        "user_pk": user.pk if user else None,
    }


def _card(session: Session) -> dict[str, Any]:
    view = sessions.view(session)
    rows = sorted(view.outcomes, key=lambda row: (not row.is_active, -row.price_pico[0]))
    ends_ms = (session.started_ms or 0) + view.config.total_duration_ms
    return {
        "session": session,
        "market": session.market,
        "view": view,
        "phase": view.phase,
        "rows": rows[:4],
        "more": max(0, len(rows) - 4),
        "ends_s": -(-ends_ms // 1000),
    }


def _code_of(text: str) -> str:
    """Return the code in a text that is one, or a link with one."""
    parts = [part for part in urlparse(text.strip()).path.split("/") if part]
    if "sessions" in parts[:-1]:
        return parts[parts.index("sessions") + 1]
    return parts[-1] if parts else ""
