"""How the engine reads what waits in a market: each trigger index from its front, in slices."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from typing import Protocol

from exchange.engines.rounding import div_floor
from exchange.engines.variable.resting import (
    BUY_INTENTS,
    OPEN,
    SELL_INTENTS,
    CommittedOrder,
    LimitOrder,
    Resting,
    TimedExit,
)
from exchange.engines.variable.state import Provider, Trader

SHORTS = "shorts"
LONG_STOPS = "long_stops"
SHORT_STOPS = "short_stops"
LONG_TARGETS = "long_targets"
SHORT_TARGETS = "short_targets"
PARKED = "parked"
COMMITS = "commits"
EXITS = "exits"
QUEUE = "queue"
LONGS = "longs"

TRIGGER_INDEXES = (SHORTS, LONG_STOPS, SHORT_STOPS, LONG_TARGETS, SHORT_TARGETS)
# limit orders wait in one index per intent, and parked ones by their owners
LIMIT_INDEXES = (*BUY_INTENTS, *SELL_INTENTS)
RESTING_INDEXES = (*LIMIT_INDEXES, PARKED, COMMITS, EXITS, QUEUE)
INDEXES = (*TRIGGER_INDEXES, LONGS, *RESTING_INDEXES)

# An index is read in the order of its keys: the level first, the age second, the account last.
# The level of a parked order is its owner.
Key = tuple[int, int, int]
Row = Trader | Resting
Entry = tuple[Key, Row]

MARGIN_SCALE = 10**36


class Frontier(Protocol):
    """The stored side of a market, read under the market's lock; it never writes.

    An index is one of the names above; its keys are those of `position_keys` and `resting_key`,
    ascending. Only open items and positions are listed.
    """

    def read(self, index: str, after: Key | None, count: int) -> Sequence[Entry]:
        """Return up to `count` entries behind the key `after`; fewer mean that the index ends."""
        ...

    def trader(self, key: int) -> Trader | None:
        """Return one account."""
        ...

    def provider(self, key: int) -> Provider | None:
        """Return one provider."""
        ...

    def resting(self, key: int) -> Resting | None:
        """Return one open item by its id."""
        ...


def margin_key(escrow_micro: int, short_nano: int) -> int:
    """Return C/|q|, by which shorts are liquidated; its order is exact at this scale.

    Units:   1e-36 micro-USDC per nano share.
    Rounds:  down.
    """
    return div_floor(escrow_micro * MARGIN_SCALE, short_nano)


def position_keys(trader: Trader) -> dict[str, Key]:
    """Return the keys of a position in each index it belongs to."""
    keys: dict[str, Key] = {}
    held, age = trader.shares_nano, trader.position_id
    stop, target = trader.stop_pico, trader.target_pico
    if held > 0:
        keys[LONGS] = (0, age, trader.id)
        if stop is not None:
            keys[LONG_STOPS] = (-stop, age, trader.id)
        if target is not None:
            keys[LONG_TARGETS] = (target, age, trader.id)
    elif held < 0:
        keys[SHORTS] = (margin_key(trader.escrow_micro, -held), age, trader.id)
        if stop is not None:
            keys[SHORT_STOPS] = (stop, age, trader.id)
        if target is not None:
            keys[SHORT_TARGETS] = (-target, age, trader.id)
    return keys


def resting_key(item: Resting) -> tuple[str, Key]:
    """Return the index that an item belongs to, and its key there."""
    if isinstance(item, LimitOrder):
        if item.parked:
            return PARKED, (item.trader, item.id, 0)
        side = -1 if item.intent in BUY_INTENTS else 1
        return item.intent, (side * item.price_pico, item.id, 0)
    if isinstance(item, CommittedOrder):
        return COMMITS, (0, item.id, 0)
    if isinstance(item, TimedExit):
        return EXITS, (item.due_s, item.id, 0)
    return QUEUE, (0, item.id, 0)


class MemoryFrontier:
    """A frontier over plain dictionaries, for tests, reference cases and simulations."""

    def __init__(
        self,
        traders: Iterable[Trader] = (),
        providers: Iterable[Provider] = (),
        items: Iterable[Resting] = (),
    ) -> None:
        self.traders = {trader.id: trader for trader in traders}
        self.providers = {provider.id: provider for provider in providers}
        self.items = {item.id: item for item in items if item.status == OPEN}
        self._sorted: dict[str, list[Entry]] = {name: [] for name in INDEXES}
        self._keys: dict[tuple[bool, int], dict[str, Key]] = {}
        for trader in self.traders.values():
            self._place(trader, position_keys(trader))
        for item in self.items.values():
            self._place(item, dict((resting_key(item),)))

    def take(
        self,
        traders: Iterable[Trader],
        providers: Iterable[Provider],
        items: Iterable[Resting],
    ) -> None:
        """Store what a batch has changed."""
        for trader in traders:
            self.traders[trader.id] = trader
            self._place(trader, position_keys(trader))
        self.providers.update((provider.id, provider) for provider in providers)
        for item in items:
            if item.status == OPEN:
                self.items[item.id] = item
            else:
                self.items.pop(item.id, None)
            self._place(item, dict((resting_key(item),)) if item.status == OPEN else {})

    def read(self, index: str, after: Key | None, count: int) -> Sequence[Entry]:
        """Return up to `count` entries behind the key `after`."""
        entries = self._sorted[index]
        start = 0 if after is None else bisect_right(entries, after, key=_key_of)
        return entries[start : start + count]

    def trader(self, key: int) -> Trader | None:
        """Return one account."""
        return self.traders.get(key)

    def provider(self, key: int) -> Provider | None:
        """Return one provider."""
        return self.providers.get(key)

    def resting(self, key: int) -> Resting | None:
        """Return one open item by its id."""
        return self.items.get(key)

    def _place(self, row: Row, keys: dict[str, Key]) -> None:
        """Move a row's entries from where they were to where they belong."""
        name = isinstance(row, Trader), row.id
        for index, key in self._keys.pop(name, {}).items():
            entries = self._sorted[index]
            del entries[bisect_left(entries, key, key=_key_of)]
        if keys:
            self._keys[name] = keys
        for index, key in keys.items():
            insort(self._sorted[index], (key, row), key=_key_of)


def _key_of(entry: Entry) -> Key:
    return entry[0]
