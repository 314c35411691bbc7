"""What the page of a session needs: its outcomes, clock, book, trades, and the visitor's own."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from django.http import HttpRequest
from django.urls import reverse

from exchange.engines import outcome
from exchange.engines.units import PICO, format_fixed
from exchange.models import Market, OutcomeOrder
from exchange.selectors.outcome import book, graph, portfolio, series, waiting
from exchange.selectors.outcome.book import Level, TokenBook
from exchange.selectors.outcome.graph import Point
from exchange.selectors.outcome.portfolio import HoldingView, PortfolioView
from exchange.selectors.outcome.rounds import next_round
from exchange.selectors.outcome.sessions import OutcomeView, SessionView
from exchange.session_forms import FINER, SessionTicketForm
from exchange.views import session_shapes as shapes
from exchange.views.card_pictures import session_note
from exchange.views.session_quick import SHARES
from exchange.views.session_rows import Own, Row, Rung, Side, moulds
from exchange.views.session_seat import Seat, view_of

TICKET_FIELDS = ("side", "outcome", "token", "type", "size", "price", "slippage", "auto_fill")
QUICK = ("10", "50", "100")
SPARK_POINTS, GRAPH_POINTS = 60, 240
TRADES, LEVELS = 30, 5
SEEN = (Market.Status.RUNNING, Market.Status.ENDED, Market.Status.RESOLVED)

Context = dict[str, Any]


def page_context(
    request: HttpRequest, seat: Seat, *, form: SessionTicketForm | None = None
) -> Context:
    """Return everything the trading page shows."""
    view = view_of(seat)
    points = graph.sampled(seat.session, GRAPH_POINTS)
    given = form.data if form is not None else request.GET
    ticket = ticket_values(given, view)
    return {
        **frame_context(seat, view),
        **own_context(seat, view),
        **book_context(view, int(ticket["outcome"])),
        "rows": rows_of(view, points, seat),
        "graph": graph_of(view, points),
        **trades_context(view),
        "ticket": ticket,
        "asked": bool(given.get("size") or given.get("token")),
        "amounts": QUICK,
        "shares": SHARES,
        "moulds": moulds(view),
        "key": uuid4().hex,
    }


def frame_context(seat: Seat, view: SessionView) -> Context:
    """Return what every fragment of a session needs."""
    session = seat.session
    return {
        "seat": seat,
        "session": session,
        "market": session.market,
        "view": view,
        "phase": view.phase,
        "waits": waiting.waiting(session),
        "trades_now": view.phase in {"running", "reduce_only"},
        "is_seen": session.market.status in SEEN,
        "code": session.code,
        "link": reverse("session_page", kwargs={"code": session.code}),
        "ends_s": _at_s(view, view.config.total_duration_ms),
        "coming_s": _at_s(view, view.coming.at_ms) if view.coming else 0,
        "coming_words": _coming_words(view),
        "rounds": _rounds(view),
        "share_note": session_note(view),
    }


def own_context(seat: Seat, view: SessionView) -> Context:
    """Return what the visitor has here: money, tokens, and what rests."""
    if seat.participant is None:
        return {"mine": None, "positions": [], "open_orders": []}
    mine = portfolio.portfolio(seat.participant)
    return {
        "mine": mine,
        "positions": [_own(row, view) for row in mine.holdings],
        "open_orders": open_orders(seat),
        "if_wins": [(view.outcomes[n], micro) for n, micro in sorted(mine.if_wins.items())],
        "gain_micro": _gain(mine, view),
        "cancel_key": uuid4().hex,
    }


def open_orders(seat: Seat) -> list[OutcomeOrder]:
    """Return what rests of the visitor's orders, the newest first."""
    assert seat.participant is not None
    return portfolio.orders(seat.participant, open_only=True)


def book_context(view: SessionView, chosen: int) -> Context:
    """Return the book of one outcome, both tokens."""
    found = [row for row in book.book(view.session, LEVELS) if row.outcome == chosen]
    return {
        "chosen": view.outcomes[chosen],
        "sides": [_side(row, view.outcomes[chosen]) for row in found],
    }


def trades_context(view: SessionView) -> Context:
    """Return the newest executions, each with its outcome, and the batch that they reach to."""
    rows = series.trades(view.session, limit=TRADES)[:TRADES]
    return {
        "trades": [(row, view.outcomes[row.token >> 1]) for row in rows],
        "trades_until": max(view.live.batch_seq, rows[0].batch_seq if rows else 0),
    }


