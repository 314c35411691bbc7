"""What later proved a report right or wrong: the next published number, or F's own later move.

Everything here looks ahead of the report. Who makes reports may use it for older ones alone, whose
outcome was out by then (oracle/services/calibrating.py).
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from oracle.core.levels import change_pico


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A published number as a price of the market. Instants are seconds since the epoch."""

    released_s: int
    observed_s: int
    level_pico: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """F before and after one run."""

    at_s: int
    before_pico: int
    after_pico: int


def next_number(numbers: Sequence[Released], at_s: int) -> Released | None:
    """Return the next number that came out after `at_s`; a revision of a known one is none."""
    known = max((n.observed_s for n in numbers if n.released_s <= at_s), default=None)
    later = [
        n
        for n in numbers
        if n.released_s > at_s and n.level_pico > 0 and (known is None or n.observed_s > known)
    ]
    return min(later, key=lambda n: (n.released_s, n.observed_s)) if later else None


def next_change(numbers: Sequence[Released], at_s: int, fundamental_pico: int) -> int | None:
    """Return how far the next number that came out after `at_s` lay from F then, in 1e-12.

    Rounds:  toward zero.
    """
    first = next_number(numbers, at_s)
    return change_pico(first.level_pico, fundamental_pico) if first else None


def own_change(path: Sequence[Point], place: int, horizon_s: int) -> int | None:
    """Return how far F moved within `horizon_s` after a run, the run's own move left out.

    Nothing where the path ends before that: half a horizon is no outcome.

    Shapes:  `path` in order of time; `place` is the run's.
    """
    end_s = path[place].at_s + horizon_s
    if path[-1].at_s < end_s:
        return None
    last = bisect_right(path, end_s, lo=place, key=lambda point: point.at_s) - 1
    return change_pico(path[last].after_pico, path[place].after_pico)
