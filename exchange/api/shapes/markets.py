"""Markets as programs read them: summary, full description, trades, events."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from exchange.api.endpoint import Input, PageQuery
from exchange.api.fields import (
    Digits,
    Instant,
    Money,
    Price,
    PublicId,
    Rate,
    Seconds,
    Shares,
    Text,
)
from exchange.models import Market
from exchange.selectors import candles

SECONDS_MAX = 10**11
Out = serializers.Serializer[Any]


class MarketQuery(PageQuery):
    """Which markets."""

    status = serializers.ChoiceField(choices=Market.Status.choices, required=False)
    topic = Text(required=False, max_length=40)
    search = Text(
        required=False, max_length=80, help_text="in names, questions, tickers and topics"
    )


class PriceShape(Out):
    """A price and how old it is."""

    value = Price()
    age_s = serializers.IntegerField(help_text="seconds since it was last formed")


class PricesShape(Out):
    """The three prices, never one without its label."""

    market_price = PriceShape(help_text="M: where the next trade starts on the curve")
    fundamental = PriceShape(help_text="F: the oracle's view; nothing trades at it")
    headline = PriceShape(help_text="D: a blend of both for charts; nothing trades at it")


class PauseShape(Out):
    """A rule that has stopped opening for a while; it ends by itself."""

    rule = serializers.CharField()
    since = Instant()
    until = Instant()


class MarketShape(Out):
    """A market in a list."""

    slug = serializers.SlugField()
    number = serializers.IntegerField(help_text="its name on the socket")
    name = serializers.CharField()
    ticker = serializers.CharField()
    unit = serializers.CharField(help_text="what one unit of the price stands for")
    question = serializers.CharField()
    topic = serializers.CharField()
    status = serializers.ChoiceField(choices=Market.Status.choices)
    is_demo = serializers.BooleanField(help_text="its news is invented")
    halted = serializers.CharField(allow_null=True, help_text="the rule that halted it")
    reduce_only = serializers.CharField(allow_null=True, help_text="why only closing is possible")
    paused = PauseShape(allow_null=True, help_text="the rule that has paused opening")
    prices = PricesShape(allow_null=True, help_text="empty before the first batch")


class MarketPage(Out):
    """A page of markets."""

    results = MarketShape(many=True)
    next = serializers.CharField(allow_null=True)


class StateShape(Out):
    """The engine's figures after the last batch."""

    seq = serializers.IntegerField(help_text="the last batch")
    as_of = Instant(allow_null=True)
    supply = Shares(help_text="net shares outstanding")
    long = Shares()
    short = Shares()
    pool = Money()
    equity = Money(help_text="the providers' net asset value")
    free_capital = Money(help_text="what upward shifts can still use")
    funding = Money(help_text="contributions before activation")
    lp_fees = Money(help_text="fees earned by providers and not claimed")
    insurance = Money()
    treasury = Money()
    units = Shares(help_text="providers' units")
    target = Price(help_text="T: the oracle's target before smoothing")
    close_out = Price(help_text="p_req: what shorts are margined at")
    day_volume = Money()
    day_change = Rate(allow_null=True, help_text="of the headline over 24 hours")
    funding_deadline = Instant()
    settle_at = Instant(allow_null=True, help_text="when a market in wind-down is settled")


class HealthShape(Out):
    """Published health; empty where there is nothing to compare with."""

    coverage = Rate(allow_null=True, help_text="free capital over long notional")
    reserve_ratio = Rate(allow_null=True, help_text="pool over what longs can take; never below 1")
    interest_used = Rate(help_text="part of the open-interest cap of longs")
    capital_used = Rate(help_text="part of the capital for longs")
    short_interest_used = Rate(help_text="part of the open-interest cap of shorts")
    short_capital_used = Rate(help_text="part of the capital for shorts")
    oracle_age_s = serializers.IntegerField()
    clamped = serializers.BooleanField(help_text="an upward shift could not be paid in full")


class LargestShape(Out):
    """The largest order that would pass now, and the rule that stops a larger one."""

    rule = serializers.CharField()
    message = serializers.CharField()
    amount_max = Money()
    shares_max = Shares()


class LargestShortShape(Out):
    """The largest short that could be opened now, and the rule that stops a larger one."""

    rule = serializers.CharField()
    message = serializers.CharField()
    shares_max = Shares()


class StoppedShape(Out):
    """A rule, or staff, that stops something now."""

    rule = serializers.CharField(
        help_text="halt, pause, reduce_only, oracle_stale, clamped, or winding"
    )
    detail = serializers.CharField(
        allow_blank=True, help_text="the rule that fired, or the reason staff gave"
    )
    stops = serializers.ChoiceField(choices=["everything", "opening", "deposits"])
    since = Instant(allow_null=True)
    until = Instant(allow_null=True, help_text="where it ends by itself at a known time")


class MarginShape(Out):
    """What a short must put in and keep, over the close-out price."""

    at_open = Rate(help_text="m_open: margin per USDC of proceeds")
    initial = Rate(help_text="im: after opening and after taking collateral out")
    maintenance = Rate(help_text="mm: below it a short is liquidated")
    liquidation_fee = Rate(help_text="liq_fee, to the insurance fund")


