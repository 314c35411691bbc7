"""What later proved a report right or wrong: the next published number, or F's own later move.

Everything here looks ahead of the report, and nothing that makes reports may import it.
"""

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


def next_change(numbers: Sequence[Released], at_s: int, fundamental_pico: int) -> int | None:
    """Return how far the next number that came out after `at_s` lay from F then, in 1e-12.

    A revision of a number that was known is no next number.

    Rounds:  toward zero.
    """
    known = max((n.observed_s for n in numbers if n.released_s <= at_s), default=None)
    later = [
        n
        for n in numbers
        if n.released_s > at_s and n.level_pico > 0 and (known is None or n.observed_s > known)
    ]
    if not later:
        return None
    first = min(later, key=lambda n: (n.released_s, n.observed_s))
    return change_pico(first.level_pico, fundamental_pico)


def own_change(path: Sequence[Point], place: int, horizon_s: int) -> int | None:
    """Return how far F moved within `horizon_s` after a run, the run's own move left out.

    Nothing where the path ends before that: half a horizon is no outcome.

    Shapes:  `path` in order of time; `place` is the run's.
    """
    end_s = path[place].at_s + horizon_s
    if path[-1].at_s < end_s:
        return None
    last = place
    while last + 1 < len(path) and path[last + 1].at_s <= end_s:
        last += 1
    return change_pico(path[last].after_pico, path[place].after_pico)
