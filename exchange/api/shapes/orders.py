"""Orders: what is asked, and what it brought."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from exchange import refusals
from exchange.api import wire
from exchange.api.endpoint import Input, PageQuery
from exchange.api.fields import Flag, Instant, Money, Price, PublicId, Shares, Text
from exchange.models import Command, Market, RestingOrder
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
    "max_margin": "max_margin_micro",
    "extra": "extra_micro",
    "commit": "commit",
    "reduce_only": "reduce_only",
}
STATUSES = ("accepted", "filled", "placed", "done", "refused")
SIZES = {"buy": ("amount", "shares"), "sell": ("shares", "target")}
BOUNDS = {"buy": ("min_shares", "max_cost"), "sell": ("min_out", "max_margin", "extra")}
# The commands that leave something to rest, and where the answer of each kind is shown.
PLACES = ("limit", "timed_exit", "queue_withdrawal")
SHOWN = {
    "contribute": "contributed",
    "claim": "claimed",
    "targets": "targets",
    "add_collateral": "collateral",
    "remove_collateral": "collateral",
    "withdraw": "withdrawn",
}
Refs = Mapping[tuple[int, int], RestingOrder]


class SizeInput(Input):
    """One side and exactly one size that belongs to it."""

    side = serializers.ChoiceField(choices=["buy", "sell"])
    amount = Money(required=False, help_text="buy: all that may be spent, fees included")
    shares = Shares(required=False, help_text="buy or sell: how many")
    target = Money(required=False, help_text="sell: as few shares as reach this value")
    max_cost = Money(required=False, help_text="buy: a higher total is refused as slippage")
    max_margin = Money(required=False, help_text="sell: more margin is refused as margin_limit")
    extra = Money(required=False, help_text="sell: put into the escrow on top of the margin")
    commit = Flag(
        required=False,
        help_text="an opening leg that only the band refuses waits for the next oracle event;"
        " needs amount or max_cost to buy, max_margin to sell",
    )
    reduce_only = Flag(
        required=False, help_text="close what is held on the other side and open nothing"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the fields. Raises ValidationError for a stray field or no single size."""
        side = attrs["side"]
        allowed = {"side", "reduce_only", "commit", *SIZES[side], *BOUNDS[side]}
        stray = sorted(set(attrs) - allowed)
        if stray:
            problem = ErrorDetail(f"this does not belong to a {side}", code="field_unknown")
            raise ValidationError({name: [problem] for name in stray})
        if len([name for name in SIZES[side] if name in attrs]) != 1:
            names = " and ".join(SIZES[side])
            problem = ErrorDetail(f"exactly one of {names} is needed", code="field_missing")
            raise ValidationError({SIZES[side][0]: [problem]})
        return attrs


class OrderInput(SizeInput):
    """An order, and the worst outcome it accepts."""

    min_shares = Shares(required=False, help_text="buy: fewer are refused as slippage")
    min_out = Money(required=False, help_text="sell: lower net proceeds are refused as slippage")


class OrderQuery(PageQuery):
    """Which orders or fills."""

    market = Text(required=False, max_length=60, help_text="slug")


def scaled(values: dict[str, Any]) -> dict[str, Any]:
    """Return the sizes and bounds under the names of services/orders.py, without idle flags."""
    return {
        SCALED[name]: count
        for name, count in values.items()
        if name in SCALED and count is not False
    }


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
    margin = Money(source="margin_micro", default=0, help_text="put into the escrow of a short")
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


class PlacedShape(Out):
    """What an order has left to rest; what becomes of it is told under resting/{id}/."""

    id = PublicId("rst")
    kind = serializers.ChoiceField(choices=RestingOrder.Kind.choices)
    reserved = Money(help_text="set aside when it was placed")


class CancelledShape(Out):
    """What was taken back."""

    id = PublicId("rst")


class TargetsShape(Out):
    """The prices that close a position from now on."""

    stop_price = Price(source="stop_pico", allow_null=True)
    target_price = Price(source="target_pico", allow_null=True)


class CollateralShape(Out):
    """What a change of collateral has left."""

    escrow = Money(source="escrow_micro")


class WithdrawnShape(Out):
    """Units that were burned, and what was paid for them."""

    units = Shares(source="units_nano")
    amount = Money(source="amount_micro")


