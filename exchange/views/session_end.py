"""The end of a session: the ranking, the graph, and a replay of any tick from the log."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exchange.errors import NotFound
from exchange.models import Market
from exchange.selectors.outcome import graph, history, ranking, receipts
from exchange.selectors.outcome.book import TokenBook
from exchange.selectors.outcome.ranking import Standing
from exchange.selectors.outcome.sessions import OutcomeView, SessionView
from exchange.views import session_context as context_of
from exchange.views import session_shapes as shapes
from exchange.views.edge import page
from exchange.views.session_seat import Seat, seat_of, view_of
from exchange.views.session_tickets import told_orders

Context = dict[str, Any]

DIGITS_MAX = 15


@dataclass(frozen=True, slots=True)
class Placed:
    """A line of the ranking with who it is."""

    row: Standing
    is_me: bool
    is_bot: bool


@dataclass(frozen=True, slots=True)
class Then:
    """One outcome as it stood at a tick; without prices it was out."""

    view: OutcomeView
    yes_pico: int | None
    no_pico: int | None
    books: tuple[TokenBook, ...]


@page
@require_safe
def session_history(request: HttpRequest, code: str) -> HttpResponse:
    """Show the graph's figures as a table, the newest first."""
    seat = seat_of(request, code)
    points = graph.sampled(seat.session, context_of.GRAPH_POINTS)[::-1]
    context = {**context_of.frame_context(seat, view_of(seat)), "points": points}
    whole = not request.headers.get("HX-Request")
    name = "exchange/session_history.html" if whole else "exchange/partials/_session_history.html"
    return render(request, name, context)


def end_context(request: HttpRequest, seat: Seat) -> Context:
    """Return what the final screen shows."""
    view = view_of(seat)
    points = graph.sampled(seat.session, context_of.GRAPH_POINTS)
    last = points[-1].number if points else 0
    end_ms = max(points[-1].t_ms if points else 0, 1)
    own = context_of.own_context(seat, view)
    ranked = standings(seat)
    return {
        **context_of.frame_context(seat, view),
        **own,
        "winner": None if view.session.winner is None else view.outcomes[view.session.winner],
        "standings": ranked,
        "mine_placed": next((placed.row for placed in ranked if placed.is_me), None),
        "graph": context_of.graph_of(view, points),
        "volume_plot": shapes.money_plot(
            [("volume", "Volume", [(0, 0), *((p.t_ms, p.volume_micro) for p in points)])], end_ms
        ),
        "maker_plot": shapes.money_plot(
            [
                ("risk", "Risk", [(p.t_ms, p.risk_micro) for p in points]),
                ("profit", "Profit", [(p.t_ms, p.profit_micro) for p in points]),
            ],
            end_ms,
        ),
        "told": told_orders(seat.participant) if seat.participant else [],
        "last_tick": last,
        "batches": receipts.batches(seat.session),
        **moment_context(view, _number(request, last)),
    }


def standings(seat: Seat) -> list[Placed]:
    """Return the ranking, the visitor's own line marked."""
    bots = set(
        seat.session.participants.filter(user__is_bot=True).values_list("user_id", flat=True)
    )
    mine = seat.participant.user_id if seat.participant else None
    return [
        Placed(row, row.user_id == mine, row.user_id in bots)
        for row in ranking.ranking(seat.session)
    ]


@page
@require_safe
def session_moment(request: HttpRequest, code: str) -> HttpResponse:
    """Return a resolved session as it stood at a tick."""
    seat = seat_of(request, code)
    if seat.session.market.status != Market.Status.RESOLVED:
        raise NotFound("a session can be replayed when it is resolved")
    view = view_of(seat)
    last = receipts.last_number(seat.session)
    context = {
        **context_of.frame_context(seat, view),
        "last_tick": last,
        **moment_context(view, _number(request, last)),
    }
    return render(request, "exchange/partials/_session_moment.html", context)


def moment_context(view: SessionView, number: int) -> Context:
    """Return prices, book and fills at a tick."""
    found = history.moment(view.session, number)
    tick = found.tick
    prices = tick.prices if tick else [list(row.launch_pico) for row in view.outcomes]
    busy = [book for book in found.book if book.bids or book.asks]
    rows = []
    for row, pair in zip(view.outcomes, prices, strict=True):
        yes, no = pair or (None, None)
        rows.append(Then(row, yes, no, tuple(b for b in busy if b.outcome == row.number)))
    return {
        "number": number,
        "number_ms": number * view.config.batch_ms,
        "tick": tick if tick and tick.number == number else None,
        "then": rows,
        "fills_then": [(fill, view.outcomes[fill.token >> 1]) for fill in found.fills],
        "sum_then": sum(row.yes_pico or 0 for row in rows),
    }


def _number(request: HttpRequest, last: int) -> int:
    given = request.GET.get("tick", "")
    if given.isascii() and given.isdigit() and len(given) <= DIGITS_MAX:
        return min(int(given), last)
    return last
