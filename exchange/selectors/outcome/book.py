"""The order book of an outcome market, summed by level, with what minting and merging add."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db import connection

from exchange.engines import outcome
from exchange.engines.outcome import Order
from exchange.engines.units import MICRO, format_fixed
from exchange.models import Session
from exchange.selectors.outcome.frontier import RESTS
from exchange.selectors.raw import Raw, ask

LEVELS_MAX = 10
ALL = 10_000

LEVELS = f"""
    SELECT token, buys, price_micro, size, orders FROM (
        SELECT token, buys, price_micro, sum(remaining_micro)::bigint AS size, count(*) AS orders,
               row_number() OVER (PARTITION BY token, buys ORDER BY min(level)) AS place
          FROM exchange_outcomeorder WHERE market_id = %s AND {RESTS}
         GROUP BY token, buys, price_micro) x
     WHERE place <= %s ORDER BY token, buys, place"""  # noqa: S608 (a constant)

Json = dict[str, Any]
# token, whether it buys, price, size, number of orders
Row = tuple[int, bool, int, int, int]


@dataclass(frozen=True, slots=True)
class Level:
    """What can be traded with others at one price; `paired` of it by making or merging pairs."""

    price_micro: int
    size_micro: int
    paired_micro: int
    orders: int


@dataclass(frozen=True, slots=True)
class TokenBook:
    """One token's side of an outcome: the best levels first, and what the market maker quotes."""

    outcome: int
    token: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


def levels(raw: Raw, market_id: int, depth: int = LEVELS_MAX) -> Json:
    """Return each token's own levels, the best first, as they travel: [price, size, orders].

    Keys are token indexes as text: twice the outcome, one more for NO.
    """
    found: Json = {}
    for token, buys, price, size, orders in ask(raw, LEVELS, market_id, depth):
        side = found.setdefault(str(token), {"bids": [], "asks": []})
        row = [format_fixed(price, 6), format_fixed(size, 6), orders]
        side["bids" if buys else "asks"].append(row)
    return found


def book(session: Session, depth: int = LEVELS_MAX) -> list[TokenBook]:
    """Return the book of every outcome in play, both tokens, as of now."""
    connection.ensure_connection()
    raw = cast("Raw", connection.connection)
    rows = ask(raw, LEVELS, session.market_id, ALL).fetchall()
    state = outcome.MarketState.from_mapping(session.market.live.state)
    mints = bool(session.market.config["cm_enabled"])
    return of_rows(rows, state, mints=mints, depth=depth)


def of_orders(
    orders: Iterable[Order], state: outcome.MarketState, *, mints: bool, depth: int = LEVELS_MAX
) -> list[TokenBook]:
    """Return the book that these resting orders make."""
    summed: defaultdict[tuple[int, bool, int], list[int]] = defaultdict(lambda: [0, 0])
    for order in orders:
        if order.rests and order.price_micro is not None:
            at = summed[order.token, order.buys, order.price_micro]
            at[0] += order.remaining_micro
            at[1] += 1
    rows = [(*key, size, count) for key, (size, count) in summed.items()]
    return of_rows(rows, state, mints=mints, depth=depth)


def of_rows(
    rows: Sequence[Row], state: outcome.MarketState, *, mints: bool, depth: int
) -> list[TokenBook]:
    """Return the book of every outcome in play from its levels.

    A buy of the other token at b sells this one at 1 - b, for together they make a pair; a sell of
    the other at s buys this one at 1 - s, as far as there are pairs to merge.
    """
    sides: defaultdict[tuple[int, bool], dict[int, tuple[int, int]]] = defaultdict(dict)
    for token, buys, price, size, orders in rows:
        sides[token, buys][price] = (size, orders)
    found = []
    for number in state.active:
        pairs = state.outcomes[number].pairs_micro if mints else 0
        for side in (outcome.YES, outcome.NO):
            token = outcome.token_of(number, side)
            made = sides[token ^ 1, True] if mints else {}
            bids = _merged(sides[token, True], _limited(sides[token ^ 1, False], pairs))
            asks = _merged(sides[token, False], made)
            found.append(
                TokenBook(
                    number,
                    side,
                    tuple(sorted(bids, key=lambda level: -level.price_micro)[:depth]),
                    tuple(sorted(asks, key=lambda level: level.price_micro)[:depth]),
                )
            )
    return found


def _limited(side: dict[int, tuple[int, int]], pairs: int) -> dict[int, tuple[int, int]]:
    """Return the sells of the other token that find pairs to merge, the cheapest first."""
    found = {}
    for price, (size, orders) in sorted(side.items()):
        if pairs <= 0:
            break
        found[price] = (min(size, pairs), orders)
        pairs -= size
    return found


def _merged(own: dict[int, tuple[int, int]], other: dict[int, tuple[int, int]]) -> list[Level]:
    paired = {MICRO - price: row for price, row in other.items()}
    none = (0, 0)
    return [
        Level(
            price,
            own.get(price, none)[0] + paired.get(price, none)[0],
            paired.get(price, none)[0],
            own.get(price, none)[1] + paired.get(price, none)[1],
        )
        for price in own.keys() | paired.keys()
    ]
