"""Stage 2: from how likely each allowed answer is to a change and a confidence."""

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.engines.rounding import div_trunc
from exchange.engines.units import PICO, RATE

MILLION = 10**6
DIRECTIONS = (1, -1, 0)
# Half a per cent is five thousandths.
BUCKETS_PICO = tuple(div_trunc(PICO * thousandths, 1000) for thousandths in (0, 5, 10, 20, 50, 100))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """A direction, the expected size in it, and how far it is ahead of the next direction."""

    sign: int
    delta_pico: int
    confidence_e8: int


def sized(directions: Sequence[int], sizes: Sequence[int]) -> Sized:
    """Return what the shares of the answers add up to.

    Units:   shares in millionths, in the order of DIRECTIONS and BUCKETS_PICO.
    Rounds:  toward zero, so that a mirrored answer is the mirrored change.
    Keeps:   |delta| <= 10 %; a tie of directions is no direction.
    """
    assert len(directions) == len(DIRECTIONS)
    assert len(sizes) == len(BUCKETS_PICO)
    best, second, _ = sorted(directions, reverse=True)
    sign = DIRECTIONS[directions.index(best)] if best > second else 0
    total = sum(sizes)
    size = div_trunc(sum(s * b for s, b in zip(sizes, BUCKETS_PICO, strict=True)), max(1, total))
    margin_e8 = (best - second) * (RATE // MILLION)
    return Sized(sign=sign, delta_pico=sign * size, confidence_e8=max(0, min(RATE, margin_e8)))
