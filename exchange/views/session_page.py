"""The page of a session in each of its states, and the fragments of it that follow the ticks."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from exchange.errors import NotFound
from exchange.models import Market
from exchange.selectors.outcome import graph, sessions
from exchange.selectors.outcome.sessions import SessionView
from exchange.session_forms import JoinForm
from exchange.views import session_context as context_of
from exchange.views import session_end, session_tickets
from exchange.views.edge import page
from exchange.views.session_seat import Seat, seat_of, view_of

Context = dict[str, Any]

# So many lines of the ranking stand on the page while people trade.
FIRST = 10


@page
@require_safe
def session_page(request: HttpRequest, code: str) -> HttpResponse:
    """Show a session: its lobby, its trading, or its end; a draft is for its host to set up."""
    seat = seat_of(request, code)
    status = seat.session.market.status
    if status in {Market.Status.DRAFT, Market.Status.CLOSED}:
        return redirect("session_host", code=code)
    if status == Market.Status.LOBBY:
        return render(request, "exchange/session_lobby.html", lobby_context(seat))
    if status == Market.Status.RESOLVED and "ticket" not in request.GET:
        return render(request, "exchange/session_end.html", session_end.end_context(request, seat))
    return session_tickets.trading_page(request, seat)


@page
@require_safe
def session_part(request: HttpRequest, code: str, part: str) -> HttpResponse:
    """Return one fragment again, after a tick."""
    if part not in PARTS:
        raise NotFound(f"there is no part {part[:20]!r}")
    seat = seat_of(request, code)
    template, make = PARTS[part]
    return render(request, template, make(request, seat, view_of(seat)))


def lobby_context(seat: Seat, form: JoinForm | None = None, wrong: str = "") -> Context:
    """Return what the lobby shows."""
    view = view_of(seat)
    return {
        **context_of.frame_context(seat, view),
        "people": sessions.participants(seat.session, seat.participant),
        "form": form or JoinForm(),
        "wrong": wrong,
    }


def _head(_: HttpRequest, seat: Seat, view: SessionView) -> Context:
    return {**context_of.frame_context(seat, view), **context_of.own_context(seat, view)}


def _mine(_: HttpRequest, seat: Seat, view: SessionView) -> Context:
    return {**context_of.frame_context(seat, view), **context_of.own_context(seat, view)}


def _book(request: HttpRequest, seat: Seat, view: SessionView) -> Context:
    ticket = context_of.ticket_values(request.GET, view)
    return {
        **context_of.frame_context(seat, view),
        **context_of.book_context(view, int(ticket["outcome"])),
        "ticket": ticket,
    }


def _rows(request: HttpRequest, seat: Seat, view: SessionView) -> Context:
    chosen = int(context_of.ticket_values(request.GET, view)["outcome"])
    points = graph.sampled(seat.session, context_of.GRAPH_POINTS)
    return {
        **context_of.frame_context(seat, view),
        "rows": context_of.rows_of(view, points, seat),
        "chosen": view.outcomes[chosen],
    }


def _trades(_: HttpRequest, seat: Seat, view: SessionView) -> Context:
    return {**context_of.frame_context(seat, view), **context_of.trades_context(view)}


def _standing(_: HttpRequest, seat: Seat, view: SessionView) -> Context:
    rows = session_end.standings(seat)
    apart = [row for row in rows[FIRST:] if row.is_me]
    return {
        **context_of.frame_context(seat, view),
        "placed": [*rows[:FIRST], *apart],
        "first": min(FIRST, len(rows)),
        "count": len(rows),
        "mine_apart": bool(apart),
    }


def _lobby(_: HttpRequest, seat: Seat, __: SessionView) -> Context:
    return lobby_context(seat)


PARTS: dict[str, tuple[str, Callable[[HttpRequest, Seat, SessionView], Context]]] = {
    "head": ("exchange/partials/_session_head.html", _head),
    "mine": ("exchange/partials/_session_mine.html", _mine),
    "rows": ("exchange/partials/_session_rows.html", _rows),
    "book": ("exchange/partials/_session_book.html", _book),
    "trades": ("exchange/partials/_session_trades.html", _trades),
    "standing": ("exchange/partials/_session_standing.html", _standing),
    "people": ("exchange/partials/_session_people.html", _lobby),
}
