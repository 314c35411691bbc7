"""What a participant asks of a session, what becomes of it, and what they have."""

from collections.abc import Mapping
from typing import Any, cast

from rest_framework import serializers

from exchange import fields as grammar
from exchange import refusals
from exchange.api import wire
from exchange.api.endpoint import Input, PageQuery
from exchange.api.fields import Flag, Money, Price, PublicId, Text, Whole
from exchange.api.shapes.orders import RefusedShape
from exchange.api.shapes.session_inputs import NUMBER_MAX
from exchange.api.shapes.sessions import (
    TOKENS,
    SessionTradeShape,
    Share,
    TokenPrice,
    Tokens,
)
from exchange.models import Command, OutcomeOrder
from exchange.services.outcome.accept import Accepted
from exchange.services.outcome.orders import Wanted

Out = serializers.Serializer[Any]

STATES = ("accepted", "open", "partial", "filled", "cancelled", "refused")


class TokensIn(Tokens):
    """A number of tokens that is sent."""

    read = staticmethod(grammar.parse_tokens)


class TokenPriceIn(TokenPrice):
    """A limit that is sent."""

    read = staticmethod(grammar.parse_limit)


class ShareIn(Share):
    """A rate that is sent."""

    read = staticmethod(grammar.parse_fraction)


class SessionOrderInput(Input):
    """An order: at the market without a price, with one up to that limit."""

    side = serializers.ChoiceField(choices=["buy", "sell"])
    outcome = Whole(least=0, most=NUMBER_MAX)
    token = serializers.ChoiceField(choices=TOKENS)
    size = TokensIn(help_text="multiples of 0.01")
    price = TokenPriceIn(required=False, help_text="the limit; what is left of the order rests")
    max_slippage = ShareIn(
        required=False, help_text="market orders: 0.1 accepts an average 10 % worse than published"
    )
    auto_fill = Flag(
        required=False, help_text="let the market maker fill what rests when others move prices"
    )


class SessionOrderQuery(PageQuery):
    """Which orders."""

    open = serializers.ChoiceField(choices=["true", "false"], required=False, default="false")


class CancelInput(Input):
    """Nothing more to say."""


class OrderAnswer(Out):
    """What became of an order, as the newest tick has left it."""

    filled = Tokens(source="filled_micro")
    remaining = Tokens(source="remaining_micro")
    amount = Money(source="amount_micro", help_text="paid or received for tokens, before fees")
    fee = Money(source="fee_micro")
    rebate = Money(source="rebate_micro")
    gas = Money(source="gas_micro")


class SessionOrderShape(Out):
    """One thing asked of a session. `tick` is expected while it waits, and the true one later."""

    id = PublicId("ord")
    ref = serializers.IntegerField(allow_null=True, help_text="its number, by which one cancels")
    key = Text()
    kind = serializers.ChoiceField(choices=["order", "cancel"])
    status = serializers.ChoiceField(choices=STATES)
    asked = serializers.DictField()
    tick = serializers.IntegerField()
    answer = OrderAnswer(allow_null=True)
    refused = RefusedShape(allow_null=True)


class SessionOrderPage(Out):
    """A page of them, the newest first."""

    results = SessionOrderShape(many=True)
    next = serializers.CharField(allow_null=True)


class SessionHoldingShape(Out):
    """Tokens of one kind."""

    outcome = serializers.IntegerField()
    token = serializers.SerializerMethodField()
    free = Tokens(source="free_micro")
    locked = Tokens(source="locked_micro", help_text="in own sell orders")
    average_price = Price(source="average_pico", allow_null=True)
    price = Price(source="price_pico", help_text="published")
    value = Money(source="value_micro", help_text="at the published price")
    if_right = Money(source="if_right_micro")
    if_wrong = serializers.SerializerMethodField()

    def get_token(self, row: Any) -> str:
        """Return yes or no."""
        return TOKENS[row.token]

    def get_if_wrong(self, _row: Any) -> str:
        """Return nothing: what loses is worth nothing."""
        return "0.000000"


