"""Whole lots: the one search for a largest amount, and shares in proportion."""

from collections.abc import Callable, Sequence

from exchange.engines.outcome.scales import LOT
from exchange.engines.rounding import div_floor


def largest(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the largest amount of whole lots from `low` to `high` for which `holds`.

    The path of the bisection belongs to the rule: where `holds` is not monotone, the path decides.

    Rounds:  both ends down to whole lots.
    Keeps:   `holds` is never asked about `low`.
    Source:  specification, section 4.5.
    """
    least, most = div_floor(low, LOT), div_floor(high, LOT)
    while least < most:
        middle = (least + most + 1) >> 1
        if holds(middle * LOT):
            least = middle
        else:
            most = middle - 1
    return least * LOT


def in_proportion(amount: int, weights: Sequence[int], unit: int) -> list[int]:
    """Return `amount` divided in proportion to `weights`, in whole units.

    Shapes:  as many as weights and in their order, which is the order of joining.
    Rounds:  down; the units left over go to the largest remainders, the earlier first.
    Keeps:   the parts sum to `amount`, and no part exceeds a weight when `amount` is at most their
             sum and all are whole units.
    Source:  specification, section 5.1.
    """
    if len(weights) == 1:
        return [amount]
    units, total = div_floor(amount, unit), sum(weights)
    split = [divmod(units * weight, total) for weight in weights]
    parts = [whole for whole, _ in split]
    left = units - sum(parts)
    if left:
        by_rest = sorted(range(len(split)), key=lambda n: (-split[n][1], n))
        for n in by_rest[:left]:
            parts[n] += 1
    return [part * unit for part in parts]
