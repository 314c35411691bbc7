"""What the API of simulations takes and gives; figures are text with every place written out."""

from typing import Any

from rest_framework import serializers

from exchange.api.endpoint import Input
from exchange.api.fields import Instant, Money, Price, PublicId, Rate, Text
from exchange.engines.variable.parameters import PARAMETERS
from liquidity.core.simulation import SETTINGS
from liquidity.models.simulations import PREFIX

Out = serializers.Serializer[Any]
# Figures are at most this long; no knob takes words.
FIGURE_MAX = 40


class MarketParametersInput(Input):
    """Parameters by the specification's names, as decimal text."""

    def get_fields(self) -> dict[str, Any]:
        """Return one optional text for each parameter that is a figure."""
        named = [p for p in PARAMETERS if p.default is None or isinstance(p.default, str)]
        return {p.name: Text(required=False, max_length=FIGURE_MAX) for p in named}


class ScenarioInput(Input):
    """What the market is put through, as decimal text; what is left out has its default."""

    def get_fields(self) -> dict[str, Any]:
        """Return one optional text for each setting, with its meaning and its default."""
        return {
            s.name: Text(
                required=False,
                max_length=FIGURE_MAX,
                help_text=f"{s.meaning}; {s.default} where left out",
            )
            for s in SETTINGS
        }


class SimulationInput(Input):
    """Whose parameters, what differs from them, and the scenario."""

    market = Text(
        required=False, max_length=60, help_text="begin with this market's parameters, not defaults"
    )
    parameters = MarketParametersInput(required=False, default=dict)
    scenario = ScenarioInput(required=False, default=dict)


class PinInput(Input):
    """The market that is being funded."""

    market = Text(max_length=60)


class SimulationShape(Out):
    """One run."""

    id = PublicId(PREFIX, source="pk")
    state = serializers.CharField(help_text="queued, running, done or failed")
    progress = Rate(source="progress_e8")
    paths_done = serializers.IntegerField()
    error = serializers.CharField(allow_blank=True, help_text="why it failed")
    market = serializers.SlugField(
        source="market.slug", allow_null=True, default=None, help_text="that it is pinned to"
    )
    pinned_at = Instant(allow_null=True)
    created_at = Instant()
    started_at = Instant(allow_null=True)
    finished_at = Instant(allow_null=True)
    parameters = serializers.DictField(source="config", help_text="the market's, in full")
    scenario = serializers.DictField(child=serializers.CharField())


class SimulationPage(Out):
    """A page of runs."""

    results = SimulationShape(many=True)
    next = serializers.CharField(allow_null=True)


class PartsShape(Out):
    """Where a result comes from; the parts sum to it."""

    fees = Money(source="fees_micro")
    surcharges = Money(source="surcharges_micro")
    inventory = Money(source="inventory_micro", help_text="the price's way back to the oracle view")
    oracle = Money(source="oracle_micro", help_text="what news brought on the net position")
    bad_debt = Money(source="bad_debt_micro", help_text="what liquidations could not collect")
    rounding = Money(source="rounding_micro")


class WorstDayShape(Out):
    """The day on which the providers lost most, of all days of all paths."""

    path = serializers.IntegerField()
    day = serializers.IntegerField(help_text="counted from 1")
    change = Money(source="change_micro")


class SizeShape(Out):
    """How orders of one size fared; a mean is null where none passed."""

    side = serializers.CharField(help_text="bought or sold")
    size = Money(source="size_micro")
    samples = serializers.IntegerField(help_text="that passed")
    slippage_mean = Rate(source="slippage_mean_e8", allow_null=True, help_text="the curve alone")
    slippage_worst = Rate(source="slippage_worst_e8")
    cost_mean = Rate(source="cost_mean_e8", allow_null=True, help_text="fees and surcharges too")
    cost_worst = Rate(source="cost_worst_e8")
    refused = serializers.DictField(child=serializers.IntegerField(), help_text="by code")


class ReportShape(Out):
    """What all paths say together; results are the providers'."""

    paths = serializers.IntegerField()
    capital = Money(source="capital_micro")
    results = serializers.ListField(child=Money(), source="profits_micro", help_text="by path")
    parts = PartsShape(many=True, help_text="by path")
    quantiles = serializers.ListField(
        child=Money(), source="quantiles_micro", help_text="5, 25, 50, 75 and 95 of 100 paths"
    )
    mean = Money(source="mean_micro")
    losing_paths = serializers.IntegerField()
    worst_day = WorstDayShape()
    worst_day_share = Rate(source="worst_day_e8", help_text="of the capital")
    days = serializers.ListField(
        child=serializers.ListField(child=Money()),
        source="days_micro",
        help_text="what the providers have at each day's end, the same quantiles",
    )
    slippage = SizeShape(many=True, source="sizes")
    free_capital_least = Money(source="free_least_micro")
    coverage_least = Rate(source="coverage_least_e8", allow_null=True)
    people = serializers.DictField(
        child=Money(), source="people_micro", help_text="mean results of those who trade"
    )
    fills = serializers.IntegerField()
    liquidations = serializers.IntegerField()
    refusals = serializers.DictField(child=serializers.IntegerField(), help_text="by code")
    breaches = serializers.IntegerField(help_text="of the engine's own rules; 0 or a defect")
    first_breach = serializers.CharField(allow_blank=True)


class SimulationDetail(SimulationShape):
    """One run with its report, null until it is done."""

    report = ReportShape(allow_null=True, default=None)


class HoursShape(Out):
    """The market by the hour, one column each; the first row is the opening."""

    market_price = serializers.ListField(child=Price(), source="market_pico")
    fundamental = serializers.ListField(child=Price(), source="fundamental_pico")
    value = serializers.ListField(child=Price(), source="value_pico", help_text="what is true")
    pool = serializers.ListField(child=Money(), source="pool_micro")
    equity = serializers.ListField(child=Money(), source="equity_micro")
    free_capital = serializers.ListField(child=Money(), source="free_micro")


class PathShape(Out):
    """One path."""

    number = serializers.IntegerField()
    result = Money(source="profit_micro")
    parts = PartsShape()
    worst_day = serializers.IntegerField()
    worst_day_change = Money(source="worst_day_micro")
    fills = serializers.IntegerField()
    liquidations = serializers.IntegerField()
    refusals = serializers.DictField(child=serializers.IntegerField(), help_text="by code")
    hours = HoursShape()
