"""The stored side of an outcome market as the engine reads it: the front of each side of the book.

The fronts of all sides are read by one statement; whoever owns what stands there is read by
another. Only a batch that eats through a whole front asks again.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from exchange.engines.outcome import Order, Trader
from exchange.engines.outcome.depth import SLICE
from exchange.engines.outcome.frontier import Key
from exchange.selectors.raw import Raw, ask, ask_named

Row = tuple[Any, ...]

COLUMNS = (
    "ref, user_id, buys, token, size_micro, price_micro, auto_fill, status, remaining_micro,"
    " reserve_micro, amount_micro, fee_micro, rebate_micro, gas_micro, joined"
)
RESTS = "status IN ('open', 'partial') AND joined > 0"
FRONTS = f"""
    SELECT o.* FROM generate_series(0, %(tokens)s::int - 1) AS t (token),
           (VALUES (true), (false)) AS s (buys),
           LATERAL (SELECT {COLUMNS} FROM exchange_outcomeorder
                     WHERE market_id = %(market)s AND token = t.token AND buys = s.buys AND {RESTS}
                     ORDER BY level, joined LIMIT %(count)s) AS o"""  # noqa: S608 (constants)
BEHIND = f"""
    SELECT {COLUMNS} FROM exchange_outcomeorder
     WHERE market_id = %s AND token = %s AND buys = %s AND {RESTS}
       AND (level, joined) > (%s, %s)
     ORDER BY level, joined LIMIT %s"""  # noqa: S608 (constants)
ORDERS = f"""
    SELECT {COLUMNS} FROM exchange_outcomeorder
     WHERE market_id = %s AND ref = ANY(%s::bigint[]) AND {RESTS}"""  # noqa: S608 (constants)
HOLDINGS = """
    SELECT user_id, token, free_micro, locked_micro FROM exchange_holding
     WHERE market_id = %s AND user_id = ANY(%s::bigint[])"""
HOLDERS = """
    SELECT DISTINCT user_id FROM exchange_holding
     WHERE market_id = %s AND token = %s AND (free_micro > 0 OR locked_micro > 0)
     ORDER BY user_id"""


class StoredBook:
    """A market's frontier as a preview reads it: nothing is locked, nobody's money is looked at."""

    def __init__(self, raw: Raw, market_id: int, outcomes: int) -> None:
        self.raw, self.market_id, self.tokens = raw, market_id, 2 * outcomes
        self.people: dict[int, Trader] = {}
        self._fronts: dict[tuple[int, bool], list[Order]] = {}
        self._orders: dict[int, Order | None] = {}

    def take_fronts(self, rows: Iterable[Row]) -> None:
        """Keep the front of every side, as FRONTS has read it."""
        self._fronts = {(t, buys): [] for t in range(self.tokens) for buys in (True, False)}
        for row in rows:
            order = order_of(row)
            self._fronts[order.token, order.buys].append(order)
            self._orders[order.id] = order

    def ask_fronts(self) -> Any:
        """Send for the front of every side; inside a pipeline this costs no waiting."""
        wanted = {"market": self.market_id, "tokens": self.tokens, "count": SLICE}
        return ask_named(self.raw, FRONTS, dict(wanted))

    def owners(self) -> set[int]:
        """Return whose orders stand at the fronts."""
        return {order.trader for side in self._fronts.values() for order in side}

    def know(self, refs: Collection[int]) -> None:
        """Load the resting orders that commands name, all in one statement."""
        wanted = sorted(ref for ref in refs if ref not in self._orders)
        if not wanted:
            return
        self._orders.update(dict.fromkeys(wanted))
        for row in ask(self.raw, ORDERS, self.market_id, wanted):
            order = order_of(row)
            self._orders[order.id] = order

    def meet(self, users: Collection[int]) -> None:
        """Load what these people hold; their money is nobody's business here."""
        rows = ask(self.raw, HOLDINGS, self.market_id, sorted(users)).fetchall()
        self.people.update(traders_of(users, rows, self.tokens))

    def read(self, token: int, *, buys: bool, after: Key | None, count: int) -> Sequence[Order]:
        """Return up to `count` resting orders behind a key; fewer mean that the side ends."""
        if after is None and count <= SLICE and (token, buys) in self._fronts:
            return self._fronts[token, buys]
        level, joined = after or (-(2**62), 0)
        rows = ask(self.raw, BEHIND, self.market_id, token, buys, level, joined, count)
        return [order_of(row) for row in rows]

    def order(self, key: int) -> Order | None:
        """Return one resting order by its number."""
        self.know([key])
        return self._orders[key]

    def trader(self, key: int) -> Trader | None:
        """Return one account."""
        if key not in self.people:
            self.meet([key])
        return self.people[key]

    def holders(self, token: int) -> Sequence[int]:
        """Return who has a token, free or locked."""
        return [row[0] for row in ask(self.raw, HOLDERS, self.market_id, token)]


def order_of(row: Row) -> Order:
    """Return a row of COLUMNS as the engine's value."""
    ref, user, buys, token, size, price, auto_fill, status, remaining, *rest = row
    reserve, amount, fee, rebate, gas, joined = rest
    return Order(
        id=ref,
        trader=user,
        buys=buys,
        token=token,
        size_micro=size,
        price_micro=price,
        auto_fill=auto_fill,
        status=status,
        remaining_micro=remaining,
        reserve_micro=reserve,
        amount_micro=amount,
        fee_micro=fee,
        rebate_micro=rebate,
        gas_micro=gas,
        joined=joined,
    )


def traders_of(users: Iterable[int], rows: Iterable[Row], tokens: int) -> dict[int, Trader]:
    """Return people with what HOLDINGS says of them, and without money."""
    held = {user: ([0] * tokens, [0] * tokens) for user in users}
    for user, token, free, locked in rows:
        held[user][0][token], held[user][1][token] = free, locked
    return {
        user: Trader(id=user, held_micro=tuple(free), locked_micro=tuple(locked))
        for user, (free, locked) in held.items()
    }
