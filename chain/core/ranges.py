"""How many blocks to ask a node for at once: learnt from what happens, not from error codes.

Nodes limit ranges and results, and say so in a dozen ways or not at all. Any error halves the
range, a range that the message hints at is honoured, successes double it, and it is never below 1.
"""

import re
from dataclasses import dataclass, replace

FIRST, MOST = 256, 10_000
DOUBLE_AFTER = 4
# A list of exactly so many entries was probably cut off there.
ROUND_LIMITS = frozenset({100, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000})
HINT = re.compile(r"\b(0x[0-9a-f]+|\d+)\s*(?:-|to|,)\s*(0x[0-9a-f]+|\d+)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sizing:
    """The working size for one endpoint and its successes in a row."""

    size: int = FIRST
    good: int = 0


def after_success(sizing: Sizing, most: int = MOST) -> Sizing:
    """Return the size after an answer that can be trusted; it doubles after a few."""
    good = sizing.good + 1
    if good < DOUBLE_AFTER:
        return replace(sizing, good=good)
    return Sizing(min(sizing.size * 2, max(1, most)), 0)


def after_failure(asked: int, message: str = "") -> Sizing:
    """Return the size after an error on a range of `asked` blocks.

    Keeps:   1 <= size < asked, or 1.
    """
    half = max(1, asked // 2)
    hinted = hinted_size(message)
    return Sizing(hinted if hinted and hinted < asked else half, 0)


def hinted_size(message: str) -> int:
    """Return the number of blocks of a range that an error message suggests, or 0."""
    found = HINT.search(message)
    if found is None:
        return 0
    first, last = (
        int(text, 0) if text[:2].lower() == "0x" else int(text) for text in found.groups()
    )
    return last - first + 1 if last >= first else 0


def looks_truncated(count: int, asked: int) -> bool:
    """Say whether a list of `count` logs over `asked` blocks was probably cut off.

    One block cannot be split further, so its list is taken as it is.
    """
    return asked > 1 and count in ROUND_LIMITS
