"""What an incoming order finds in the book, and the exchange between it and one level."""

from typing import NamedTuple

from exchange.engines.outcome.accounts import Entry
from exchange.engines.outcome.book import Book
from exchange.engines.outcome.depth import Offer
from exchange.engines.outcome.lots import in_proportion
from exchange.engines.outcome.results import DIRECT, MERGE, MINT, Fill
from exchange.engines.outcome.scales import LOT
from exchange.engines.outcome.transfers import bought, fee_of, sold, value_of
from exchange.engines.rounding import div_floor
from exchange.engines.units import MICRO


class Level(NamedTuple):
    """A level an incoming order may trade with, at its own price; `pairs` are made or merged."""

    price: int
    pairs: bool
    offer: Offer
    size: int


def asked(book: Book, entry: Entry) -> Level | None:
    """Return the cheapest level for an incoming buy within its limit; equal prices: direct first.

    Source:  specification, sections 5.3 and 6.3.
    """
    best = None
    direct = book.ladder(entry.token, buys=False).best(entry.trader)
    if direct is not None:
        best = Level(direct.price, False, direct, direct.size)
    if book.config.cm_enabled:
        other = book.ladder(entry.token ^ 1, buys=True).best(entry.trader)
        if other is not None and (best is None or MICRO - other.price < best.price):
            best = Level(MICRO - other.price, True, other, other.size)
    if best is None or (entry.cap and best.price > entry.cap):
        return None
    return best


def bid(book: Book, entry: Entry, planned: int) -> Level | None:
    """Return the dearest level for an incoming sell within its limit; equal prices: direct first.

    A merge needs pairs that no planned conversion has spoken for.

    Source:  specification, sections 5.3 and 6.4.
    """
    best = None
    direct = book.ladder(entry.token, buys=True).best(entry.trader)
    if direct is not None:
        best = Level(direct.price, False, direct, direct.size)
    pairs = book.pairs[entry.token >> 1] - planned
    if book.config.cm_enabled and pairs > 0:
        other = book.ladder(entry.token ^ 1, buys=False).best(entry.trader)
        if other is not None and (best is None or MICRO - other.price > best.price):
            size = min(other.size, pairs)
            best = Level(MICRO - other.price, True, other, size)
    if best is None or best.price < entry.cap:
        return None
    return best


def take(book: Book, entry: Entry, level: Level, size: int) -> None:
    """Trade `size` with the orders of a level in proportion to what remains of them.

    The resting orders trade at their limit; the incoming one pays its fee on the whole.

    Source:  specification, sections 5.1 and 5.3.
    """
    config = book.config
    amount = value_of(level.price, size)
    half = div_floor(config.match_fee_e9, 2)
    fee = fee_of(amount, half if level.pairs else config.fee_e9)
    weights = [other.remaining for other in level.offer.entries]
    parts = in_proportion(size, weights, LOT)
    if level.pairs:
        book.pay_pairs(entry.token >> 1, size if entry.buys else -size)
    if entry.buys:
        fee = bought(book, entry, size, amount, fee)
    else:
        sold(book, entry, size, amount, fee)
    fees = in_proportion(fee, parts, 1)
    for other, part, share in zip(level.offer.entries, parts, fees, strict=True):
        if part:
            theirs = value_of(level.offer.price, part)
            other_fee = fee_of(theirs, half) if level.pairs else 0
            if other.buys:
                other_fee = bought(book, other, part, theirs, other_fee)
            else:
                sold(book, other, part, theirs, other_fee)
            _note(book, entry, other, level, (part, share, other_fee))


def _note(
    book: Book, entry: Entry, other: Entry, level: Level, figures: tuple[int, int, int]
) -> None:
    size, fee, other_fee = figures
    kind = DIRECT if not level.pairs else MINT if entry.buys else MERGE
    buyer, seller = (entry, other) if entry.buys else (other, entry)
    book.fills.append(
        Fill(
            seq=book.seq,
            kind=kind,
            token=entry.token,
            buyer=buyer.trader,
            seller=seller.trader,
            buy_order=buyer.id,
            sell_order=seller.id,
            size_micro=size,
            amount_micro=value_of(level.price, size),
            price_pico=level.price * MICRO,
            fee_micro=fee,
            other_fee_micro=other_fee,
        )
    )
