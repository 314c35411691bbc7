"""What the caller has: cash, positions, stakes, fills."""

from rest_framework.request import Request
from rest_framework.response import Response

from exchange.api.endpoint import Endpoint, paged, position_of, query_of, trader_of
from exchange.api.schema import operation
from exchange.api.shapes import portfolio as shapes
from exchange.api.shapes.orders import OrderQuery
from exchange.engines.variable.results import COMMAND, COMMIT, LIMIT, TIMED_EXIT
from exchange.ids import public_id
from exchange.selectors import access, lists, portfolio

# What a fill with another cause served is the position itself.
OF_RESTING = (COMMIT, LIMIT, TIMED_EXIT)


class BalanceRead(Endpoint):
    """The caller's cash."""

    @operation("balance_read", answer=shapes.BalancesShape, tag="portfolio")
    def get(self, request: Request) -> Response:
        """Return free cash, and what is reserved or in escrow over all markets."""
        return Response(shapes.BalancesShape(portfolio.money(trader_of(request))).data)


class PositionList(Endpoint):
    """The caller's positions."""

    @operation("position_list", answer=shapes.PositionList, tag="portfolio")
    def get(self, request: Request) -> Response:
        """Return every open position at what leaving it would pay."""
        user = trader_of(request)
        found = portfolio.positions(user)
        exits = lists.resting_by_ref(
            user,
            [(v.market.pk, v.position.exit_ref) for v in found if v.position.exit_ref],
        )
        shown = shapes.PositionShape(found, many=True, context={"exits": exits})
        return Response({"results": shown.data})


class StakeList(Endpoint):
    """The caller's stakes in pools."""

    @operation("stake_list", answer=shapes.StakeList, tag="portfolio")
    def get(self, request: Request) -> Response:
        """Return every stake at net asset value, with the fees that can be claimed."""
        found = portfolio.stakes(trader_of(request))
        return Response({"results": shapes.StakeShape(found, many=True).data})


class FillList(Endpoint):
    """The caller's executions."""

    @operation("fill_list", answer=shapes.FillPage, query=OrderQuery, tag="portfolio")
    def get(self, request: Request) -> Response:
        """List own fills, newest first, each with its cause and the order it belongs to."""
        user, wanted = trader_of(request), query_of(request, OrderQuery)
        market = access.market(wanted["market"]) if "market" in wanted else None
        before = position_of("fil", wanted.get("cursor"))
        rows = lists.fills(user, market=market, before=before, limit=wanted["limit"])
        orders = lists.orders_of(rows)
        rests = lists.resting_by_ref(
            user, [(f.market_id, f.ref) for f in rows if f.cause in OF_RESTING]
        )
        for row in rows:
            served = rests.get((row.market_id, row.ref)) if row.cause in OF_RESTING else None
            order = orders.get((row.market_id, row.command_seq)) if row.cause == COMMAND else None
            vars(row).update(order=order, resting=served.pk if served else None)
        return paged(shapes.FillShape, rows, wanted["limit"], lambda row: public_id("fil", row.pk))
