"""Quotes and orders: ask what would happen, ask for it to happen, read what happened."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from exchange import clock
from exchange.api.endpoint import (
    Endpoint,
    body_of,
    key_of_request,
    paged,
    position_of,
    query_of,
    trader_of,
    visitor_of,
)
from exchange.api.errors import REPLAY_HEADER
from exchange.api.schema import operation
from exchange.api.shapes import orders as shapes
from exchange.engines import variable
from exchange.ids import public_id
from exchange.models import Market, User
from exchange.selectors import access, lists, quotes
from exchange.services import answers, orders
from exchange.services.batch import Receipt


class QuoteCreate(Endpoint):
    """What an order would do."""

    public = frozenset({"POST"})
    throttles = {"POST": "quote"}

    @operation(
        "quote_create",
        answer=shapes.QuoteShape,
        takes=shapes.QuoteInput,
        tag="orders",
        auth=("", "token", "cookieAuth"),
    )
    def post(self, request: Request, slug: str) -> Response:
        """Say what an order would do now, or which rule would refuse it, and change nothing.

        A visitor is quoted as somebody with enough cash who holds nothing.
        """
        asked = body_of(request, shapes.QuoteInput)
        market, user = access.market(slug), visitor_of(request)
        return Response(shapes.QuoteShape(_quote(user, market, asked)).data)


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
        return accepted(receipt, market, key, size)


class OrderList(Endpoint):
    """The caller's orders."""

    @operation("order_list", answer=shapes.OrderPage, query=shapes.OrderQuery, tag="orders")
    def get(self, request: Request) -> Response:
        """List own orders, contributions and claims, newest first, refused ones included."""
        user, wanted = trader_of(request), query_of(request, shapes.OrderQuery)
        market = access.market(wanted["market"]) if "market" in wanted else None
        before = position_of("ord", wanted.get("cursor"))
        rows = lists.orders(user, market=market, before=before, limit=wanted["limit"])
        found = [shapes.of_command(row) for row in rows]
        return paged(
            shapes.OrderShape, found, wanted["limit"], lambda row: public_id("ord", row.id)
        )


class OrderRead(Endpoint):
    """One of the caller's orders."""

    @operation("order_read", answer=shapes.OrderShape, tag="orders")
    def get(self, request: Request, order_id: str) -> Response:
        """Return an own order; it reads like the receipt that was given for it."""
        row = access.order_of(trader_of(request), order_id)
        return Response(shapes.OrderShape(shapes.of_command(row)).data)


def accepted(receipt: Receipt, market: Market, key: str, payload: dict[str, Any]) -> Response:
    """Answer with a receipt; a replay gives the same bytes and says so in a header."""
    shown = shapes.OrderShape(shapes.of_receipt(receipt, market, key, payload)).data
    headers = {REPLAY_HEADER: "true"} if receipt.replayed else {}
    return Response(shown, status=201, headers=headers)


def _quote(user: User | None, market: Market, asked: dict[str, Any]) -> dict[str, Any]:
    command = quotes.build(asked["side"], shapes.scaled(asked), user.pk if user else 0)
    quote = quotes.quote(user, market, command)
    shown: dict[str, Any] = {
        "market": market.slug,
        "side": asked["side"],
        "seq": quote.batch_seq,
        "as_of": clock.at(quote.now_s),
        "valid_s": quotes.VALID_S,
        "filled": None,
        "after": None,
        "exit_value": None,
        "round_trip": None,
        "refused": None,
    }
    if market.live.halt_rule:
        rule = {"rule": market.live.halt_rule}
        return shown | {"refused": shapes.refused_shape("market_halted", rule)}
    if quote.refused:
        refused = shapes.refused_shape(quote.refused.code, dict(quote.refused.fields))
        return shown | {"refused": refused}
    assert isinstance(quote.result, variable.Filled)
    shown["filled"] = answers.mapping(quote.result)
    shown["exit_value"] = quote.exit_micro
    if user is not None:
        shown["after"] = quote.after
    if asked["side"] == "buy":
        shown["round_trip"] = quote.exit_micro - quote.exit_before_micro - quote.result.net_micro
    return shown