class LimitsShape(Out):
    """What bounds an order."""

    fee = Rate()
    fee_max = Rate(help_text="with every surcharge")
    min_open = Money()
    impact_max = Rate(help_text="price move of one opening leg")
    band = Rate(allow_null=True, help_text="distance from F within which opens fill at once")
    largest_buy = LargestShape()
    largest_short = LargestShortShape()


class MarketDetail(MarketShape):
    """Everything about a market."""

    summary = serializers.CharField()
    rules = serializers.CharField()
    mode = serializers.CharField(help_text="halted, reduce_only, stale_oracle, or the status")
    stopped = StoppedShape(many=True, help_text="what is stopped now, by what, since and until")
    activated_at = Instant(allow_null=True)
    halted_since = Instant(allow_null=True)
    reduce_only_since = Instant(allow_null=True)
    recalibrates = serializers.BooleanField(help_text="the slope follows the pool day by day")
    config = serializers.DictField(
        help_text="the engine's parameters by the specification's names; amounts and rates as text"
    )
    confidence = Rate(allow_null=True, help_text="of the oracle's last event")
    state = StateShape()
    health = HealthShape()
    limits = LimitsShape()
    margin = MarginShape()


class TickShape(Out):
    """The newest tick as it is published to browsers; prices have six decimals."""

    seq = serializers.IntegerField()
    t = serializers.IntegerField(help_text="seconds since the epoch")
    market = serializers.CharField()
    fundamental = serializers.CharField()
    display = serializers.CharField()
    target = serializers.CharField()
    oracle_s = serializers.IntegerField()
    volume = serializers.CharField()
    supply = serializers.CharField()
    pool = serializers.CharField()
    equity = serializers.CharField()
    free_capital = serializers.CharField()
    clamped = serializers.BooleanField()
    status = serializers.CharField()


class Snapshot(Out):
    """Where a market stands."""

    market = serializers.SlugField()
    status = serializers.ChoiceField(choices=Market.Status.choices)
    seq = serializers.IntegerField()
    server_s = serializers.IntegerField()
    halted = serializers.CharField(allow_null=True)
    reduce_only = serializers.CharField(allow_null=True)
    tick = TickShape(allow_null=True)


class CandleQuery(Input):
    """Which candles: a range by name, or its two ends."""

    interval = serializers.ChoiceField(choices=list(candles.INTERVALS), default="1m")
    range = serializers.ChoiceField(
        choices=list(candles.RANGES), required=False, help_text="1d where nothing else is given"
    )

    def get_fields(self) -> dict[str, Any]:
        """Return the declared fields with `from` and `to`, which are no names for attributes."""
        return super().get_fields() | {
            "from": Digits(required=False, least=0, most=SECONDS_MAX, help_text="seconds"),
            "to": Digits(required=False, least=0, most=SECONDS_MAX, help_text="seconds"),
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the fields. Raises ValidationError where both a range and an end are given."""
        if "range" in attrs and ("from" in attrs or "to" in attrs):
            problem = ErrorDetail("give a range, or from and to", code="malformed")
            raise ValidationError({"range": [problem]})
        return attrs


class ChartMoveShape(Out):
    """One oracle event as the market felt it."""

    t = Seconds(source="at", help_text="seconds since the epoch")
    applied = Price(source="applied_pico", help_text="how far the curve moved")
    before = Price(source="fundamental_before_pico", help_text="F before")
    after = Price(source="fundamental_pico", help_text="F after")
    ref = serializers.CharField(help_text="the oracle's run")
    clamps = serializers.ListField(child=serializers.CharField(), help_text="rules that held it")


class Candles(Out):
    """Candles as arrays: bucket_s, open, high, low, close, M, F, volume in micro-USDC, trades."""

    interval = serializers.ChoiceField(choices=list(candles.INTERVALS))
    candles = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))
    moves = ChartMoveShape(many=True)


class TradeShape(Out):
    """One execution against the curve, without its owner."""

    id = PublicId("fil")
    seq = serializers.IntegerField(source="command_seq")
    side = serializers.ChoiceField(choices=["buy", "sell"])
    shares = Shares(source="shares_nano")
    value = Money(source="value_micro", help_text="along the curve, before fees")
    price = Price(source="price_pico", help_text="average of the leg")
    market_price = Price(source="market_pico", help_text="M after it")
    at = Instant()


class TradePage(Out):
    """A page of trades."""

    results = TradeShape(many=True)
    next = serializers.CharField(allow_null=True)


class EventShape(Out):
    """A rule that fired, a step of the lifecycle, or an act of staff with its reason."""

    id = PublicId("evt")
    kind = serializers.CharField()
    rule = serializers.CharField(allow_blank=True)
    detail = serializers.DictField()
    at = Instant()


class EventPage(Out):
    """A page of events."""

    results = EventShape(many=True)
    next = serializers.CharField(allow_null=True)


class StaffActionShape(Out):
    """What staff did, to what, and why."""

    id = PublicId("act")
    verb = serializers.CharField()
    target = serializers.CharField()
    reason = serializers.CharField()
    at = Instant()


class StaffActionPage(Out):
    """A page of acts of staff."""

    results = StaffActionShape(many=True)
    next = serializers.CharField(allow_null=True)
