"""What an execution or a cancellation moves between a trader's cash, escrow and tokens."""

from exchange.engines.outcome.accounts import Account, Entry
from exchange.engines.outcome.book import Book
from exchange.engines.outcome.scales import RATE
from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.units import MICRO


def value_of(price_micro: int, size: int) -> int:
    """Return price x size; lots at prices on the grid give whole micro-USDC."""
    return div_floor(price_micro * size, MICRO)


def fee_of(amount: int, rate_e9: int) -> int:
    """Return a fee, rounded up."""
    return div_ceil(rate_e9 * amount, RATE)


def lock(book: Book, account: Account, entry: Entry) -> None:
    """Set aside what a limit order needs: principal and fee reserve, or the tokens."""
    if not entry.buys:
        account.held[entry.token] -= entry.remaining
        account.locked[entry.token] += entry.remaining
        return
    book.pay(account, -entry.principal - entry.reserve)
    book.reserve(account, entry.principal + entry.reserve)


def bought(book: Book, entry: Entry, size: int, cost: int, fee: int) -> int:
    """Pay for tokens that an order receives, and return the fee it has paid.

    A limit order pays out of its escrow: the fee is at most what is left of the reserve, what the
    limit would have cost more returns at once, and the reserve with the last fill.
    """
    account = book.account(entry.trader)
    book.change(entry)
    if entry.cap:
        fee = min(fee, entry.reserve)
        entry.reserve -= fee
        back = value_of(entry.cap, size) - cost
        entry.fill(size, cost, fee)
        if not entry.remaining:
            back += entry.reserve
            entry.reserve = 0
            book.left(entry)
        book.reserve(account, -(cost + fee + back))
        book.pay(account, back)
    else:
        entry.fill(size, cost, fee)
        book.pay(account, -(cost + fee))
    account.held[entry.token] += size
    book.pay_fees(fee)
    return fee


def sold(book: Book, entry: Entry, size: int, proceeds: int, fee: int) -> None:
    """Take the tokens that an order gives and pay what they bring, less the fee."""
    account = book.account(entry.trader)
    book.change(entry)
    entry.fill(size, proceeds, fee)
    if entry.cap:
        account.locked[entry.token] -= size
        if not entry.remaining:
            book.left(entry)
    else:
        account.held[entry.token] -= size
    book.pay(account, proceeds - fee)
    book.pay_fees(fee)


def rebate(book: Book, entry: Entry, amount: int) -> None:
    """Pay part of a surplus back to an order's owner."""
    if amount:
        book.change(entry)
        entry.rebate += amount
        book.pay(book.account(entry.trader), amount)


def withdraw(book: Book, entry: Entry, status: str) -> int:
    """End a resting order and return the money that its escrow gives back."""
    account = book.account(entry.trader)
    book.change(entry)
    entry.status = status
    book.left(entry)
    if not entry.buys:
        account.locked[entry.token] -= entry.remaining
        account.held[entry.token] += entry.remaining
        return 0
    back = entry.principal + entry.reserve
    entry.reserve = 0
    book.reserve(account, -back)
    book.pay(account, back)
    return back
