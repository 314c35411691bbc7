"""After an elimination: the survivors' base energy and virtual YES, within cash and cap."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from exchange.engines.engine import EngineBug
from exchange.engines.outcome.amm import Amm
from exchange.engines.outcome.potential import mass, pool, price
from exchange.engines.outcome.scales import FINE, RATE
from exchange.engines.rounding import div_floor
from exchange.engines.units import PICO

FACTOR_MAX = 64 * RATE


class Built(NamedTuple):
    """The survivors with some virtual YES: base energy, depths and the sum of YES prices."""

    virtual: Sequence[int]
    energy: int
    depths: Sequence[int]
    common_depth: int
    prices: int


def renormalise(amm: Amm, available: int, before: int, *, lowers: bool) -> int:
    """Set the survivors' virtual YES and base energy; return the common factor of their YES.

    `available` is the potential the pool can back, `before` the sum of published YES prices that
    is to be reached again; `lowers` allows a factor below one.

    Units:   1e-21 USDC, pico-USDC and 1e-9.
    Raises:  EngineBug, if the pool cannot back the survivors as they are.
    Source:  specification, section 9.1, steps 5 to 8.
    """
    lift = _Lift(amm, available, before)
    factor = RATE
    if lift.good(RATE):
        factor = _bisected(RATE, FACTOR_MAX, lift.good)
    elif lowers and lift.base.prices > before:
        factor = _bisected(0, RATE, lift.good)
    built = lift.build(lift.virtual(factor))
    if built is None:
        raise EngineBug(f"no base energy: available {available}, factor {factor}")
    for i, virtual in zip(amm.active, built.virtual, strict=True):
        amm.virtual[2 * i] = virtual
    amm.energy = built.energy
    amm.reprice()
    return factor


def _bisected(low: int, high: int, holds: Callable[[int], bool]) -> int:
    while high - low > 1:
        middle = (low + high) >> 1
        if holds(middle):
            low = middle
        else:
            high = middle
    return low


class _Lift:
    """The search for the largest common factor."""

    def __init__(self, amm: Amm, available: int, before: int) -> None:
        self.amm, self.available, self.before = amm, available, before
        active = amm.active
        self.yes = [amm.supply[2 * i] for i in active]
        self.no = [amm.supply[2 * i + 1] for i in active]
        self.virtual_no = [amm.virtual[2 * i + 1] for i in active]
        base = self.build([amm.virtual[2 * i] for i in active])
        if base is None:
            raise EngineBug(f"no base energy: available {available}")
        self.base = base
        self.effective = [y + v for y, v in zip(self.yes, base.virtual, strict=True)]
        self.caps = [
            max(e, div_floor(amm.p_max * min(depth, base.common_depth), PICO * FINE))
            for e, depth in zip(self.effective, base.depths, strict=True)
        ]

    def virtual(self, factor: int) -> list[int]:
        """Return the virtual YES of the survivors at a factor."""
        scaled = [div_floor(factor * e, RATE) for e in self.effective]
        if factor < RATE:
            return [max(0, s - y) for s, y in zip(scaled, self.yes, strict=True)]
        rows = zip(scaled, self.effective, self.caps, self.yes, strict=True)
        return [min(max(s, e), cap) - y for s, e, cap, y in rows]

    def good(self, factor: int) -> bool:
        """Return whether a factor is backed, lifts no higher than before and keeps to the cap."""
        amm = self.amm
        built = self.build(self.virtual(factor))
        if built is None or built.prices > self.before:
            return False
        _, depth = pool(amm.curve, built.energy)
        return all(v * PICO * FINE <= amm.p_max * depth for v in built.virtual)

    def build(self, virtual: Sequence[int]) -> Built | None:
        """Return the survivors with this virtual YES and the most base energy, if any is backed."""
        amm = self.amm
        rows = zip(self.yes, self.no, virtual, self.virtual_no, strict=True)
        masses = [mass(*row) for row in rows]
        if self._potential(masses, 0) > self.available:
            return None
        high = amm.depth_squared
        while self._potential(masses, high) <= self.available:
            high *= 2
        energy = _bisected(0, high, lambda a: self._potential(masses, a) <= self.available)
        depths = [pool(amm.curve, energy + m)[1] for m in masses]
        _, common = pool(amm.curve, energy + div_floor(sum(masses), len(masses)))
        prices = sum(
            min(amm.p_max, price(y + v, amm.z, depth, common))
            for y, v, depth in zip(self.yes, virtual, depths, strict=True)
        )
        return Built(virtual, energy, depths, common, prices)

    def _potential(self, masses: Sequence[int], energy: int) -> int:
        curve, weight, count = self.amm.curve, self.amm.z_ref, len(masses)
        own = sum(pool(curve, energy + m)[0] for m in masses)
        common, _ = pool(curve, energy + div_floor(sum(masses), count))
        return (RATE - weight) * own + weight * count * common
