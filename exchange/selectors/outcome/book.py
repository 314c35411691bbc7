"""The order book of an outcome market, summed by level, with what minting and merging add."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db import connection

from exchange.engines import outcome
from exchange.engines.units import MICRO, format_fixed
from exchange.models import OutcomeTick, Session
from exchange.selectors.outcome.frontier import RESTS
from exchange.selectors.raw import Raw, ask, ask_named

LEVELS_MAX = 10
ALL = 10_000

LEVELS = f"""
    SELECT token, buys, price_micro, size, orders FROM (
        SELECT token, buys, price_micro, sum(remaining_micro)::bigint AS size, count(*) AS orders,
               row_number() OVER (PARTITION BY token, buys ORDER BY min(level)) AS place
          FROM exchange_outcomeorder WHERE market_id = %s AND {RESTS}
         GROUP BY token, buys, price_micro) x
     WHERE place <= %s ORDER BY token, buys, place"""  # noqa: S608 (a constant)

LEVELS_THEN = """
    SELECT o.token, o.buys, o.price_micro, sum(o.size_micro - coalesce(f.filled, 0))::bigint,
           count(*)
      FROM exchange_outcomeorder o
      LEFT JOIN (SELECT ref, sum(size_micro) AS filled FROM (
                    SELECT buy_order AS ref, size_micro FROM exchange_outcomefill
                     WHERE market_id = %(market)s AND batch_seq <= %(seq)s
                     UNION ALL
                    SELECT sell_order, size_micro FROM exchange_outcomefill
                     WHERE market_id = %(market)s AND batch_seq <= %(seq)s) x
                  GROUP BY ref) f ON f.ref = o.ref
     WHERE o.market_id = %(market)s AND o.joined > 0 AND o.placed_at <= %(at)s
       AND o.size_micro > coalesce(f.filled, 0)
       AND NOT (o.status = 'cancelled' AND o.changed_at <= %(at)s)
     GROUP BY o.token, o.buys, o.price_micro"""
PAIRS_THEN = """
    SELECT token / 2, sum(CASE kind WHEN 'mint' THEN size_micro ELSE -size_micro END)::bigint
      FROM exchange_outcomefill
     WHERE market_id = %(market)s AND batch_seq <= %(seq)s AND kind IN ('mint', 'merge', 'convert')
     GROUP BY token / 2"""

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
    rows = ask(_raw(), LEVELS, session.market_id, ALL).fetchall()
    state = outcome.MarketState.from_mapping(session.market.live.state)
    pairs = {number: state.outcomes[number].pairs_micro for number in state.active}
    return of_rows(rows, pairs, mints=_mints(session), depth=depth)


def book_then(session: Session, tick: OutcomeTick, depth: int = LEVELS_MAX) -> list[TokenBook]:
    """Return the book as a tick has left it, from the orders and what was filled of them by then.

    An order rested then if it had joined the book, if something of it was left, and if nobody had
    taken it back: what has been taken back was changed last when that happened.
    """
    then: dict[str, object] = {"market": session.market_id, "seq": tick.seq, "at": tick.at}
    rows = ask_named(_raw(), LEVELS_THEN, then).fetchall()
    counted = dict(ask_named(_raw(), PAIRS_THEN, then).fetchall())
    in_play = [number for number, prices in enumerate(tick.prices) if prices is not None]
    pairs = {number: int(counted.get(number, 0)) for number in in_play}
    return of_rows(rows, pairs, mints=_mints(session), depth=depth)


def of_rows(
    rows: Sequence[Row], pairs: Mapping[int, int], *, mints: bool, depth: int = LEVELS_MAX
) -> list[TokenBook]:
    """Return the book of every outcome in play from its levels; `pairs` are by outcome.

    A buy of the other token at b sells this one at 1 - b, for together they make a pair; a sell of
    the other at s buys this one at 1 - s, as far as there are pairs to merge.
    """
    sides: defaultdict[tuple[int, bool], dict[int, tuple[int, int]]] = defaultdict(dict)
    for token, buys, price, size, orders in rows:
        sides[token, buys][price] = (size, orders)
    found = []
    for number, minted in pairs.items():
        for side in (outcome.YES, outcome.NO):
            token = outcome.token_of(number, side)
            made = sides[token ^ 1, True] if mints else {}
            merged = _limited(sides[token ^ 1, False], minted if mints else 0)
            bids = _merged(sides[token, True], merged)
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


def _raw() -> Raw:
    connection.ensure_connection()
    return cast("Raw", connection.connection)


def _mints(session: Session) -> bool:
    return bool(session.market.config["cm_enabled"])


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
