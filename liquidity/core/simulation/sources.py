"""What the oracle's sources report in a round: the truth with an error, a lie, or nothing."""

from exchange.engines.rounding import div_floor
from exchange.engines.units import PICO, RATE
from exchange.engines.variable import Report
from liquidity.core.simulation.chance import Chance
from liquidity.core.simulation.news import News
from liquidity.core.simulation.scenario import DAY_S, Scenario

# a rate of 1e-8 as a relative change of 1e-12
PICO_OF_RATE = 10**4


class Sources:
    """All sources of a market. The first ones lie, the last ones fall silent, each in its days."""

    def __init__(self, scenario: Scenario, chance: Chance, start_s: int) -> None:
        self._scenario, self._chance, self._start_s = scenario, chance, start_s

    def reports(self, news: News, fundamental_pico: int, now_s: int) -> tuple[Report, ...]:
        """Return the reports of a round, as changes against F."""
        scenario = self._scenario
        day = div_floor(now_s - self._start_s, DAY_S)
        liars = scenario.liars if 0 <= day - scenario.lie_day < scenario.lie_days else 0
        dead = scenario.dead if 0 <= day - scenario.dead_day < scenario.dead_days else 0
        value = news.at(now_s - scenario.source_delay_s)
        found = []
        for source in range(scenario.sources):
            # Drawn for the silent too, so that a fault leaves the others' errors as they were.
            error = div_floor(scenario.source_noise_e8 * self._chance.normal_e8(), RATE)
            if source >= scenario.sources - dead:
                continue
            if source < liars:
                delta = scenario.lie_e8 * PICO_OF_RATE
            else:
                level = div_floor(value * (RATE + error), RATE)
                delta = div_floor((level - fundamental_pico) * PICO, fundamental_pico)
            found.append(Report(delta_pico=delta, confidence_e8=scenario.confidence_e8))
        return tuple(found)