class AskedShape(Out):
    """What was asked for."""

    amount = Money(source="amount_micro", allow_null=True, required=False)
    shares = Shares(source="shares_nano", allow_null=True, required=False)
    target = Money(source="target_micro", allow_null=True, required=False)
    min_shares = Shares(source="min_shares_nano", allow_null=True, required=False)
    max_cost = Money(source="max_cost_micro", allow_null=True, required=False)
    min_out = Money(source="min_out_micro", allow_null=True, required=False)
    max_margin = Money(source="max_margin_micro", allow_null=True, required=False)
    extra = Money(source="extra_micro", allow_null=True, required=False)
    commit = serializers.BooleanField(allow_null=True, required=False)
    reduce_only = serializers.BooleanField(allow_null=True, required=False)
    intent = serializers.CharField(allow_null=True, required=False)
    price = Price(source="price_pico", allow_null=True, required=False)
    margin = Money(source="margin_micro", allow_null=True, required=False)
    stop_price = Price(source="stop_pico", allow_null=True, required=False)
    target_price = Price(source="target_pico", allow_null=True, required=False)
    chunks = serializers.IntegerField(allow_null=True, required=False)
    interval_s = serializers.IntegerField(allow_null=True, required=False)
    guard_price = Price(source="guard_pico", allow_null=True, required=False)
    units = Shares(source="units_nano", allow_null=True, required=False)


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
    placed = PlacedShape(allow_null=True, help_text="what rests now, a committed leg included")
    cancelled = CancelledShape(allow_null=True)
    targets = TargetsShape(allow_null=True)
    collateral = CollateralShape(allow_null=True)
    contributed = ContributedShape(allow_null=True)
    claimed = ClaimedShape(allow_null=True)
    withdrawn = WithdrawnShape(allow_null=True)
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
    filled: dict[str, Any] | None = None
    placed: dict[str, Any] | None = None
    cancelled: dict[str, Any] | None = None
    targets: dict[str, Any] | None = None
    collateral: dict[str, Any] | None = None
    contributed: dict[str, Any] | None = None
    claimed: dict[str, Any] | None = None
    withdrawn: dict[str, Any] | None = None
    refused: dict[str, Any] | None = None


def refs_of(rows: Iterable[Command]) -> set[tuple[int, int]]:
    """Return (market, ref) of whatever the answers speak of, to be looked up at once."""
    wanted = {(row.market_id, ref_of(row.kind, row.payload, row.result)) for row in rows}
    return {(market_id, ref) for market_id, ref in wanted if ref is not None}


def ref_of(kind: str, payload: Mapping[str, Any], result: Mapping[str, Any] | None) -> int | None:
    """Return the engine's number of what an accepted command left to rest or took back."""
    if result is None or "code" in result:
        return None
    if kind == "cancel":
        return int(payload["ref"])
    number = result.get("id") if kind in PLACES else result.get("committed")
    return None if number is None else int(number)


def of_receipt(
    receipt: Receipt, market: Market, key: str, payload: dict[str, Any], rests: RestingOrder | None
) -> Order:
    """Return a fresh or replayed receipt as an order; `rests` is what it speaks of."""
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
        rests=rests,
    )


def of_command(row: Command, rests: Refs) -> Order:
    """Return a stored command as an order."""
    ref = ref_of(row.kind, row.payload, row.result)
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
        rests=None if ref is None else rests.get((row.market_id, ref)),
    )


def refused_shape(code: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return a refusal with its sentence and its numbers as decimals."""
    message = refusals.sentence(code, fields)
    return {"code": code, "message": message, "fields": wire.figures(fields)}


def _order(
    *,
    kind: str,
    payload: dict[str, Any],
    result: dict[str, Any] | None,
    rests: RestingOrder | None,
    **place: Any,
) -> Order:
    shown = dict[str, Any]()
    if result is None:
        status = "accepted"
    elif "code" in result:
        status = "refused"
        shown["refused"] = refused_shape(result["code"], result["fields"])
    else:
        status, shown = _answer(kind, result, rests)
    return Order(**place, kind=kind, status=status, asked=payload, **shown)


def _answer(
    kind: str, result: dict[str, Any], rests: RestingOrder | None
) -> tuple[str, dict[str, Any]]:
    """Return the status of what went through, and what of it is shown."""
    shown: dict[str, Any] = {SHOWN[kind]: result} if kind in SHOWN else {}
    status = "done"
    if kind in SIZES:
        status, shown["filled"] = "filled", result
    if kind == "targets":
        # the engine writes what was taken away as zero
        shown["targets"] = {name: result[name] or None for name in ("stop_pico", "target_pico")}
    if kind == "cancel":
        shown["cancelled"] = {"id": rests.pk} if rests else None
    elif rests is not None:
        reserved = rests.asked.get("reserved_micro", 0)
        status = "placed"
        shown["placed"] = {"id": rests.pk, "kind": rests.kind, "reserved": reserved}
    return status, shown
