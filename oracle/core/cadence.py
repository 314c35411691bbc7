"""When the next run comes, how long a failure waits, and which words vary a query."""

from collections.abc import Sequence
from enum import Enum

from exchange.engines.rounding import clamp

SHORTER = (3, 4)
LONGER = (5, 4)
DOUBLINGS_MAX = 6


class Ending(Enum):
    """How a run ended, as far as the clock is concerned."""

    MOVED = "moved"
    QUIET = "quiet"
    REFUSED = "refused"
    FAILED = "failed"


def next_interval(current_s: int, low_s: int, high_s: int, ending: Ending) -> int:
    """Return the seconds until the next run: shorter after a move, longer after a quiet one.

    Rounds:  down. A refusal or a failure leaves the interval; `backoff` makes it wait.
    Keeps:   low_s <= answer <= high_s.
    """
    factor, parts = {Ending.MOVED: SHORTER, Ending.QUIET: LONGER}.get(ending, (1, 1))
    return clamp(current_s * factor // parts, low_s, high_s)


def backoff(base_s: int, failures: int, limit_s: int, spread: int = 0) -> int:
    """Return how long to wait after `failures` in a row: doubled each time, up to `limit_s`.

    `spread` is any number that differs between those who wait: it adds up to an eighth, so that
    what failed together does not return together.
    """
    wait_s = min(base_s << min(max(failures - 1, 0), DOUBLINGS_MAX), limit_s)
    return wait_s + spread % (wait_s // 8 + 1)


def suffix(choices: Sequence[str], digest: int) -> str:
    """Return the words that vary this cycle's queries; the same digest gives the same words."""
    return choices[digest % len(choices)] if choices else ""
