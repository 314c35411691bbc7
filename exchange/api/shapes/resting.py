"""What rests in a market: limit orders, committed legs, timed exits, queued withdrawals."""

from datetime import timedelta
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from exchange.api.endpoint import Input
from exchange.api.fields import Flag, Instant, Money, Price, PublicId, Shares, Text, Whole
from exchange.api.shapes.orders import OrderQuery
from exchange.models import RestingOrder
from exchange.selectors.configs import config_of
from exchange.services.orders import CHUNKS_MAX, INTENTS, INTERVAL_S_MAX, INTERVAL_S_MIN

Out = serializers.Serializer[Any]
Json = dict[str, Any]
OPEN = RestingOrder.Status.OPEN


class LimitInput(Input):
    """A limit order."""

    intent = serializers.ChoiceField(choices=INTENTS)
    shares = Shares()
    price = Price(help_text="it fills while the market price is at least as good, fees apart")
    margin = Money(
        required=False, help_text="open_short, and only it: margin, fee and surcharge come from it"
    )

    def validate(self, attrs: Json) -> Json:
        """Return the fields. Raises ValidationError for a margin too many or too few."""
        if (attrs["intent"] == "open_short") != ("margin" in attrs):
            code = "field_unknown" if "margin" in attrs else "field_missing"
            problem = ErrorDetail("a margin belongs to an order that opens a short", code=code)
            raise ValidationError({"margin": [problem]})
        return attrs


class TargetsInput(Input):
    """Stop-loss and take-profit of the position; null takes one away."""

    stop_price = Price(allow_null=True)
    target_price = Price(allow_null=True)


class TimedExitInput(Input):
    """A position to be closed in chunks."""

    shares = Shares()
    chunks = Whole(least=1, most=CHUNKS_MAX)
    interval_s = Whole(least=INTERVAL_S_MIN, most=INTERVAL_S_MAX)
    guard_price = Price(required=False, help_text="no chunk is closed at a worse market price")


class CollateralInput(Input):
    """Money into the escrow of a short, or out of it."""

    action = serializers.ChoiceField(choices=["add", "remove"])
    amount = Money()


class CancelAllInput(Input):
    """Which orders to take back: those of one market, or all."""

    market = Text(required=False, max_length=60, help_text="slug")


class CancelAllShape(Out):
    """How many orders were taken back under this key."""

    cancelled = serializers.IntegerField()


class WithdrawalInput(Input):
    """Units of a pool to be burned."""

    units = Shares()
    queued = Flag(required=False, help_text="after the notice period, in the order of the queue")


class RestingQuery(OrderQuery):
    """Which resting orders."""

    state = serializers.ChoiceField(choices=["open", "ended"], required=False)


class RestingShape(Out):
    """What rests, or rested; what does not belong to its kind is null."""

    id = PublicId("rst")
    market = serializers.SlugField()
    kind = serializers.ChoiceField(choices=RestingOrder.Kind.choices)
    status = serializers.ChoiceField(choices=RestingOrder.Status.choices)
    intent = serializers.ChoiceField(choices=INTENTS, allow_null=True)
    shares = Shares(allow_null=True, help_text="as placed")
    shares_left = Shares(allow_null=True)
    amount = Money(allow_null=True, help_text="of a committed purchase by amount")
    price = Price(allow_null=True, help_text="of a limit order")
    guard_price = Price(allow_null=True)
    chunks = serializers.IntegerField(allow_null=True, help_text="as placed")
    chunks_left = serializers.IntegerField(allow_null=True)
    interval_s = serializers.IntegerField(allow_null=True)
    next_at = Instant(allow_null=True, help_text="when the next chunk of a timed exit is due")
    units = Shares(allow_null=True, help_text="of a withdrawal, as placed")
    units_left = Shares(allow_null=True)
    reserved = Money(help_text="what is set aside for it now")
    placed_at = Instant()
    changed_at = Instant()
    expires_at = Instant(allow_null=True, help_text="when a committed leg is returned")


class RestingPage(Out):
    """A page of resting orders."""

    results = RestingShape(many=True)
    next = serializers.CharField(allow_null=True)


class WithdrawalShape(RestingShape):
    """A request in a pool's queue."""

    place = serializers.IntegerField(allow_null=True, help_text="1 is paid next; null when ended")
    units_ahead = Shares(allow_null=True, help_text="of all requests before it")
    payable_from = Instant(help_text="the end of the notice period")


class WithdrawalPage(Out):
    """A page of withdrawals."""

    results = WithdrawalShape(many=True)
    next = serializers.CharField(allow_null=True)


def of_resting(row: RestingOrder) -> Json:
    """Return a row as it is shown."""
    asked, item, is_open = row.asked, row.item, row.status == OPEN
    left = item.get("shares_nano")
    if row.kind == RestingOrder.Kind.COMMIT and row.status == RestingOrder.Status.FILLED:
        left = 0  # it executes as a whole, and the engine keeps the size it had
    return {
        "id": row.pk,
        "market": row.market.slug,
        "kind": row.kind,
        "status": row.status,
        "intent": item.get("intent"),
        "shares": asked.get("shares_nano"),
        "shares_left": left,
        "amount": asked.get("amount_micro"),
        "price": item.get("price_pico"),
        "guard_price": item.get("guard_pico"),
        "chunks": asked.get("chunks"),
        "chunks_left": item.get("chunks"),
        "interval_s": item.get("interval_s"),
        "next_at": item.get("due_s") if is_open else None,
        "units": asked.get("units_nano"),
        "units_left": item.get("units_nano"),
        "reserved": row.reserved_micro,
        "placed_at": row.placed_at,
        "changed_at": row.changed_at,
        "expires_at": _expires_at(row) if is_open else None,
    }


def of_withdrawal(row: RestingOrder, place: tuple[int, int] | None) -> Json:
    """Return a request with its place in the queue and the units before it."""
    delay = timedelta(seconds=config_of(row.market.config).queue_delay_s)
    number, ahead = place or (None, None)
    return of_resting(row) | {
        "place": number,
        "units_ahead": ahead,
        "payable_from": row.placed_at + delay,
    }


def _expires_at(row: RestingOrder) -> Any:
    if row.kind != RestingOrder.Kind.COMMIT:
        return None
    return row.placed_at + timedelta(seconds=config_of(row.market.config).commit_ttl_s)
