"""Orders and quotes: what is asked, what it brought, what it would bring."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from exchange import refusals
from exchange.api import wire
from exchange.api.endpoint import Input, PageQuery
from exchange.api.fields import Instant, Money, Price, PublicId, Shares, Text
from exchange.models import Command, Market
from exchange.selectors.portfolio import ORDER_KINDS
from exchange.services.batch import Receipt

Out = serializers.Serializer[Any]

SCALED = {
    "amount": "amount_micro",
    "shares": "shares_nano",
    "target": "target_micro",
    "min_shares": "min_shares_nano",
    "max_cost": "max_cost_micro",
    "min_out": "min_out_micro",
    "reduce_only": "reduce_only",
}
STATUSES = ("accepted", "filled", "done", "refused")
SIZES = {"buy": ("amount", "shares"), "sell": ("shares", "target")}
BOUNDS = {"buy": ("min_shares", "max_cost"), "sell": ("min_out",)}


class SizeInput(Input):
    """One side and exactly one size that belongs to it."""

    side = serializers.ChoiceField(choices=["buy", "sell"])
    amount = Money(required=False, help_text="buy: all that may be spent, fees included")
    shares = Shares(required=False, help_text="buy or sell: how many")
    target = Money(required=False, help_text="sell: as few shares as reach this value")
    reduce_only = serializers.BooleanField(
        required=False, help_text="close what is held on the other side and open nothing"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the fields. Raises ValidationError for a stray field or no single size."""
        side = attrs["side"]
        allowed = {"side", "reduce_only", *SIZES[side], *BOUNDS[side]}
        stray = sorted(set(attrs) - allowed)
        if stray:
            problem = ErrorDetail(f"this does not belong to a {side}", code="field_unknown")
            raise ValidationError({name: [problem] for name in stray})
        if len([name for name in SIZES[side] if name in attrs]) != 1:
            names = " and ".join(SIZES[side])
            problem = ErrorDetail(f"exactly one of {names} is needed", code="field_missing")
            raise ValidationError({SIZES[side][0]: [problem]})
        return attrs


class QuoteInput(SizeInput):
    """A question without consequences."""


class OrderInput(SizeInput):
    """An order, and the worst outcome it accepts."""

    min_shares = Shares(required=False, help_text="buy: fewer are refused as slippage")
    max_cost = Money(required=False, help_text="buy: a higher total is refused as slippage")
    min_out = Money(required=False, help_text="sell: lower net proceeds are refused as slippage")


class OrderQuery(PageQuery):
    """Which orders or fills."""

    market = Text(required=False, max_length=60, help_text="slug")


def scaled(values: dict[str, Any]) -> dict[str, Any]:
    """Return the sizes and bounds under the names of services/orders.py."""
    return {SCALED[name]: count for name, count in values.items() if name in SCALED}


class RefusedShape(Out):
    """Why a rule refused, with the numbers behind it."""

    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField()  # type: ignore[assignment]


class LegShape(Out):
    """One part of an execution."""

    leg = serializers.CharField()
    shares = Shares(source="shares_nano")
    value = Money(source="value_micro")


class FilledShape(Out):
    """What an order brought."""

    side = serializers.ChoiceField(choices=["buy", "sell"])
    shares = Shares(source="shares_nano")
    average_price = Price(source="price_pico", help_text="along the curve, before fees")
    value = Money(source="value_micro", help_text="along the curve, before fees")
    total = Money(source="net_micro", help_text="all that is paid, or all that is received")
    fee = Money(source="fee_micro")
    fee_to_providers = Money(source="lp_fee_micro", help_text="part of the fee")
    surcharge = Money(source="surcharge_micro", help_text="to the pool, on opening legs")
    realised = Money(source="realised_micro", help_text="profit or loss before fees")
    market_price_before = Price(source="market_before_pico")
    market_price_after = Price(source="market_pico")
    legs = LegShape(many=True)


class ContributedShape(Out):
    """What a contribution brought."""

    amount = Money(source="amount_micro")
    units = Shares(source="units_nano", help_text="1 per USDC before activation")
    activated = serializers.BooleanField(help_text="it filled the soft cap")


class ClaimedShape(Out):
    """What a claim of fees paid."""

    amount = Money(source="amount_micro")


