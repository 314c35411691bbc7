"""Limit orders filled the plain way: look at every order each time, in exact fractions.

Shares nothing with the engine but the fill itself; what it makes of a market is what the engine
must make of it, however little the engine has to look at.
"""

from fractions import Fraction
from math import floor

from exchange.engines.variable import LimitOrder, MemoryFrontier
from exchange.engines.variable.book import Book
from exchange.engines.variable.triggers import _filled, _peek

SHARE, DOLLAR = 10**9, 10**12
BUYS = ("open_long", "close_short")
OPENS = ("open_long", "open_short")


def fill(book: Book, seq: int) -> bool:
    """Fill the first order that can be filled: buys first, the best price first, then oldest."""
    assert isinstance(book.frontier, MemoryFrontier)
    everything = {**book.frontier.items, **book.items}.values()
    orders = [o for o in everything if isinstance(o, LimitOrder) and o.status == "open"]
    buys = sorted((o for o in orders if o.intent in BUYS), key=lambda o: (-o.price_pico, o.id))
    sells = sorted((o for o in orders if o.intent not in BUYS), key=lambda o: (o.price_pico, o.id))
    for order in (*buys, *sells):
        if order.id not in book.skipped:
            shares = _fillable(book, order)
            if shares and _filled(book, seq, order, shares):
                return True
    return False


def _fillable(book: Book, order: LimitOrder) -> int:
    held = _peek(book, order.trader).shares
    if order.intent in OPENS:
        stale = book.now_s - book.last_oracle_s > book.config.max_stale_s
        against = held < 0 if order.intent == "open_long" else held > 0
        most = 0 if book.status != "active" or stale or against else order.shares_nano
    else:
        most = min(order.shares_nano, max(0, held if order.intent == "close_long" else -held))
    shares = min(most, _room(book, order))
    value = Fraction(shares, SHARE) * _average(book, order, shares)
    worth = floor(value * 10**6) if order.intent not in BUYS else -floor(-value * 10**6)
    return shares if shares == order.shares_nano or worth >= 10**6 else 0


def _average(book: Book, order: LimitOrder, shares: int) -> Fraction:
    half = Fraction(book.k, 10**18) * Fraction(shares, SHARE) / 2
    return _market(book) + (half if order.intent in BUYS else -half)


def _market(book: Book) -> Fraction:
    supply = Fraction(book.long - book.short, SHARE)
    return Fraction(book.p0, DOLLAR) + Fraction(book.k, 10**18) * supply


def _room(book: Book, order: LimitOrder) -> int:
    side = 1 if order.intent in BUYS else -1
    edge = Fraction(order.price_pico, DOLLAR)
    if order.intent in OPENS and book.config.band_e8 is not None:
        bound = Fraction(book.f, DOLLAR) * (1 + side * Fraction(book.config.band_e8, 10**8))
        edge = min(edge, bound) if side > 0 else max(edge, bound)
    gap = (edge - _market(book)) * side
    if book.k == 0:
        return order.shares_nano if gap >= 0 else 0
    return max(0, floor(gap / Fraction(book.k, 10**18) * SHARE))
