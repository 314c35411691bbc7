"""The six markets of the demonstration, each of another kind and in another state."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMarket:
    """A market as the seed makes it. `contributed` is what the house bots put into its pool."""

    slug: str
    name: str
    ticker: str
    topic: str
    unit: str
    question: str
    summary: str
    rules: str
    contributed: tuple[str, ...]
    trades: bool = True
    reduce_only: str = ""
    oracle_paused: bool = False
    parameters: dict[str, object] = field(default_factory=dict)


NEWS = {"interval": 600, "quorum": 1, "beta": "0.6", "soft_cap": "5000"}
NEWS_RULES = (
    "An oracle reads the demonstration archive and reports how far the variable has moved. Each "
    "report is clamped to ±30 %, one event moves the oracle view by at most 5 % and one day by at "
    "most 20 %. A story counts once, however often it is printed. When the sources are silent the "
    "oracle view stays where it is and its age is shown; after thirty minutes only closing is "
    "possible until it speaks again."
)

MARKETS = (
    DemoMarket(
        slug="eu-inflation",
        name="Euro area inflation pressure",
        ticker="EUCPI",
        topic="Economy",
        unit="USDC per index point",
        question="Are consumer prices in the euro area rising faster?",
        summary=(
            "Follows the pressure on consumer prices in the euro area: energy, food, wages and "
            "rents. It rises when prices rise faster than before."
        ),
        rules=NEWS_RULES,
        contributed=("4000", "3500", "2500"),
        parameters={**NEWS, "soft_cap": "10000"},
    ),
    DemoMarket(
        slug="ai-attention",
        name="Attention to artificial intelligence",
        ticker="AIATT",
        topic="Technology",
        unit="USDC per attention point",
        question="Is the public paying more attention to artificial intelligence?",
        summary=(
            "Follows how much the news, research and business talk about artificial intelligence. "
            "It rises when the talk grows and falls when people turn to other things."
        ),
        rules=NEWS_RULES,
        contributed=("3000", "3000"),
        parameters={**NEWS, "P0_init": "25"},
    ),
    DemoMarket(
        slug="coffee-price-pressure",
        name="Coffee price pressure",
        ticker="COFFEE",
        topic="Commodities",
        unit="USDC per pressure point",
        question="Is coffee becoming scarcer and dearer?",
        summary=(
            "Follows harvests, weather, freight and demand for coffee. It rises when coffee "
            "becomes scarcer or dearer."
        ),
        rules=NEWS_RULES,
        contributed=("2500", "2500"),
        parameters={**NEWS, "P0_init": "4"},
    ),
    DemoMarket(
        slug="city-air-quality",
        name="City air quality",
        ticker="AIR",
        topic="Environment",
        unit="USDC per air point",
        question="Is the air in the big cities becoming cleaner?",
        summary=(
            "Will follow measurements of and news about the air in twelve large cities. The market "
            "is being funded: it opens for trading in the operation that reaches the goal."
        ),
        rules=NEWS_RULES,
        contributed=("1200", "650"),
        trades=False,
        parameters={**NEWS, "soft_cap": "2500"},
    ),
    DemoMarket(
        slug="league-form-northbridge",
        name="Form of Northbridge United",
        ticker="NBU",
        topic="Sport",
        unit="USDC per form point",
        question="Is Northbridge United playing better?",
        summary=(
            "Follows the form of an invented football club: results, injuries, transfers. Open for "
            "closing only while its specification is being revised."
        ),
        rules=NEWS_RULES,
        contributed=("3000", "2000"),
        reduce_only="The specification is being revised: the club has changed its league.",
        parameters={**NEWS, "P0_init": "12"},
    ),
    DemoMarket(
        slug="chip-supply",
        name="Chip supply",
        ticker="CHIPS",
        topic="Technology",
        unit="USDC per supply point",
        question="Are semiconductors becoming easier to get?",
        summary=(
            "Follows factories, lead times and export rules for semiconductors. Its oracle is "
            "switched off in the demonstration, to show what a silent oracle means: the view ages "
            "in public and opening stops by rule, closing never."
        ),
        rules=NEWS_RULES,
        contributed=("3000", "2000"),
        oracle_paused=True,
        parameters={**NEWS, "max_stale": 600, "P0_init": "8"},
    ),
)
