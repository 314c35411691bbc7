"""The order book of an outcome market, summed by level, with what minting and merging add."""

from typing import Any

from exchange.engines.units import MICRO, format_fixed
from exchange.selectors.outcome.frontier import RESTS
from exchange.selectors.raw import Raw, ask

LEVELS_MAX = 10

LEVELS = f"""
    SELECT token, buys, price_micro, size, orders FROM (
        SELECT token, buys, price_micro, sum(remaining_micro)::bigint AS size, count(*) AS orders,
               row_number() OVER (PARTITION BY token, buys ORDER BY min(level)) AS place
          FROM exchange_outcomeorder WHERE market_id = %s AND {RESTS}
         GROUP BY token, buys, price_micro) x
     WHERE place <= %s ORDER BY token, buys, place"""  # noqa: S608 (a constant)

Json = dict[str, Any]


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


def complement(price_micro: int) -> int:
    """Return the price at which an order of the other token trades here: together they are 1."""
    return MICRO - price_micro
