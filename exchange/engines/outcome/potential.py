"""The pool function and the price it gives: what every quote of an outcome market derives from."""

from typing import NamedTuple

from exchange.engines.outcome.scales import FINE, RATE
from exchange.engines.rounding import div_floor, root_floor
from exchange.engines.units import ATTO, PICO


class Curve(NamedTuple):
    """The constants of the pool function, worked out once from S and gamma."""

    gamma: int
    rest: int
    seed: int
    floor: int
    exhausted: int
    square: int

    @classmethod
    def of(cls, depth_micro: int, gamma_e9: int) -> "Curve":
        """Return the constants for a launch depth and a phase-out rate."""
        return cls(
            gamma=gamma_e9,
            rest=RATE - gamma_e9,
            seed=depth_micro * depth_micro * RATE * 1000,
            floor=depth_micro * FINE,
            exhausted=depth_micro * FINE * RATE,
            square=depth_micro * depth_micro * RATE,
        )


def pool(curve: Curve, energy: int) -> tuple[int, int]:
    """Return U and L, the user-contributed cash and the depth of a pool of this energy.

    Units:   micro squared in, 1e-12 USDC out.
    Rounds:  the root down, then U down from it.
    Source:  specification, section 3.2.
    """
    depth = root_floor(curve.seed + curve.rest * energy * 1000)
    cash = div_floor((depth - curve.floor) * RATE, curve.rest)
    if curve.gamma and cash * curve.gamma >= curve.exhausted:
        cash = root_floor(div_floor((energy * curve.gamma - curve.square) * PICO, curve.gamma))
        return cash, cash
    return cash, depth


def mass(yes: int, no: int, virtual_yes: int, virtual_no: int) -> int:
    """Return E squared less the virtual part squared, both sides of an outcome together."""
    return yes * (yes + 2 * virtual_yes) + no * (no + 2 * virtual_no)


def price(effective: int, weight: int, own_depth: int, common_depth: int) -> int:
    """Return the derivative of the potential: the own quote and the common quote, weighted.

    Rounds:  down, to pico-USDC.
    Source:  specification, section 3.4.
    """
    blend = (RATE - weight) * common_depth + weight * own_depth
    return div_floor(effective * ATTO * blend, RATE * own_depth * common_depth)
