"""Chance that repeats: integers drawn from a seed, the same on every machine and in every version.

One seed makes many streams. What draws from a stream of its own can be left out of a scenario
without changing what the others draw.
"""

from collections.abc import Sequence
from typing import TypeVar

from exchange.engines.rounding import div_floor
from exchange.engines.units import RATE

Item = TypeVar("Item")

_WORD = 2**64
_MASK = _WORD - 1
_GOLDEN = 0x9E3779B97F4A7C15
_SHORT = 2**16 - 1
# Mean and standard deviation of the sum of four numbers of 16 bits each.
_MEAN, _DEVIATION = 2 * _SHORT, 37_837


def mixed(value: int) -> int:
    """Return 64 bits, each of which depends on all bits of `value`."""
    value &= _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


class Chance:
    """One stream of numbers.

    Source:  splitmix64, by Steele, Lea and Flood, "Fast splittable pseudorandom number
             generators", 2014.
    """

    __slots__ = ("_state",)

    def __init__(self, *seeds: int) -> None:
        state = 0
        for seed in seeds:
            state = mixed(state + seed + _GOLDEN)
        self._state = state

    def word(self) -> int:
        """Return 64 bits."""
        self._state = (self._state + _GOLDEN) & _MASK
        return mixed(self._state)

    def below(self, bound: int) -> int:
        """Return a number from 0 up to, not including, `bound`."""
        return div_floor(self.word() * bound, _WORD)

    def happens(self, rate_e8: int) -> bool:
        """Return whether something of this probability happens."""
        return self.word() * RATE < rate_e8 * _WORD

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of the items, each as likely."""
        return items[self.below(len(items))]

    def normal_e8(self) -> int:
        """Return a number with mean 0 and deviation 1, in 1e-8.

        It is a sum of four even ones: bell-shaped, and never further out than 3.5.
        """
        word = self.word()
        total = (word & _SHORT) + ((word >> 16) & _SHORT) + ((word >> 32) & _SHORT) + (word >> 48)
        return div_floor((total - _MEAN) * RATE, _DEVIATION)
