"""Pools: the list, one in full, and what a contribution would bring."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from exchange import clock
from exchange.api.endpoint import Public, body_of, paged, query_of
from exchange.api.schema import operation
from exchange.api.shapes.orders import refused_shape
from exchange.models import Market
from exchange.selectors import access
from liquidity.api import shapes
from liquidity.core import exits
from liquidity.selectors import pools

OPEN = ("",)
DAYS = (1, 7, 30, 90, 180)


class PoolList(Public):
    """Every pool."""

    @operation(
        "pool_list", answer=shapes.PoolPage, query=shapes.PoolQuery, tag="liquidity", auth=OPEN
    )
    def get(self, request: Request) -> Response:
        """List pools by their market's slug."""
        wanted = query_of(request, shapes.PoolQuery)
        rows = pools.page(after=wanted.get("cursor"), limit=wanted["limit"])
        return paged(shapes.PoolShape, rows, wanted["limit"], lambda row: row.market.slug)


class PoolRead(Public):
    """One pool."""

    @operation("pool_read", answer=shapes.PoolDetail, tag="liquidity", auth=OPEN)
    def get(self, request: Request, slug: str) -> Response:
        """Describe a pool: funding, equity, fees, and the limits of leaving."""
        market = access.market(slug)
        context = {"worst_day_e8": pools.worst_day_e8(market)}
        return Response(shapes.PoolDetail(pools.pool(market), context=context).data)


class ContributionPreview(Public):
    """What a contribution would bring."""

    public = frozenset({"POST"})
    throttles = {"POST": "quote"}

    @operation(
        "contribution_preview",
        answer=shapes.PreviewShape,
        takes=shapes.PreviewInput,
        tag="liquidity",
        auth=("", "token", "cookieAuth"),
    )
    def post(self, request: Request, slug: str) -> Response:
        """Say what a contribution would bring and when it may leave, and change nothing."""
        amount = body_of(request, shapes.PreviewInput)["amount"]
        return Response(shapes.PreviewShape(_preview(access.market(slug), amount)).data)


def _preview(market: Market, amount: int) -> dict[str, Any]:
    row = pools.pool(market)
    shown: dict[str, Any] = {
        "market": market.slug,
        "amount": amount,
        "units": None,
        "share": None,
        "activates": False,
        "later": [],
        "refused": None,
    }
    if market.live.halt_rule:
        return shown | {"refused": refused_shape("market_halted", {"rule": market.live.halt_rule})}
    now_s = max(clock.now_s(), row.view.state.t_s)
    outcome = exits.contributed(row.view.config, row.view.state, amount, now_s, DAYS)
    if outcome.refused:
        return shown | {"refused": refused_shape(outcome.refused.code, outcome.refused.fields)}
    return shown | {
        "units": outcome.units_nano,
        "share": outcome.share_e8,
        "activates": outcome.activates,
        "later": outcome.later,
    }
