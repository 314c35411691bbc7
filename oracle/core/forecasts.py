"""What outside programs say, weighed by their record: none has a weight before it has one."""

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.engines.rounding import clamp, div_floor, div_trunc
from exchange.engines.units import RATE

# Outcomes that must be known before a forecaster counts at all.
RECORD_MIN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """One forecast that may count: its key, what it says, and its maker's weight."""

    forecast: int
    name: str
    delta_pico: int
    confidence_e8: int
    weight_e8: int


def weight_e8(brier_e8: int | None, usual_e8: int | None, outcomes: int) -> int:
    """Return what a record is worth: the share of the usual guess's error that it saves.

    `usual_e8` is the hit rate of always naming the more frequent direction; who does no better
    than a guess with that chance has no weight, and neither has a record of too few outcomes.

    Rounds:  down.
    """
    if brier_e8 is None or usual_e8 is None or outcomes < RECORD_MIN:
        return 0
    guess_e8 = div_floor(usual_e8 * (RATE - usual_e8), RATE)
    if guess_e8 <= 0:
        return 0
    return clamp(div_floor((guess_e8 - brier_e8) * RATE, guess_e8), 0, RATE)


def combined(found: Sequence[Outside]) -> tuple[int, int] | None:
    """Return the change and the confidence of all that have a weight; nothing without one.

    Rounds:  toward zero, so that mirrored forecasts give the mirrored change.
    """
    heard = [one for one in found if one.weight_e8]
    total = sum(one.weight_e8 for one in heard)
    pull = sum(one.weight_e8 * one.confidence_e8 for one in heard)
    if not pull:
        return None
    moved = sum(one.weight_e8 * one.confidence_e8 * one.delta_pico for one in heard)
    return div_trunc(moved, pull), div_floor(pull, total)
