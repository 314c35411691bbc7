"""The variable itself: a walk by chance with sudden jumps, which nobody in the market can move."""

from math import isqrt

from exchange.engines.rounding import div_even, div_floor
from exchange.engines.units import RATE
from exchange.engines.variable import Config
from liquidity.core.simulation.chance import Chance
from liquidity.core.simulation.scenario import DAY_S, Scenario

# As fine as the shortest interval between two oracle rounds.
GRID_S = 120


class News:
    """The true value over a path, as a price; made ahead, as far as it is asked for."""

    def __init__(self, config: Config, scenario: Scenario, chance: Chance, start_s: int) -> None:
        self._chance = chance
        self._start_s = start_s
        self._least = config.p_min_pico
        self._deviation = div_even(
            scenario.volatility_e8 * isqrt(GRID_S * RATE), isqrt(DAY_S * RATE)
        )
        self._drift = div_even(scenario.drift_e8 * GRID_S, DAY_S)
        self._jumps = div_even(scenario.jumps_e8 * GRID_S, DAY_S)
        self._jump = scenario.jump_e8
        self._values = [config.p0_init_pico]

    def at(self, now_s: int) -> int:
        """Return the value at an instant; before the start it is the first.

        Units:   pico.
        """
        cell = max(0, div_floor(now_s - self._start_s, GRID_S))
        while len(self._values) <= cell:
            self._values.append(self._next(self._values[-1]))
        return self._values[cell]

    def _next(self, value: int) -> int:
        chance = self._chance
        change = self._drift + div_floor(self._deviation * chance.normal_e8(), RATE)
        if chance.happens(self._jumps):
            size = div_floor(self._jump * (RATE + chance.below(2 * RATE)), 2 * RATE)
            change += size if chance.happens(RATE // 2) else -size
        return max(self._least, value + div_even(value * change, RATE))
