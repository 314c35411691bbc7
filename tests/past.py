"""A session's book at a point of its replay, for whoever compares it with what tables tell."""

from exchange.selectors.outcome.book import Row
from exchange.services.outcome.replay import Walk


def levels_of(walk: Walk) -> list[Row]:
    """Return the levels of what rests at this point of a replay."""
    found: dict[tuple[int, bool, int], list[int]] = {}
    for order in walk.orders.values():
        if order.rests and order.price_micro is not None:
            at = found.setdefault((order.token, order.buys, order.price_micro), [0, 0])
            at[0] += order.remaining_micro
            at[1] += 1
    return [(*place, size, count) for place, (size, count) in found.items()]