class MineShape(Out):
    """What a participant has; `if_wins` is everything by the number of the winner."""

    name = serializers.CharField(source="participant.name")
    cash = Money(source="cash_micro")
    reserved = Money(source="reserved_micro")
    worth = Money(source="worth_micro", help_text="tokens at their published prices")
    holdings = SessionHoldingShape(many=True)
    if_wins = serializers.SerializerMethodField()
    open_orders = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="asked, and not taken by a tick yet")

    def get_if_wins(self, row: Any) -> dict[str, str]:
        """Return the money by the number of the winner."""
        money = Money()
        return {str(w): money.to_representation(m) for w, m in row.if_wins.items()}


class SessionPreviewShape(Out):
    """What an order would do now. Not binding: other orders of the tick may come first."""

    refused = RefusedShape(allow_null=True)
    status = serializers.CharField(allow_null=True)
    answer = OrderAnswer(allow_null=True)
    average_price = Price(source="average_pico", allow_null=True, help_text="rebate taken off")
    reference_price = Price(source="reference_pico", help_text="published")
    slippage = Share(source="slippage_e9", allow_null=True, help_text="negative where better")
    gas = Money(source="gas_micro", help_text="also if refused")
    cash_change = Money(source="cash_micro")
    locked_change = Money(source="locked_micro")
    cash_after = Money(source="after.cash_micro")
    pays_if_right = Money(source="pays_micro")
    exit_value = Money(source="exit_micro", help_text="what selling it again at once would pay")
    prices = serializers.SerializerMethodField(help_text="published YES and NO after it")
    tick = serializers.IntegerField()

    def get_prices(self, row: Any) -> list[list[str]]:
        """Return them as exact decimals."""
        price = Price()
        return [[price.to_representation(p) for p in pair] for pair in row["prices"]]


def payload_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an order's fields under the engine's names."""
    payload: dict[str, Any] = {
        "side": values["side"],
        "outcome": values["outcome"],
        "token": TOKENS.index(values["token"]),
        "size_micro": values["size"],
    }
    if "price" in values:
        payload["price_micro"] = values["price"]
    if "max_slippage" in values:
        payload["max_slippage_e9"] = values["max_slippage"]
    if values.get("auto_fill"):
        payload["auto_fill"] = True
    return payload


def wanted_of(values: Mapping[str, Any]) -> Wanted:
    """Return an order's fields as the service takes them."""
    payload = payload_of(values)
    return cast("Wanted", {"outcome_no": payload.pop("outcome"), **payload})


def of_accepted(taken: Accepted, payload: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return what was just taken into the log, or found there."""
    return _shown(
        {"id": taken.id, "ref": taken.seq, "key": taken.key, "kind": kind, "tick": taken.tick},
        payload,
        taken.result,
    )


def of_command(row: Command, tick: int, order: OutcomeOrder | None) -> dict[str, Any]:
    """Return a line of the log, with the order as it stands now."""
    about = {"id": row.pk, "ref": row.seq, "key": row.key, "kind": row.kind, "tick": tick}
    result = row.result
    if order is not None and result is not None:
        names = ("remaining_micro", "amount_micro", "fee_micro", "rebate_micro", "gas_micro")
        result = {**result, **{name: getattr(order, name) for name in names}}
        result["filled_micro"] = order.size_micro - order.remaining_micro
        result["status"] = order.status
    return _shown(about, row.payload, result)


def refused(code: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a refusal with its sentence."""
    return {
        "code": code,
        "message": refusals.sentence(code, fields),
        "fields": wire.figures(fields),
    }


def _shown(
    about: dict[str, Any], payload: Mapping[str, Any], result: Mapping[str, Any] | None
) -> dict[str, Any]:
    shown = {**about, "asked": asked(payload), "answer": None, "refused": None}
    if result is None:
        return {**shown, "status": "accepted"}
    if "code" in result:
        return {
            **shown, "status": "refused", "refused": refused(result["code"], result["fields"]),
        }  # fmt: skip
    return {**shown, "status": result["status"], "answer": result}


def asked(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked as it was written; a token by its word."""
    shown = wire.figures(payload)
    if "token" in shown:
        shown["token"] = TOKENS[shown["token"]]
    return shown


class OwnTradeShape(SessionTradeShape):
    """An execution from the caller's own side: their token, price, amount and fee."""

    side = serializers.ChoiceField(choices=["buy", "sell"])
    fee = Money(source="fee_micro")


class OwnTradePage(Out):
    """A page of the caller's executions."""

    results = OwnTradeShape(many=True)
    next = serializers.CharField(allow_null=True)
