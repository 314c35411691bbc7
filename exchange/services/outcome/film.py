"""The books of a resolved session at every tick: settled again from its log once, kept a while."""

from bisect import bisect_right
from functools import lru_cache

from exchange.models import Market, Session
from exchange.selectors.outcome import book
from exchange.selectors.outcome.book import TokenBook
from exchange.services.outcome.replay import Walk

# A longer session is looked at tick by tick by the API, which settles it as far as it is asked.
BATCHES_MAX = 5_000
KEPT = 4

Frames = tuple[list[int], list[list[TokenBook]]]


def book_at(session: Session, seq: int) -> list[TokenBook] | None:
    """Return the book after a batch, or None where the session is too long to be kept.

    The first call settles the whole session again; for one that is resolved the later ones are a
    look-up. Nothing but what is over may be asked for: its log no longer grows.
    """
    assert session.market.status == Market.Status.RESOLVED
    if session.market.live.batch_seq > BATCHES_MAX:
        return None
    seqs, books = _frames(session.pk, session.code)
    place = bisect_right(seqs, seq)
    return books[place - 1] if place else []


@lru_cache(maxsize=KEPT)
def _frames(pk: int, _code: str) -> Frames:
    """Return the batches that changed the book, and the book after each."""
    walk = Walk(Session.objects.select_related("market__live").get(pk=pk))
    seqs: list[int] = []
    books: list[list[TokenBook]] = []
    mints = walk.config.cm_enabled
    for _ in walk.steps():
        found = book.of_orders(walk.people.orders.values(), walk.state, mints=mints)
        shown = [row for row in found if row.bids or row.asks]
        if not books or shown != books[-1]:
            seqs.append(walk.batch_seq)
            books.append(shown)
    return seqs, books
