"""A published number as a price of the market, and that price as a change against F."""

from dataclasses import dataclass

from exchange.engines.rounding import div_floor, div_trunc
from exchange.engines.units import PICO


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelMapping:
    """The straight line from the number's unit to the price: price = base + slope x number."""

    slope_pico: int
    base_pico: int = 0

    def level_pico(self, value_pico: int) -> int:
        """Return the price that stands for `value_pico`; it may be senseless (not above zero).

        Rounds:  down.
        """
        return self.base_pico + div_floor(self.slope_pico * value_pico, PICO)


def change_pico(level_pico: int, fundamental_pico: int) -> int:
    """Return level / F - 1.

    Rounds:  toward zero.
    Raises:  nothing; the caller has checked that both are above zero.
    """
    assert level_pico > 0
    assert fundamental_pico > 0
    return div_trunc((level_pico - fundamental_pico) * PICO, fundamental_pico)
