"""All scenarios of docs/MATCHING.md by the names of their blocks."""

from collections.abc import Callable, Mapping

from tests.docs import ends, liquidation, oracle, orders, prices, providers, shorts

PARTS = (prices, oracle, shorts, orders, liquidation, providers, ends)

SCENARIOS: Mapping[str, Callable[[], str]] = {
    scenario.__name__: scenario for part in PARTS for scenario in part.SCENARIOS
}
