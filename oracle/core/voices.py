"""Who speaks in a seat: a publisher is one voice of each source, however much it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exchange.engines.rounding import div_trunc
from exchange.engines.units import RATE
from oracle.core.reports import Mark

# Whoever says nothing of itself: all stories of one publisher by one source.
NOBODY = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Who told a story: its publisher, the seat's sources that had it, their weight (1e-8)."""

    publisher: str = NOBODY
    sources: tuple[str, ...] = (NOBODY,)
    weight_e8: int = RATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the voices add up to, from -1 to 1 in 1e-8, and whether most of them say so."""

    lean_e8: int
    is_minority: bool


def heard(marks: Sequence[Mark], tellers: Sequence[Teller], sources: Mapping[str, int]) -> Heard:
    """Return the mean over sources of the mean over their publishers, and who stands behind it.

    A story without a direction is a sure word for no change, and so is a source of `sources` (its
    weight by its name) that answered and had nothing new. A direction that fewer than half of the
    voices share is that of a minority.

    Rounds:  toward zero, so that mirrored marks lean the mirrored way.
    Keeps:   |lean| <= 1; a publisher's many stories lean no further than its one.
    Source:  spec/reliability.md, E: m of n sources, after de-duplication by domain and text.
    """
    weights = dict(sources)
    said: dict[str, dict[str, list[tuple[Mark, int]]]] = {name: {} for name in weights}
    for mark, teller in zip(marks, tellers, strict=True):
        for name in teller.sources:
            weights.setdefault(name, teller.weight_e8)
            voices = said.setdefault(name, {})
            voices.setdefault(teller.publisher, []).append((mark, teller.weight_e8))
    leans = {name: [_lean_e8(one) for one in voices.values()] for name, voices in said.items()}
    total = sum(weights.values())
    if not total:
        return Heard(lean_e8=0, is_minority=False)
    means = {name: div_trunc(sum(all_), max(1, len(all_))) for name, all_ in leans.items()}
    lean_e8 = div_trunc(sum(weights[name] * mean for name, mean in means.items()), total)
    side = (lean_e8 > 0) - (lean_e8 < 0)
    return Heard(lean_e8=lean_e8, is_minority=bool(side) and _are_few(leans, weights, side))


def _are_few(leans: Mapping[str, Sequence[int]], weights: Mapping[str, int], side: int) -> bool:
    """Return whether fewer than half lean to `side`; exact, in parts of a common denominator."""
    whole = 1
    for said in leans.values():
        whole *= max(1, len(said))
    behind = 0
    for name, said in leans.items():
        count = sum(one * side > 0 for one in said)
        behind += weights[name] * count * (whole // max(1, len(said)))
    return 2 * behind < whole * sum(weights.values())


def _lean_e8(said: Sequence[tuple[Mark, int]]) -> int:
    """Return the confidence-weighted mean of one voice's directions."""
    total_e8 = sum(mark.confidence_e8 if mark.sign else weight_e8 for mark, weight_e8 in said)
    lean_e8 = sum(mark.sign * mark.confidence_e8 for mark, _ in said)
    return div_trunc(lean_e8 * RATE, total_e8) if total_e8 else 0
