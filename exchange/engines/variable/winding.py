"""The end of a market: wind-down, and the settlement of all positions at one price."""

from exchange.engines.engine import EngineBug, Refusal
from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.units import PRICE_OF_VALUE
from exchange.engines.variable import commits, orders
from exchange.engines.variable import frontier as fr
from exchange.engines.variable.account import Account
from exchange.engines.variable.book import Book
from exchange.engines.variable.commands import Settle, WindDown
from exchange.engines.variable.curve import PRICE
from exchange.engines.variable.resting import CANCELLED, LimitOrder
from exchange.engines.variable.results import Applied
from exchange.engines.variable.state import ACTIVE, SETTLED, WINDING, Trader


def wind_down(book: Book, command: WindDown) -> Applied:
    """Refuse opens from now on and give committed and limit orders back.

    Raises:  Refusal.
    Source:  specification, section 6.
    """
    if book.status != ACTIVE:
        raise Refusal("not_active", status=book.status)
    book.status, book.settle_at_s = WINDING, command.settle_at_s
    waiting = commits.pending(book)
    for order in waiting:
        commits.end(book, command.seq, order)
    names = (*fr.LIMIT_INDEXES, fr.PARKED)
    limits = [row for name in names for _, row in book.indexes[name].walk()]
    for row in limits:
        assert isinstance(row, LimitOrder)
        orders.end(book, command.seq, row, CANCELLED)
    return Applied("wind_down", {"orders": len(waiting) + len(limits)})


def settle(book: Book, command: Settle) -> Applied:
    """Close all positions at the settlement price, shorts first; all that is left is equity.

    Rounds:  the price down, what shorts pay up, what longs receive down.
    Raises:  Refusal.
    Source:  specification, section 18.
    """
    if book.status != WINDING:
        raise Refusal("not_winding", status=book.status)
    if book.now_s < book.settle_at_s:
        raise Refusal("not_expired", settle_at_s=book.settle_at_s, now_s=book.now_s)
    shorts, longs = _holders(book)
    price = settlement_price(book)
    before = book.equity_exact
    paid = 0
    for key in shorts:
        paid += _settle_short(book, command.seq, book.account(key), price)
    for key in longs:
        paid -= _settle_long(book, command.seq, book.account(key), price)
    book.pay_pool(command.seq, paid)
    if book.long or book.short:
        raise EngineBug(f"positions unknown to the settlement: {book.long} {book.short}")
    book.status = SETTLED
    book.revalued += book.equity_exact - before
    return Applied("settle", {"price_pico": price, "shorts": len(shorts), "longs": len(longs)})


def settlement_price(book: Book) -> int:
    """Return the one price of a settlement: F, p_req or what the pool has, whatever is least.

    Units:   pico.
    Rounds:  down.
    """
    price = min(book.f, div_floor(book.close_out, PRICE))
    supply = book.long - book.short
    if supply > 0:
        price = min(price, div_floor(book.pool * PRICE_OF_VALUE, supply))
    return price


def _holders(book: Book) -> tuple[list[int], list[int]]:
    """Return who is short and who is long: stored, given with the batch, or changed by it."""
    held: dict[int, int] = {}
    for name in (fr.SHORTS, fr.LONGS):
        for _, row in book.indexes[name].walk():
            assert isinstance(row, Trader)
            held[row.id] = row.shares_nano
    held.update((key, trader.shares_nano) for key, trader in book.traders.items())
    held.update((key, account.shares) for key, account in book.accounts.items())
    keys = sorted(held)
    return [key for key in keys if held[key] < 0], [key for key in keys if held[key] > 0]


def _settle_short(book: Book, seq: int, account: Account, price: int) -> int:
    held = -account.shares
    owed = min(account.escrow, div_ceil(held * price, PRICE_OF_VALUE))
    escrow = account.escrow
    book.secure(seq, account, -escrow)
    book.spend(seq, account, owed - escrow)
    account.realised += account.entry - owed
    book.short -= held
    _gone(book, account)
    return owed


def _settle_long(book: Book, seq: int, account: Account, price: int) -> int:
    amount = div_floor(account.shares * price, PRICE_OF_VALUE)
    book.spend(seq, account, -amount)
    account.realised += amount - account.entry
    book.long -= account.shares
    _gone(book, account)
    return amount


def _gone(book: Book, account: Account) -> None:
    account.shares = account.entry = 0
    book.left(account)
