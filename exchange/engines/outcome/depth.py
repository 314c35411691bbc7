"""The resting orders by token, side and level, read from the frontier as far as they matter."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from exchange.engines.outcome.accounts import Entry
from exchange.engines.outcome.frontier import Frontier, Key, order_key
from exchange.engines.outcome.state import Order

SLICE = 64


class Level:
    """The pool of one price, in the order of joining."""

    __slots__ = ("entries", "price")

    def __init__(self, price: int) -> None:
        self.price = price
        self.entries: list[Entry] = []


class Offer(NamedTuple):
    """What one level has for an incoming order: its price there, its orders and their sum."""

    price: int
    entries: list[Entry]
    size: int


class Ladder:
    """One side of one token: the levels read so far, the best first."""

    __slots__ = (
        "_after", "_ended", "_entry_of", "_frontier", "_kept", "_later", "buys", "levels", "token",
    )  # fmt: skip

    def __init__(
        self, frontier: Frontier, token: int, *, buys: bool, entry_of: Callable[[Order], Entry]
    ) -> None:
        self.token, self.buys = token, buys
        self.levels: list[Level] = []
        self._frontier, self._entry_of = frontier, entry_of
        self._after: Key | None = None
        self._kept: list[Order] = []
        self._later: list[Entry] = []
        self._ended = False

    @property
    def is_empty(self) -> bool:
        """Return whether the whole side is known to have no levels."""
        return self._ended and not self.levels

    def __iter__(self) -> Iterator[Level]:
        """Yield the levels from the best, reading on when those at hand are used up."""
        number = 0
        while number < len(self.levels) or self._read():
            yield self.levels[number]
            number += 1

    def best(self, trader: int) -> Offer | None:
        """Return the best level that has orders of others."""
        if self.is_empty:
            return None
        for level in self:
            found = [e for e in level.entries if e.trader != trader and e.rests]
            if found:
                return Offer(level.price, found, sum(e.remaining for e in found))
        return None

    def join(self, entry: Entry) -> None:
        """Put an order at the end of its pool, or aside until that pool has been read."""
        for number, level in enumerate(self.levels):
            if level.price == entry.cap:
                level.entries.append(entry)
                return
            if (level.price < entry.cap) == self.buys:
                self._insert(number, entry)
                return
        if self._ended:
            self._insert(len(self.levels), entry)
        else:
            self._later.append(entry)

    def sweep(self) -> None:
        """Forget orders that rest no more, and levels without orders."""
        for level in self.levels:
            level.entries = [entry for entry in level.entries if entry.rests]
        self.levels = [level for level in self.levels if level.entries]

    def _insert(self, number: int, entry: Entry) -> None:
        level = Level(entry.cap)
        level.entries.append(entry)
        self.levels.insert(number, level)

    def _read(self) -> bool:
        """Read whole levels; a level whose end is not in sight waits for the next slice."""
        before = len(self.levels)
        while not self._ended and len(self.levels) == before:
            rows = self._frontier.read(self.token, buys=self.buys, after=self._after, count=SLICE)
            self._ended = len(rows) < SLICE
            if rows:
                self._after = order_key(rows[-1])
            self._kept.extend(rows)
            self._build()
            later, self._later = self._later, []
            for entry in later:
                self.join(entry)
        return len(self.levels) > before

    def _build(self) -> None:
        rows = self._kept
        self._kept = []
        for row in rows:
            if not self._ended and row.price_micro == rows[-1].price_micro:
                self._kept.append(row)
                continue
            entry = self._entry_of(row)
            if not self.levels or self.levels[-1].price != entry.cap:
                self.levels.append(Level(entry.cap))
            self.levels[-1].entries.append(entry)
