"""Stage 1: does anything matter, and the small report that follows when nothing does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exchange.engines.rounding import div_floor, div_trunc
from exchange.engines.units import PICO, RATE
from oracle.core import voices
from oracle.core.reports import NOTE_FEW, NOTE_NEUTRAL, NOTE_QUIET, NOTE_UNSURE, Mark
from oracle.core.voices import Teller

IMPACT_MAX = 100
IMPACT_LARGE = 75
IMPACT_OF_CONFIDENCE = 50
IMPACT_OF_UNANIMITY = 30
IMPACT_OF_KEYWORD = 25
UNANIMOUS_MIN = 2

SMALL_PICO = 12 * PICO // 1000
# What a seat that found nothing says of its own zero, unless the market asks for more.
QUIET_E8 = RATE // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What marks add up to: a relative change, a confidence, and why it is not more."""

    delta_pico: int
    confidence_e8: int
    notes: tuple[str, ...] = ()


def impact(marks: Sequence[Mark]) -> int:
    """Return how much the marks together may matter, from 0 to 100.

    Rounds:  down.
    Source:  spec/oracle.md, section 5, step 3.
    """
    if not marks:
        return 0
    count = len(marks)
    total_e8 = sum(mark.confidence_e8 for mark in marks)
    score = div_floor(IMPACT_OF_CONFIDENCE * total_e8, count * RATE)
    if count >= UNANIMOUS_MIN and abs(sum(mark.sign for mark in marks)) == count:
        score += IMPACT_OF_UNANIMITY
    if any(mark.keyword for mark in marks):
        score += IMPACT_OF_KEYWORD
    return min(score, IMPACT_MAX)


def small(
    marks: Sequence[Mark],
    tellers: Sequence[Teller] | None = None,
    sources: Mapping[str, int] | None = None,
    *,
    floor_e8: int,
) -> Opinion:
    """Return direction x confidence-weighted mean x 1.2 %, and 0 where there is no direction.

    The mean is over voices, not stories: see `voices.heard`. What a minority of them says is no
    direction. An opinion less sure than `floor_e8` would not be counted and would leave the market
    without an oracle for as long as weak news lasts; it is no news instead, and says so.

    Shapes:  a teller for each mark; without any, all marks are one voice.
    Rounds:  toward zero, so that mirrored marks give the mirrored change.
    Keeps:   |change| <= 1.2 %; small(mirror(marks)) = -small(marks).
    Source:  spec/oracle.md, section 5, step 4; spec/reliability.md, E, poisoned news.
    """
    quiet_e8 = max(QUIET_E8, floor_e8)
    if not marks:
        return Opinion(delta_pico=0, confidence_e8=quiet_e8, notes=(NOTE_QUIET,))
    told = [Teller()] * len(marks) if tellers is None else tellers
    heard = voices.heard(marks, told, sources or {})
    if heard.lean_e8 == 0:
        return Opinion(delta_pico=0, confidence_e8=quiet_e8, notes=(NOTE_NEUTRAL,))
    if heard.is_minority:
        return Opinion(delta_pico=0, confidence_e8=quiet_e8, notes=(NOTE_FEW,))
    decisive = [mark.confidence_e8 for mark in marks if mark.sign]
    confidence_e8 = div_floor(sum(decisive), len(decisive))
    if confidence_e8 < floor_e8:
        return Opinion(delta_pico=0, confidence_e8=quiet_e8, notes=(NOTE_UNSURE,))
    delta_pico = div_trunc(heard.lean_e8 * SMALL_PICO, RATE)
    return Opinion(delta_pico=delta_pico, confidence_e8=confidence_e8)


def weighted(mark: Mark, weight_e8: int) -> Mark:
    """Return the mark with its confidence scaled by the weight of where it was read.

    Rounds:  down.
    """
    assert 0 <= weight_e8 <= RATE
    confidence_e8 = div_floor(mark.confidence_e8 * weight_e8, RATE)
    return Mark(
        cluster=mark.cluster, sign=mark.sign, confidence_e8=confidence_e8, keyword=mark.keyword
    )