def rows_of(view: SessionView, points: Sequence[Point], seat: Seat) -> list[Row]:
    """Return the outcomes, those in play first, the likeliest first."""
    step = max(1, len(points) // SPARK_POINTS)
    thin = [*points[::step], *points[-1:]]
    held = _held(seat)
    rows = []
    for row in view.outcomes:
        launch = row.launch_pico[outcome.YES]
        pairs = [point.prices[row.number] for point in thin]
        values = [launch, *(pair[0] if pair else None for pair in pairs)]
        now = row.price_pico[outcome.YES]
        change = (now - launch) * 10**8 // launch if row.is_active and launch else None
        both = (held.get(2 * row.number, 0), held.get(2 * row.number + 1, 0))
        rows.append(Row(row, shapes.spark(values), change, both))
    rows.sort(key=lambda r: (not r.view.is_active, -r.view.price_pico[0], r.view.number))
    return rows


def graph_of(view: SessionView, points: Sequence[Point]) -> shapes.Plot:
    """Draw the YES price of every outcome since the launch."""
    end_ms = max(points[-1].t_ms if points else 0, view.now_ms, 1)
    drawn = []
    for row in view.outcomes:
        dots = [(0, row.launch_pico[outcome.YES])]
        for point in points:
            pair = point.prices[row.number]
            if pair is not None:
                dots += [(point.t_ms, dots[-1][1]), (point.t_ms, pair[0])]
        if row.is_active:
            dots.append((end_ms, dots[-1][1]))
        drawn.append((row.colour, row.name, dots))
    return shapes.price_plot(drawn, end_ms)


def ticket_values(given: Mapping[str, Any], view: SessionView) -> dict[str, str]:
    """Return what the ticket's fields hold: what was given, or what is usual."""
    values = {name: str(given.get(name, "")) for name in TICKET_FIELDS}
    known = {str(row.number) for row in view.outcomes}
    if values["outcome"] not in known:
        values["outcome"] = str(_favourite(view))
    sides = ("sell", "buy") if view.phase == "reduce_only" else ("buy", "sell")
    for name, words in (
        ("side", sides),
        ("token", ("yes", "no")),
        ("type", ("market", "limit")),
    ):
        values[name] = values[name] if values[name] in words else words[0]
    values["slippage"] = values["slippage"] or _usual_slippage(view)
    return values


def _usual_slippage(view: SessionView) -> str:
    """Return the host's bound as a percentage, as it is typed; empty where there is none."""
    usual_e9 = view.config.default_max_slippage_e9
    if usual_e9 is None:
        return ""
    return format_fixed(usual_e9 // FINER, 6).rstrip("0").rstrip(".")


def _favourite(view: SessionView) -> int:
    rows = [row for row in view.outcomes if row.is_active] or list(view.outcomes)
    return max(rows, key=lambda row: (row.price_pico[0], -row.number)).number


def _coming_words(view: SessionView) -> str:
    """Say who goes in the round to come, as far as the visitor may know."""
    scheduled = next_round(view.config, view.state)
    if view.coming is None or scheduled is None:
        return ""
    return _who_goes(view, scheduled.outcomes, view.coming.outcomes)


def _rounds(view: SessionView) -> list[tuple[int, int, str]]:
    """Return each round: when, how long trading is frozen before it, and who goes."""
    if not view.config.mr_enabled:
        return []
    told = [[int(n) for n in gone] for _, _, gone in view.parameters["rounds"]]
    return [
        (row.at_ms, row.freeze_ms, _who_goes(view, row.outcomes, names))
        for row, names in zip(view.config.rounds, told, strict=True)
    ]


def _who_goes(view: SessionView, planned: Sequence[int], told: Sequence[int]) -> str:
    if told:
        return ", ".join(view.outcomes[n].name for n in told) + " out"
    return "who goes is told then" if planned else "the host names who goes"


def _at_s(view: SessionView, at_ms: int) -> int:
    """Return when the session's clock shows `at_ms`, in seconds since the epoch."""
    return -(-((view.session.started_ms or 0) + at_ms) // 1000)


def _held(seat: Seat) -> dict[int, int]:
    if seat.participant is None:
        return {}
    trader = portfolio.trader(seat.participant)
    both = zip(trader.held_micro, trader.locked_micro, strict=True)
    return {token: free + locked for token, (free, locked) in enumerate(both)}


def _own(row: HoldingView, view: SessionView) -> Own:
    average = row.average_pico
    cost = None if average is None else row.size_micro * average // PICO
    return Own(row, view.outcomes[row.outcome], None if cost is None else row.value_micro - cost)


def _gain(mine: PortfolioView, view: SessionView) -> int | None:
    if not view.session.is_play:
        return None
    return mine.worth_micro - view.config.starting_balance_micro


def _side(row: TokenBook, quote: OutcomeView) -> Side:
    deepest = max((level.size_micro for level in (*row.bids, *row.asks)), default=1)

    def rungs(levels: Sequence[Level]) -> list[Rung]:
        return [Rung(level, max(1, 100 * level.size_micro // deepest)) for level in levels]

    return Side(row.token, rungs(row.bids), rungs(row.asks), quote)
