"""Orders: ask for a trade, read what came of it and of everything else that was asked."""

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
from exchange.api.errors import REPLAY_HEADER
from exchange.api.schema import operation
from exchange.api.shapes import orders as shapes
from exchange.ids import public_id
from exchange.models import Market, User
from exchange.selectors import access, lists
from exchange.services import orders
from exchange.services.batch import Receipt


class OrderCreate(Endpoint):
    """Trading in one market."""

    @operation(
        "order_create",
        answer=shapes.OrderShape,
        takes=shapes.OrderInput,
        status=201,
        key=True,
        tag="orders",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Trade at once against the curve; the receipt comes after the commit."""
        user, key = trader_of(request), key_of_request(request)
        asked = body_of(request, shapes.OrderInput)
        market, size = access.market(slug), shapes.scaled(asked)
        receipt = orders.order_place(
            user=user,
            market=market,
            side=asked["side"],
            key=key,
            **size,
        )
        return accepted(user, market, receipt, key, size)


class OrderList(Endpoint):
    """The caller's orders."""

    @operation("order_list", answer=shapes.OrderPage, query=shapes.OrderQuery, tag="orders")
    def get(self, request: Request) -> Response:
        """List everything asked of the markets, newest first, refused requests included."""
        user, wanted = trader_of(request), query_of(request, shapes.OrderQuery)
        market = access.market(wanted["market"]) if "market" in wanted else None
        before = position_of("ord", wanted.get("cursor"))
        rows = lists.orders(user, market=market, before=before, limit=wanted["limit"])
        rests = lists.resting_by_ref(user, shapes.refs_of(rows))
        found = [shapes.of_command(row, rests) for row in rows]
        return paged(
            shapes.OrderShape, found, wanted["limit"], lambda row: public_id("ord", row.id)
        )


class OrderRead(Endpoint):
    """One of the caller's orders."""

    @operation("order_read", answer=shapes.OrderShape, tag="orders")
    def get(self, request: Request, order_id: str) -> Response:
        """Return an own order; it reads like the receipt that was given for it."""
        user = trader_of(request)
        row = access.order_of(user, order_id)
        rests = lists.resting_by_ref(user, shapes.refs_of([row]))
        return Response(shapes.OrderShape(shapes.of_command(row, rests)).data)


def accepted(
    user: User, market: Market, receipt: Receipt, key: str, payload: dict[str, Any]
) -> Response:
    """Answer with a receipt; a replay gives the same bytes and says so in a header."""
    ref = shapes.ref_of(receipt.kind, payload, receipt.result)
    wanted = [] if ref is None else [(market.pk, ref)]
    rests = next(iter(lists.resting_by_ref(user, wanted).values()), None)
    shown = shapes.OrderShape(shapes.of_receipt(receipt, market, key, payload, rests)).data
    headers = {REPLAY_HEADER: "true"} if receipt.replayed else {}
    return Response(shown, status=201, headers=headers)
