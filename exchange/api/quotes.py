"""Quotes: ask what would happen and change nothing, as oneself or as a visitor with cash."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from exchange.api.endpoint import Endpoint, body_of, trader_of, visitor_of
from exchange.api.schema import operation
from exchange.api.shapes import orders as sizes
from exchange.api.shapes import quotes as shapes
from exchange.api.shapes import resting as inputs
from exchange.api.shapes.portfolio import ContributionInput
from exchange.engines import variable
from exchange.models import Market, User
from exchange.selectors import access, quotes
from exchange.services import answers

ANYONE = ("", "token", "cookieAuth")
Json = dict[str, Any]


class OpenQuote(Endpoint):
    """A question that anyone may ask; a visitor is quoted as one with cash who holds nothing."""

    public = frozenset({"POST"})
    throttles = {"POST": "quote"}


class OwnQuote(Endpoint):
    """A question about what one holds."""

    scopes = {"POST": "read"}
    throttles = {"POST": "quote"}


class QuoteCreate(OpenQuote):
    """What an order would do."""

    @operation(
        "quote_create",
        answer=shapes.QuoteShape,
        takes=shapes.QuoteInput,
        tag="orders",
        auth=ANYONE,
    )
    def post(self, request: Request, slug: str) -> Response:
        """Say what an order would do now, or which rule would refuse it, and change nothing.

        A visitor is quoted as somebody with enough cash who holds nothing.
        """
        asked = body_of(request, shapes.QuoteInput)
        market, user = access.market(slug), visitor_of(request)
        return Response(shapes.QuoteShape(_order(user, market, asked)).data)


class LimitQuote(OpenQuote):
    """What a limit order would do."""

    @operation(
        "limit_quote",
        answer=shapes.LimitQuoteShape,
        takes=inputs.LimitInput,
        tag="orders",
        auth=ANYONE,
    )
    def post(self, request: Request, slug: str) -> Response:
        """Say what of a limit order would fill now, what would rest, and what is set aside."""
        asked = body_of(request, inputs.LimitInput)
        market, user = access.market(slug), visitor_of(request)
        return Response(shapes.LimitQuoteShape(_limit(user, market, asked)).data)


class ContributionQuote(OpenQuote):
    """What a contribution would bring."""

    @operation(
        "contribution_quote",
        answer=shapes.UnitsQuoteShape,
        takes=ContributionInput,
        tag="pools",
        auth=ANYONE,
    )
    def post(self, request: Request, slug: str) -> Response:
        """Say how many units a contribution would bring now."""
        amount = body_of(request, ContributionInput)["amount"]
        market, user = access.market(slug), visitor_of(request)
        return _units(user, market, "contribute", {"amount_micro": amount})


class WithdrawalQuote(OwnQuote):
    """What units would pay."""

    @operation(
        "withdrawal_quote",
        answer=shapes.UnitsQuoteShape,
        takes=inputs.WithdrawalInput,
        tag="pools",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Say what burning units at once would pay, or the most that would pass."""
        asked = body_of(request, inputs.WithdrawalInput)
        kind = "queue_withdrawal" if asked.get("queued") else "withdraw"
        market, user = access.market(slug), trader_of(request)
        return _units(user, market, kind, {"units_nano": asked["units"]})


class CollateralQuote(OwnQuote):
    """What a change of collateral would do."""

    @operation(
        "collateral_quote",
        answer=shapes.QuotedShape,
        takes=inputs.CollateralInput,
        tag="orders",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Say how a change of collateral would move the liquidation price."""
        asked = body_of(request, inputs.CollateralInput)
        payload = {"amount_micro": asked["amount"]}
        kind = f"{asked['action']}_collateral"
        return _change(trader_of(request), access.market(slug), kind, payload)


class TargetsQuote(OwnQuote):
    """Whether targets could be set."""

    @operation("targets_quote", answer=shapes.QuotedShape, takes=inputs.TargetsInput, tag="orders")
    def post(self, request: Request, slug: str) -> Response:
        """Say whether a stop-loss and a take-profit could be set now, or how far they must lie."""
        payload = targets(body_of(request, inputs.TargetsInput))
        return _change(trader_of(request), access.market(slug), "targets", payload)


def targets(asked: Json) -> Json:
    """Return targets under the names of services/orders.py."""
    return {"stop_pico": asked["stop_price"], "target_pico": asked["target_price"]}


def limit(asked: Json) -> Json:
    """Return a limit order under the names of services/orders.py."""
    payload = {
        "intent": asked["intent"],
        "shares_nano": asked["shares"],
        "price_pico": asked["price"],
    }
    return payload | ({"margin_micro": asked["margin"]} if "margin" in asked else {})


def _asked(
    user: User | None, market: Market, kind: str, payload: Mapping[str, Any]
) -> tuple[quotes.Quote, Json]:
    command = quotes.build(kind, payload, user.pk if user else 0)
    quote = quotes.quote(user, market, command)
    shown = shapes.described(market, quote, has_account=user is not None)
    if user is not None and shown["refused"] is None:
        shown["after"] = shapes.after(market, quote)
    return quote, shown


def _change(user: User, market: Market, kind: str, payload: Json) -> Response:
    return Response(shapes.QuotedShape(_asked(user, market, kind, payload)[1]).data)


def _order(user: User | None, market: Market, asked: Json) -> Json:
    quote, shown = _asked(user, market, asked["side"], sizes.scaled(asked))
    shown |= {
        "side": asked["side"],
        "filled": None,
        "committed": None,
        "exit_value": None,
        "round_trip": None,
    }
    if shown["refused"]:
        return shown
    assert isinstance(quote.result, variable.Filled)
    shown["filled"] = answers.mapping(quote.result)
    shown["exit_value"] = quote.exit_micro
    if quote.result.committed is not None:
        reserved = quote.after.reserved_micro - quote.before.reserved_micro
        shown["committed"] = {"reserved": reserved}
    elif asked["side"] == "buy":
        shown["round_trip"] = quote.exit_micro - quote.exit_before_micro - quote.result.net_micro
    return shown


def _limit(user: User | None, market: Market, asked: Json) -> Json:
    quote, shown = _asked(user, market, "limit", limit(asked))
    shown |= {"intent": asked["intent"], "fills_now": None, "rests": None, "exit_value": None}
    if shown["refused"]:
        return shown
    assert isinstance(quote.result, variable.Applied)
    ref = quote.result.fields["id"]
    fills = [fill for fill in quote.fills if fill.ref == ref]
    if fills:
        shown["fills_now"] = {
            "shares": sum(fill.shares_nano for fill in fills),
            "value": sum(fill.value_micro for fill in fills),
            "fee": sum(fill.fee_micro for fill in fills),
            "surcharge": sum(fill.surcharge_micro for fill in fills),
            "market_price_after": fills[-1].market_pico,
        }
    assert isinstance(ref, int)
    item = quote.resting[ref]
    assert isinstance(item, variable.LimitOrder)
    if item.shares_nano:
        shown["rests"] = {
            "shares": item.shares_nano,
            "price": item.price_pico,
            "reserved": item.reserved_micro,
        }
    shown["exit_value"] = quote.exit_micro
    return shown


def _units(user: User | None, market: Market, kind: str, payload: Json) -> Response:
    quote, shown = _asked(user, market, kind, payload)
    shown |= {"units": None, "amount": None}
    if shown["refused"] is None:
        assert isinstance(quote.result, variable.Applied)
        figures = quote.result.fields
        shown |= {"units": figures["units_nano"], "amount": figures.get("amount_micro")}
    return Response(shapes.UnitsQuoteShape(shown).data)
