"""What waits for its time: limit orders, targets, timed exits; and the collateral of shorts."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from exchange.api.endpoint import (
    Endpoint,
    body_of,
    key_of_request,
    paged,
    position_of,
    query_of,
    trader_of,
)
from exchange.api.orders import accepted
from exchange.api.quotes import limit, targets
from exchange.api.schema import operation
from exchange.api.shapes import resting as shapes
from exchange.api.shapes.orders import OrderShape
from exchange.api.shapes.portfolio import NothingInput
from exchange.ids import public_id
from exchange.selectors import access, lists
from exchange.services import orders


class LimitCreate(Endpoint):
    """Limit orders in one market."""

    @operation(
        "limit_create",
        answer=OrderShape,
        takes=shapes.LimitInput,
        status=201,
        key=True,
        tag="orders",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Leave a limit order; what of it can fill at once does so in the same batch."""
        user, key = trader_of(request), key_of_request(request)
        payload = limit(body_of(request, shapes.LimitInput))
        market = access.market(slug)
        receipt = orders.limit_place(user=user, market=market, key=key, **payload)
        return accepted(user, market, receipt, key, payload)


class TargetsSet(Endpoint):
    """Stop-loss and take-profit of the caller's position."""

    @operation(
        "targets_set",
        answer=OrderShape,
        takes=shapes.TargetsInput,
        status=201,
        key=True,
        tag="orders",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Set both prices at once; null takes one away."""
        user, key = trader_of(request), key_of_request(request)
        payload = targets(body_of(request, shapes.TargetsInput))
        market = access.market(slug)
        receipt = orders.targets_set(user=user, market=market, key=key, **payload)
        return accepted(user, market, receipt, key, payload)


class TimedExitCreate(Endpoint):
    """A timed exit in one market."""

    @operation(
        "timed_exit_create",
        answer=OrderShape,
        takes=shapes.TimedExitInput,
        status=201,
        key=True,
        tag="orders",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Close shares in chunks, the first with the next heartbeat, then one per interval."""
        user, key = trader_of(request), key_of_request(request)
        asked = body_of(request, shapes.TimedExitInput)
        payload = {
            "shares_nano": asked["shares"],
            "chunks": asked["chunks"],
            "interval_s": asked["interval_s"],
        }
        if "guard_price" in asked:
            payload["guard_pico"] = asked["guard_price"]
        market = access.market(slug)
        receipt = orders.exit_start(user=user, market=market, key=key, **payload)
        return accepted(user, market, receipt, key, payload)


class CollateralChange(Endpoint):
    """The escrow of the caller's short."""

    @operation(
        "collateral_change",
        answer=OrderShape,
        takes=shapes.CollateralInput,
        status=201,
        key=True,
        tag="orders",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Put money into the escrow of a short, or take some out down to the initial margin."""
        user, key = trader_of(request), key_of_request(request)
        asked = body_of(request, shapes.CollateralInput)
        payload = {"amount_micro": asked["amount"]}
        market, adds = access.market(slug), asked["action"] == "add"
        receipt = orders.collateral_change(user=user, market=market, key=key, adds=adds, **payload)
        return accepted(user, market, receipt, key, payload)


class RestingList(Endpoint):
    """The caller's resting orders."""

    @operation("resting_list", answer=shapes.RestingPage, query=shapes.RestingQuery, tag="orders")
    def get(self, request: Request) -> Response:
        """List own limit orders, committed legs and timed exits, newest first, ended ones too."""
        user, wanted = trader_of(request), query_of(request, shapes.RestingQuery)
        rows = lists.resting(user, **wanted_of(wanted))
        found = [shapes.of_resting(row) for row in rows]
        return paged(
            shapes.RestingShape, found, wanted["limit"], lambda row: public_id("rst", row["id"])
        )


class RestingRead(Endpoint):
    """One of the caller's resting orders."""

    @operation("resting_read", answer=shapes.RestingShape, tag="orders")
    def get(self, request: Request, resting_id: str) -> Response:
        """Return what rests or rested, a queued withdrawal included."""
        row = access.resting_of(trader_of(request), resting_id)
        return Response(shapes.RestingShape(shapes.of_resting(row)).data)


class RestingCancel(Endpoint):
    """The end of one resting order."""

    @operation(
        "resting_cancel",
        answer=OrderShape,
        takes=NothingInput,
        status=201,
        key=True,
        tag="orders",
    )
    def post(self, request: Request, resting_id: str) -> Response:
        """Take back a resting order or a queued withdrawal; what it had set aside returns."""
        user, key = trader_of(request), key_of_request(request)
        body_of(request, NothingInput)
        row = access.resting_of(user, resting_id)
        receipt = orders.resting_cancel(user=user, market=row.market, ref=row.ref, key=key)
        return accepted(user, row.market, receipt, key, {"ref": row.ref})


class RestingCancelAll(Endpoint):
    """The end of all resting orders."""

    @operation(
        "resting_cancel_all",
        answer=shapes.CancelAllShape,
        takes=shapes.CancelAllInput,
        key=True,
        tag="orders",
    )
    def post(self, request: Request) -> Response:
        """Take back every open order, of one market or of all, queued withdrawals apart."""
        user, key = trader_of(request), key_of_request(request)
        asked = body_of(request, shapes.CancelAllInput)
        market = access.market(asked["market"]) if "market" in asked else None
        cancelled = orders.resting_cancel_all(user=user, key=key, market=market)
        return Response(shapes.CancelAllShape({"cancelled": cancelled}).data)


def wanted_of(query: dict[str, Any]) -> dict[str, Any]:
    """Return what a query asks for in the words of selectors/lists.py. Raises NotFound."""
    return {
        "market": access.market(query["market"]) if "market" in query else None,
        "is_open": query["state"] == "open" if "state" in query else None,
        "before": position_of("rst", query.get("cursor")),
        "limit": query["limit"],
    }
