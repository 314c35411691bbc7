"""What the API of the providers' side takes and gives; figures are text with every place."""

from typing import Any

from rest_framework import serializers

from exchange.api.endpoint import Input, PageQuery
from exchange.api.fields import Instant, Money, PublicId, Rate, Shares, Text
from exchange.api.shapes.orders import RefusedShape
from liquidity.models.requests import PREFIX, WORDS
from liquidity.services.proposals import DIFFERS_MAX, OFFERED

Out = serializers.Serializer[Any]


class TextList(serializers.ListField):
    """Several texts."""

    child = Text(max_length=200)

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=60, **options)


class WordsInput(Input):
    """The market's own words."""

    name = Text(max_length=80)
    slug = Text(max_length=60, help_text="the address: small letters, digits, hyphens")
    ticker = Text(max_length=12)
    unit = Text(max_length=60, help_text="what one unit of the price stands for")
    question = Text(max_length=240, help_text="what a rise means")
    summary = Text(max_length=2000)
    rules = Text(max_length=4000)
    topic = Text(max_length=40)


class BriefInput(Input):
    """What the oracle should read."""

    kind = serializers.ChoiceField(choices=["delta", "level"])
    queries = TextList()
    rise_words = TextList(required=False, default=list)
    fall_words = TextList(required=False, default=list)
    sources = Text(max_length=1000)


class ParametersInput(Input):
    """Parameters by the specification's names, as decimal text; those left out are the default."""

    def get_fields(self) -> dict[str, Any]:
        """Return one optional text for each parameter on offer, with its range."""
        return {
            name: Text(required=False, max_length=40, help_text=f"{low} to {high}")
            for name, (low, high) in OFFERED.items()
        }


class RequestInput(Input):
    """A proposal with the amount that is staked on it."""

    words = WordsInput()
    brief = BriefInput()
    parameters = ParametersInput(required=False, default=dict)
    stake = Money(help_text="the first contribution, at least 100")
    differs = Text(
        required=False,
        default="",
        allow_blank=True,
        max_length=DIFFERS_MAX,
        help_text="how it differs from what is near to it",
    )


class RequestShape(Out):
    """One of the caller's proposals."""

    id = PublicId(PREFIX, source="pk")
    state = serializers.CharField(help_text="pending, approved, rejected or withdrawn")
    reason = serializers.CharField(allow_blank=True, help_text="of the decision")
    market = serializers.SlugField(source="market.slug", allow_null=True, default=None)
    stake = Money(source="stake_micro")
    stake_state = serializers.SerializerMethodField()
    words = serializers.SerializerMethodField()
    brief = BriefInput()
    parameters = serializers.DictField(child=serializers.CharField())
    differs = serializers.CharField(allow_blank=True)
    created_at = Instant()
    decided_at = Instant(allow_null=True)

    def get_stake_state(self, row: Any) -> str:
        """Return held, contributed or returned."""
        if row.hold.state == "open":
            return "held"
        return "contributed" if row.state == "approved" else "returned"

    def get_words(self, row: Any) -> dict[str, str]:
        """Return the words as they were sent."""
        return {name: getattr(row, name) for name in WORDS}


class RequestPage(Out):
    """A page of proposals."""

    results = RequestShape(many=True)
    next = serializers.CharField(allow_null=True)


class PoolShape(Out):
    """One pool as providers compare them."""

    market = serializers.SlugField(source="market.slug")
    status = serializers.CharField(source="view.state.status")
    goal = Money(source="goal_micro", help_text="trading starts when this is in")
    collected = Money(source="view.state.funding_micro")
    funded = Rate(source="funded_e8", help_text="of the goal")
    room = Money(source="room_micro", help_text="what may still be contributed")
    deadline = Instant(source="deadline_s")
    equity = Money(source="equity_micro", help_text="the providers' own")
    unit_value = Rate(source="unit_value_e8", allow_null=True, help_text="of what it was paid at")
    fees = Money(source="fees_micro", help_text="to providers since the start")
    coverage = Rate(source="view.coverage_e8", allow_null=True, help_text="of open positions")
    providers = serializers.IntegerField()


class PoolDetail(PoolShape):
    """One pool with the limits of leaving it."""

    vesting = serializers.SerializerMethodField()
    instant_fraction = Rate(source="view.config.instant_frac_e8", help_text="of vested, per day")
    daily_cap = Rate(source="view.config.daily_cap_e8", help_text="of equity, per day")
    queue_delay_s = serializers.IntegerField(source="view.config.queue_delay_s")
    worst_day = serializers.SerializerMethodField()

    def get_vesting(self, row: Any) -> list[dict[str, Any]]:
        """Return days after the start and the part that has vested by then."""
        shown = Rate()
        return [
            {"days": days, "share": shown.to_representation(share)}
            for days, share in row.view.config.vesting
        ]

    def get_worst_day(self, row: Any) -> str | None:
        """Return the worst day of the pinned simulation, of the capital."""
        worst = self.context.get("worst_day_e8")
        return None if worst is None else Rate().to_representation(worst)


class PoolPage(Out):
    """A page of pools."""

    results = PoolShape(many=True)
    next = serializers.CharField(allow_null=True)


class PoolQuery(PageQuery):
    """Which page of pools."""


class PreviewInput(Input):
    """An amount to contribute."""

    amount = Money()


class LaterShape(Out):
    """What may leave on one day, if prices and the pool stay as they are."""

    day = serializers.IntegerField(help_text="after the units' clock starts")
    at = Instant(source="at_s", help_text="in a market being funded, if the goal were met now")
    vested = Shares(source="vested_nano", help_text="units")
    worth = Money(source="worth_micro")
    at_once_units = Shares(source="at_once.units_nano")
    at_once = Money(source="at_once.amount_micro", help_text="the rest may queue")


class PreviewShape(Out):
    """What a contribution would bring, or the rule that would refuse it."""

    market = serializers.SlugField()
    amount = Money()
    units = Shares(allow_null=True)
    share = Rate(allow_null=True, help_text="of the pool; while funding, of a pool at its goal")
    activates = serializers.BooleanField(help_text="whether the market would open with it")
    later = LaterShape(many=True)
    refused = RefusedShape(allow_null=True)
