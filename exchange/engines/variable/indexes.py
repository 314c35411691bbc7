"""The trigger indexes as a batch sees them: stored slices, with what has changed laid over."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import takewhile

from exchange.engines.variable import frontier as fr
from exchange.engines.variable.frontier import Entry, Frontier, Key, Row
from exchange.engines.variable.resting import OPEN, LimitOrder, Resting
from exchange.engines.variable.state import Trader

# Most batches look at the front of an index and touch nothing: the first slice is a short one.
HEAD = 4
SLICE = 64


class Index:
    """One index: entries of rows that the batch has not touched, merged with those it has."""

    __slots__ = (
        "after", "done", "fresh", "frontier", "hidden", "keys", "name", "rows", "start", "stored",
    )  # fmt: skip

    def __init__(self, name: str, frontier: Frontier | None) -> None:
        self.name, self.frontier = name, frontier
        self.done = frontier is None
        self.after: Key | None = None
        self.stored: list[Entry] = []
        self.start = 0
        self.fresh: list[Key] = []
        self.rows: dict[Key, Row] = {}
        self.keys: dict[int, Key] = {}
        self.hidden: set[int] = set()

    @property
    def empty(self) -> bool:
        """Return whether the first slice was the last and nothing is left of it."""
        if not self.done and not self.stored:
            self._visible(0)
        return self.done and not self.fresh and self.start >= len(self.stored)

    def place(self, row: Row, key: Key | None) -> None:
        """Put a changed row at its new key, or take it out where there is none."""
        old = self.keys.pop(row.id, None)
        if old is not None:
            del self.rows[old]
            del self.fresh[bisect_left(self.fresh, old)]
        self.hidden.add(row.id)
        if key is not None:
            self.keys[row.id] = key
            self.rows[key] = row
            insort(self.fresh, key)

    def walk(self) -> Iterator[Entry]:
        """Yield the entries in order; the index must not be changed while it is walked."""
        # what is hidden once stays hidden, so that the next walk may start behind it
        at = self.start = self._visible(self.start)
        new = 0
        while True:
            at = self._visible(at)
            first = self.stored[at] if at < len(self.stored) else None
            key = self.fresh[new] if new < len(self.fresh) else None
            if first is None and key is None:
                return
            if key is None or (first is not None and first[0] < key):
                assert first is not None
                yield first
                at += 1
            else:
                yield key, self.rows[key]
                new += 1

    def head(self) -> Entry | None:
        """Return the first entry."""
        return None if self.empty else next(self.walk(), None)

    def fresh_at(self, level: int) -> list[Row]:
        """Return the rows at one level that the batch has touched."""
        start = bisect_left(self.fresh, (level, 0, 0))
        return [self.rows[key] for key in takewhile(lambda k: k[0] == level, self.fresh[start:])]

    def _visible(self, at: int) -> int:
        """Return the place of the next stored row that the batch has not touched."""
        while True:
            while at < len(self.stored) and self.stored[at][1].id in self.hidden:
                at += 1
            if at < len(self.stored) or self.done:
                return at
            assert self.frontier is not None
            count = SLICE if self.stored else HEAD
            more = self.frontier.read(self.name, self.after, count)
            self.stored.extend(more)
            self.done = len(more) < count
            if more:
                self.after = more[-1][0]


class Indexes:
    """All indexes of a market; `idle` says that nothing can be waiting in any of them."""

    __slots__ = ("by_name", "frontier", "idle")

    def __init__(self, frontier: Frontier | None) -> None:
        self.frontier = frontier
        self.idle = frontier is None
        self.by_name: dict[str, Index] = {}

    def __getitem__(self, name: str) -> Index:
        found = self.by_name.get(name)
        if found is None:
            found = self.by_name[name] = Index(name, self.frontier)
        return found

    def place_position(self, trader: Trader) -> None:
        """Bring a position's entries up to date."""
        keys = fr.position_keys(trader)
        for name in fr.TRIGGER_INDEXES:
            key = keys.get(name)
            if key is not None or self.frontier is not None or name in self.by_name:
                self[name].place(trader, key)
        self.idle = False

    def place_item(self, item: Resting) -> None:
        """Bring a resting item's entry up to date."""
        name, key = fr.resting_key(item)
        if isinstance(item, LimitOrder):
            self[item.intent if item.parked else fr.PARKED].place(item, None)
        self[name].place(item, key if item.status == OPEN else None)
        self.idle = False

    def parked(self, owner: int) -> list[LimitOrder]:
        """Return somebody's parked orders."""
        index = self[fr.PARKED]
        stored = (row for row in self._stored_parked(owner) if row.id not in index.hidden)
        return [row for row in (*stored, *index.fresh_at(owner)) if isinstance(row, LimitOrder)]

    def _stored_parked(self, owner: int) -> Iterator[Row]:
        after: Key = (owner, 0, 0)
        while self.frontier is not None:
            some = self.frontier.read(fr.PARKED, after, SLICE)
            yield from (row for key, row in some if key[0] == owner)
            if len(some) < SLICE or some[-1][0][0] != owner:
                return
            after = some[-1][0]
