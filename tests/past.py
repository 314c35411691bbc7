"""A session's book at a point of its replay, for whoever compares it with what the tables tell."""

from collections import defaultdict

from exchange.selectors.outcome.book import TokenBook, of_rows
from exchange.services.outcome.replay import Walk


def book_of(walk: Walk) -> list[TokenBook]:
    """Return the book that rests now."""
    summed: defaultdict[tuple[int, bool, int], list[int]] = defaultdict(lambda: [0, 0])
    for order in walk.orders.values():
        if order.rests and order.price_micro is not None:
            at = summed[order.token, order.buys, order.price_micro]
            at[0] += order.remaining_micro
            at[1] += 1
    rows = [(*place, size, count) for place, (size, count) in summed.items()]
    pairs = {number: walk.state.outcomes[number].pairs_micro for number in walk.state.active}
    return of_rows(rows, pairs, mints=walk.config.cm_enabled)