class AskedShape(Out):
    """What was asked for."""

    amount = Money(source="amount_micro", allow_null=True, required=False)
    shares = Shares(source="shares_nano", allow_null=True, required=False)
    target = Money(source="target_micro", allow_null=True, required=False)
    min_shares = Shares(source="min_shares_nano", allow_null=True, required=False)
    max_cost = Money(source="max_cost_micro", allow_null=True, required=False)
    min_out = Money(source="min_out_micro", allow_null=True, required=False)


class OrderShape(Out):
    """An order with its answer: the same bytes whenever it is asked for."""

    id = PublicId("ord")
    market = serializers.SlugField()
    kind = serializers.ChoiceField(choices=ORDER_KINDS)
    key = serializers.CharField(help_text="the idempotency key it came with")
    status = serializers.ChoiceField(choices=STATUSES)
    seq = serializers.IntegerField(allow_null=True, help_text="its place in the market's log")
    batch = serializers.IntegerField(allow_null=True)
    settled_at = Instant(allow_null=True)
    asked = AskedShape()
    filled = FilledShape(allow_null=True)
    contributed = ContributedShape(allow_null=True)
    claimed = ClaimedShape(allow_null=True)
    refused = RefusedShape(allow_null=True)


class OrderPage(Out):
    """A page of orders."""

    results = OrderShape(many=True)
    next = serializers.CharField(allow_null=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A stored command or a fresh receipt, ready to be shown; both give the same bytes."""

    id: int
    market: str
    kind: str
    key: str
    status: str
    seq: int | None
    batch: int | None
    settled_at: int | datetime | None
    asked: dict[str, Any]
    filled: dict[str, Any] | None
    contributed: dict[str, Any] | None
    claimed: dict[str, Any] | None
    refused: dict[str, Any] | None


def of_receipt(receipt: Receipt, market: Market, key: str, payload: dict[str, Any]) -> Order:
    """Return a fresh or replayed receipt as an order."""
    return _order(
        id=receipt.id,
        market=market.slug,
        kind=receipt.kind,
        key=key,
        seq=receipt.seq,
        batch=receipt.batch_seq,
        settled_at=receipt.settled_s,
        payload=payload,
        result=receipt.result,
    )


def of_command(row: Command) -> Order:
    """Return a stored command as an order."""
    return _order(
        id=row.pk,
        market=row.market.slug,
        kind=row.kind,
        key=row.key,
        seq=row.seq,
        batch=row.batch_seq,
        settled_at=row.settled_s,
        payload=row.payload,
        result=row.result,
    )


def refused_shape(code: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return a refusal with its sentence and its numbers as decimals."""
    message = refusals.sentence(code, fields)
    return {"code": code, "message": message, "fields": wire.figures(fields)}


def _order(
    *, kind: str, payload: dict[str, Any], result: dict[str, Any] | None, **place: Any
) -> Order:
    refused = None
    if result is not None and "code" in result:
        refused = refused_shape(result["code"], result["fields"])
    done = result if refused is None else None
    is_trade = kind in SIZES
    return Order(
        **place,
        kind=kind,
        status=_status(result, refused=refused is not None, is_trade=is_trade),
        asked=payload,
        filled=done if is_trade else None,
        contributed=done if kind == "contribute" else None,
        claimed=done if kind == "claim" else None,
        refused=refused,
    )


def _status(result: dict[str, Any] | None, *, refused: bool, is_trade: bool) -> str:
    if result is None:
        return "accepted"
    if refused:
        return "refused"
    return "filled" if is_trade else "done"


class HoldingShape(Out):
    """What the caller would hold afterwards."""

    cash = Money(source="cash_micro")
    shares = Shares(source="shares_nano")
    cost = Money(source="entry_micro", help_text="what the position cost")


class QuoteShape(Out):
    """What an order would do now: the engine itself, run and thrown away."""

    market = serializers.SlugField()
    side = serializers.ChoiceField(choices=["buy", "sell"])
    seq = serializers.IntegerField(help_text="the batch it was computed on")
    as_of = Instant()
    valid_s = serializers.IntegerField(help_text="after this many seconds ask again")
    filled = FilledShape(allow_null=True)
    after = HoldingShape(allow_null=True, help_text="empty for a visitor")
    exit_value = Money(
        allow_null=True, help_text="what selling the whole position would pay afterwards"
    )
    round_trip = Money(
        allow_null=True, help_text="result of this order and of undoing it at once; a cost is < 0"
    )
    refused = RefusedShape(allow_null=True)
