"""A whole simulation: every path of a scenario, one after the other, with its progress."""

from collections.abc import Generator

from exchange.engines.rounding import div_floor
from exchange.engines.units import RATE
from exchange.engines.variable import Config
from liquidity.core.simulation.path import simulate
from liquidity.core.simulation.report import Report, summarise
from liquidity.core.simulation.scenario import Scenario


def run(config: Config, scenario: Scenario) -> Generator[int, None, Report]:
    """Run all paths, yield the progress in 1e-8 after each day, and return the report.

    Raises:  ScenarioError where the scenario does not fit the market's parameters.
    Keeps:   equal arguments give equal reports.
    """
    scenario.require_for(config)
    done = []
    for number in range(scenario.paths):
        path = simulate(config, scenario, number)
        while True:
            try:
                days = next(path)
            except StopIteration as end:
                done.append(end.value)
                break
            yield progress_e8(scenario, number, days)
    return summarise(done)


def progress_e8(scenario: Scenario, paths: int, days: int = 0) -> int:
    """Return how far a run has come after whole paths and days of the next."""
    whole = scenario.paths * scenario.days
    return div_floor((paths * scenario.days + days) * RATE, whole)
