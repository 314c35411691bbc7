"""Markets: the list, one in full, the cheap snapshot, its trades and its events."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from exchange import clock, limits
from exchange.api import describe, errors
from exchange.api.endpoint import (
    PageQuery,
    Public,
    paged,
    position_of,
    query_of,
)
from exchange.api.schema import operation
from exchange.api.shapes import markets as shapes
from exchange.errors import MegatronError
from exchange.ids import public_id
from exchange.selectors import access, lists, markets, snapshots

OPEN = ("",)
LEG_BITS = 15


class MarketList(Public):
    """Every market."""

    @operation(
        "market_list",
        answer=shapes.MarketPage,
        query=shapes.MarketQuery,
        tag="markets",
        auth=OPEN,
    )
    def get(self, request: Request) -> Response:
        """List markets by slug."""
        wanted = query_of(request, shapes.MarketQuery)
        limit, after = wanted.pop("limit"), wanted.pop("cursor", None)
        rows = lists.markets(**wanted, after=after, limit=limit)
        now_s = clock.now_s()
        summaries = [describe.summary(row, now_s) for row in rows]
        return paged(shapes.MarketShape, summaries, limit, lambda row: str(row["slug"]))


class MarketFull(Public):
    """One market."""

    @operation("market_read", answer=shapes.MarketDetail, tag="markets", auth=OPEN)
    def get(self, request: Request, slug: str) -> Response:
        """Describe a market: prices, state, health, limits, rules, parameters."""
        view = markets.view(access.market(slug))
        return Response(shapes.MarketDetail(describe.detail(view)).data)


class MarketSnapshot(Public):
    """Where one market stands; made to be polled."""

    @operation("market_snapshot", answer=shapes.Snapshot, tag="markets", auth=OPEN)
    def get(self, request: Request, slug: str) -> Response:
        """Return the newest tick of a market. The cheapest thing to poll; sockets are cheaper."""
        raise NotImplementedError  # `dispatch` answers; this carries the description

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer a read without the framework's rounds, which cost more than the answer."""
        if request.method not in self.public:
            return super().dispatch(request, *args, **kwargs)
        try:
            limits.count("read", request)
            body = snapshots.snapshot_json(kwargs["slug"])
        except MegatronError as error:
            return errors.plain(error)
        headers = {"Cache-Control": "no-store"}
        return HttpResponse(body, content_type="application/json", headers=headers)


class TradeList(Public):
    """The fills of one market."""

    @operation("market_trades", answer=shapes.TradePage, query=PageQuery, tag="markets", auth=OPEN)
    def get(self, request: Request, slug: str) -> Response:
        """List a market's trades, newest first."""
        wanted = query_of(request, PageQuery)
        place = position_of("leg", wanted.get("cursor"))
        before = None if place is None else divmod(place, 1 << LEG_BITS)
        rows = lists.trades(access.market(slug), before=before, limit=wanted["limit"])
        return paged(
            shapes.TradeShape,
            rows,
            wanted["limit"],
            lambda fill: public_id("leg", (fill.command_seq << LEG_BITS) + fill.leg_no),
        )


class EventList(Public):
    """The rules that fired in one market and the steps of its life."""

    @operation("market_events", answer=shapes.EventPage, query=PageQuery, tag="markets", auth=OPEN)
    def get(self, request: Request, slug: str) -> Response:
        """List a market's events, newest first."""
        wanted = query_of(request, PageQuery)
        before = position_of("evt", wanted.get("cursor"))
        rows = lists.events(access.market(slug), before=before, limit=wanted["limit"])
        return paged(shapes.EventShape, rows, wanted["limit"], lambda row: public_id("evt", row.pk))


class StaffActionList(Public):
    """The public log of what staff did to markets and accounts."""

    @operation(
        "staff_action_list", answer=shapes.StaffActionPage, query=PageQuery, tag="log", auth=OPEN
    )
    def get(self, request: Request) -> Response:
        """List what staff restricted or lifted, newest first, with the reason of each."""
        wanted = query_of(request, PageQuery)
        before = position_of("act", wanted.get("cursor"))
        rows = lists.staff_actions(before=before, limit=wanted["limit"])
        return paged(
            shapes.StaffActionShape, rows, wanted["limit"], lambda row: public_id("act", row.pk)
        )
