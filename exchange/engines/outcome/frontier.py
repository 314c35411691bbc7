"""How the engine reads what is stored of a market: orders level by level, traders on demand."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from typing import Protocol

from exchange.engines.outcome.state import Order, Trader

# a pool is read in the order of its keys: the better price first, then the earlier order
Key = tuple[int, int]


def order_key(order: Order) -> Key:
    """Return the key of a resting order on its side of the book."""
    price = order.price_micro or 0
    return (-price if order.buys else price, order.joined)


class Frontier(Protocol):
    """The stored side of a market, read under the market's lock; it never writes."""

    def read(self, token: int, *, buys: bool, after: Key | None, count: int) -> Sequence[Order]:
        """Return up to `count` resting orders behind a key; fewer mean that the side ends."""
        ...

    def order(self, key: int) -> Order | None:
        """Return one resting order by its id."""
        ...

    def trader(self, key: int) -> Trader | None:
        """Return one account."""
        ...

    def holders(self, token: int) -> Sequence[int]:
        """Return the ids of the accounts that have a token, free or locked."""
        ...


class MemoryFrontier:
    """A frontier over plain dictionaries, for tests, reference cases and simulations."""

    def __init__(self, traders: Iterable[Trader] = (), orders: Iterable[Order] = ()) -> None:
        self.traders = {trader.id: trader for trader in traders}
        self.orders: dict[int, Order] = {}
        self._sides: dict[tuple[int, bool], list[tuple[Key, int]]] = {}
        for order in orders:
            self._place(order)

    def take(self, traders: Iterable[Trader], orders: Iterable[Order]) -> None:
        """Store what a batch has changed."""
        self.traders.update((trader.id, trader) for trader in traders)
        for order in orders:
            self._place(order)

    def read(self, token: int, *, buys: bool, after: Key | None, count: int) -> Sequence[Order]:
        """Return up to `count` resting orders behind a key."""
        side = self._sides.get((token, buys), [])
        start = 0 if after is None else bisect_right(side, after, key=lambda entry: entry[0])
        return [self.orders[key] for _, key in side[start : start + count]]

    def order(self, key: int) -> Order | None:
        """Return one resting order by its id."""
        return self.orders.get(key)

    def trader(self, key: int) -> Trader | None:
        """Return one account."""
        return self.traders.get(key)

    def holders(self, token: int) -> Sequence[int]:
        """Return the ids of the accounts that have a token, free or locked."""
        return [
            trader.id
            for trader in self.traders.values()
            if trader.held_micro[token] or trader.locked_micro[token]
        ]

    def _place(self, order: Order) -> None:
        side = self._sides.setdefault((order.token, order.buys), [])
        entry = (order_key(order), order.id)
        if order.rests:
            if order.id not in self.orders:
                insort(side, entry)
            self.orders[order.id] = order
        elif self.orders.pop(order.id, None) is not None:
            side.remove(entry)
