"""Texts to passes of a network so that what stands beside a text never shows in its answer.

Where the arithmetic keeps rows apart, several texts go in one pass of a fixed shape; where it does
not, as with int8 whose scale is that of the whole pass, each text has a pass to itself. A pass has
one thread, so that it adds up in one order; as many passes run at once as there are cores.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Protocol

ROWS = 4
LENGTH_STEP = 16
PROBES = 3


class Passes(Protocol):
    """A network that gives each row of a rectangle of tokens its logits."""

    keeps_rows_apart: bool

    def logits(self, ids: list[list[int]], mask: list[list[int]]) -> list[list[float]]:
        """Return the logits of each row; asked by several threads at once."""
        ...


def answers(
    network: Passes, texts: Sequence[Sequence[int]], *, pad: int, longest: int
) -> list[list[float]]:
    """Return the logits of each text; each depends on that text alone.

    Shapes:  as many as `texts`, in their order; the same text twice is read once.
    """
    distinct = sorted({tuple(text) for text in texts}, key=lambda text: (len(text), text))
    groups = _groups(network, distinct, longest)

    def one_pass(group: list[tuple[int, ...]]) -> list[list[float]]:
        length = _length(group[0], longest) if network.keeps_rows_apart else len(group[0])
        rows = [*group, *([group[0]] * (ROWS - len(group)) if network.keeps_rows_apart else [])]
        ids = [[*row, *[pad] * (length - len(row))] for row in rows]
        mask = [[1] * len(row) + [0] * (length - len(row)) for row in rows]
        return network.logits(ids, mask)

    found: dict[tuple[int, ...], list[float]] = {}
    at_once = map(one_pass, groups) if len(groups) == 1 else _cores().map(one_pass, groups)
    for group, logits in zip(groups, at_once, strict=True):
        found |= dict(zip(group, logits, strict=False))
    return [found[tuple(text)] for text in texts]


def rows_are_apart(network: Any, vocabulary: int) -> bool:
    """Return whether a row's answer stays the same, bit for bit, in every place and company."""
    own = [n % vocabulary for n in range(7, 7 + LENGTH_STEP)]
    mask = [[1] * LENGTH_STEP for _ in range(ROWS)]
    seen = set()
    for probe in range(PROBES):
        for place in range(ROWS):
            rows = [
                [(probe * 31 + row * 17 + n * n) % vocabulary for n in range(LENGTH_STEP)]
                for row in range(ROWS)
            ]
            rows[place] = own
            seen.add(tuple(network.logits(rows, mask)[place]))
    return len(seen) == 1


@cache
def _cores() -> ThreadPoolExecutor:
    """Return a thread for each core that this process may use."""
    return ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="passes")


def _groups(
    network: Passes, distinct: list[tuple[int, ...]], longest: int
) -> list[list[tuple[int, ...]]]:
    if not network.keeps_rows_apart:
        return [[text] for text in distinct]
    by_length: dict[int, list[tuple[int, ...]]] = {}
    for text in distinct:
        by_length.setdefault(_length(text, longest), []).append(text)
    return [
        group[first : first + ROWS]
        for group in by_length.values()
        for first in range(0, len(group), ROWS)
    ]


def _length(text: Sequence[int], longest: int) -> int:
    """Return the length of a text's pass: its own rounded up, never its company's."""
    return min(longest, -(-len(text) // LENGTH_STEP) * LENGTH_STEP)
