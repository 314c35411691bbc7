"""What anyone with a session's code may read: prices, book, trades, ticks, ranking, exports."""

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response

from exchange.api.endpoint import PageQuery, paged, position_of, query_of
from exchange.api.schema import operation
from exchange.api.session_endpoint import InSession, Watched, participant_of, session_of
from exchange.api.shapes import session_inputs as inputs
from exchange.api.shapes import sessions as shapes
from exchange.errors import NotFound
from exchange.ids import public_id
from exchange.selectors.outcome import book, exports, graph, history, ranking, series, sessions
from exchange.spreadsheet import csv_file

TAG = "sessions"
OPEN = ("",)
CSV = OpenApiResponse(description="a table in CSV; cells that look like formulas are made harmless")


class SessionBook(Watched):
    """The book."""

    @operation(
        "session_book",
        answer=shapes.SessionBookShape,
        query=inputs.SessionQuery,
        tag=TAG,
        auth=OPEN,
    )
    def get(self, request: Request, code: str) -> Response:
        """Return both tokens' books of every outcome, with what minting and merging add."""
        session = session_of(request, code)
        depth = query_of(request, inputs.SessionQuery)["depth"]
        shown = {"seq": session.market.live.batch_seq, "results": book.book(session, depth)}
        return Response(shapes.SessionBookShape(shown).data)


class SessionPrices(Watched):
    """The newest tick."""

    @operation("session_prices", answer=shapes.SessionPricesShape, tag=TAG, auth=OPEN)
    def get(self, request: Request, code: str) -> Response:
        """Return the published prices of the newest tick; made to be polled."""
        session = session_of(request, code)
        live = session.market.live
        shown = {"seq": live.batch_seq, "status": session.market.status, "tick": live.last_tick}
        return Response(shapes.SessionPricesShape(shown).data)


class SessionTrades(Watched):
    """Executions."""

    @operation(
        "session_trades",
        answer=shapes.SessionTradePage,
        query=shapes.SessionTradeQuery,
        tag=TAG,
        auth=OPEN,
    )
    def get(self, request: Request, code: str) -> Response:
        """List executions, the newest first, without names."""
        session = session_of(request, code)
        wanted = query_of(request, shapes.SessionTradeQuery)
        before = position_of("ofl", wanted.get("cursor"))
        rows = series.trades(session, before=before, limit=wanted["limit"])
        return paged(
            shapes.SessionTradeShape, rows, wanted["limit"], lambda row: public_id("ofl", row.pk)
        )


class SessionTicks(Watched):
    """Ticks."""

    @operation(
        "session_ticks",
        answer=shapes.SessionTickPage,
        query=inputs.SessionTickQuery,
        tag=TAG,
        auth=OPEN,
    )
    def get(self, request: Request, code: str) -> Response:
        """List the ticks that left a trace, the oldest first, from behind a number on."""
        session, wanted = session_of(request, code), query_of(request, inputs.SessionTickQuery)
        cursor = position_of("otk", wanted.get("cursor"))
        after = wanted["after"] if cursor is None else cursor
        rows = list(series.ticks(session, after=after)[: wanted["limit"] + 1])
        return paged(
            shapes.SessionTickShape, rows, wanted["limit"], lambda row: public_id("otk", row.number)
        )


class SessionTick(Watched):
    """One tick again."""

    throttles = {"GET": "quote", "HEAD": "quote"}

    @operation("session_tick", answer=shapes.MomentShape, tag=TAG, auth=OPEN)
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return prices, book and trades as they stood at a tick."""
        found = history.moment(session_of(request, code), min(number, inputs.TICK_MAX))
        return Response(shapes.MomentShape(found).data)


class SessionSeries(Watched):
    """Graphs."""

    @operation(
        "session_series",
        answer=shapes.SessionSeriesShape,
        query=inputs.SeriesQuery,
        tag=TAG,
        auth=OPEN,
    )
    def get(self, request: Request, code: str) -> Response:
        """Return prices, volume, the maker's risk and result over time, thinned out."""
        session, wanted = session_of(request, code), query_of(request, inputs.SeriesQuery)
        shown = {"results": graph.sampled(session, wanted["points"])}
        return Response(shapes.SessionSeriesShape(shown).data)


class SessionRanking(Watched):
    """The ranking."""

    @operation("session_ranking", answer=shapes.RankingShape, tag=TAG, auth=OPEN)
    def get(self, request: Request, code: str) -> Response:
        """Return everybody with their gain net of fees and gas, the best first."""
        shown = {"results": ranking.ranking(session_of(request, code))}
        return Response(shapes.RankingShape(shown).data)


class SessionEvents(Watched):
    """The public log."""

    @operation(
        "session_events", answer=shapes.SessionEventPage, query=PageQuery, tag=TAG, auth=OPEN
    )
    def get(self, request: Request, code: str) -> Response:
        """List what the host, the rules and the clock did, the newest first."""
        session, wanted = session_of(request, code), query_of(request, PageQuery)
        before = position_of("evt", wanted.get("cursor"))
        rows = sessions.events(session, before=before, limit=wanted["limit"])
        return paged(
            shapes.SessionEventShape, rows, wanted["limit"], lambda row: public_id("evt", row.pk)
        )


class SessionExport(Watched):
    """Tables."""

    @operation("session_export", answer=CSV, tag=TAG, auth=OPEN)
    def get(self, request: Request, code: str, what: str) -> HttpResponse:
        """Return the configuration, trades, ticks or the ranking as CSV."""
        session = session_of(request, code)
        make = exports.PUBLIC.get(what)
        if make is None:
            raise NotFound(f"there is no table {what[:20]!r}")
        header, rows = make(session)
        return csv_file(f"session-{what}.csv", header, rows)


class SessionOwnExport(InSession):
    """Own orders as a table."""

    @operation("session_own_export", answer=CSV, tag=TAG)
    def get(self, request: Request, code: str) -> HttpResponse:
        """Return the caller's own orders as CSV."""
        header, rows = exports.orders(participant_of(request, code))
        return csv_file("session-orders.csv", header, rows)
