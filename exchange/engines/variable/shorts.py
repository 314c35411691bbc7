"""The legs of a short, its margin, and the collateral a trader adds to it or takes away."""

from exchange.engines.engine import Refusal
from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.units import PRICE_OF_VALUE, RATE
from exchange.engines.variable import curve, fees, short_limits
from exchange.engines.variable.account import Account
from exchange.engines.variable.book import Book
from exchange.engines.variable.commands import AddCollateral, RemoveCollateral
from exchange.engines.variable.curve import PRICE
from exchange.engines.variable.limits import require_open_for_trading
from exchange.engines.variable.longs import INSTANT, Terms
from exchange.engines.variable.results import (
    BUY,
    COVER_SHORT,
    OPEN_SHORT,
    SELL,
    Applied,
    Fill,
)


def cover_gross(book: Book, shares: int) -> tuple[int, int]:
    """Return what covering costs along the curve and with the base fee.

    Units:   micro-USDC.
    Rounds:  both up.
    """
    value = curve.cost(book.price, book.k, shares)
    return value, div_ceil(value * RATE, RATE - book.config.fee_e8)


def cover_within(book: Book, account: Account, amount: int) -> int:
    """Return how much of a short an amount covers, base fee included.

    Units:   micro-USDC in, nano shares out.
    """
    held = -account.shares
    if amount >= cover_gross(book, held)[1]:
        return held
    net = amount - div_ceil(amount * book.config.fee_e8, RATE)
    return min(held, curve.shares_for(book.price, book.k, net))


def cover_short(book: Book, account: Account, seq: int, shares: int) -> Fill:
    """Cover `shares` of a short, at most all of it, out of the part of the escrow it frees.

    Rounds:  cost and fee up, the escrow released and the part of the entry down.
    Source:  specification, section 11.
    """
    price, k, held = book.price, book.k, -account.shares
    value, gross = cover_gross(book, shares)
    whole = shares == held
    released = account.escrow if whole else div_floor(account.escrow * shares, held)
    entry = account.entry if whole else div_floor(account.entry * shares, held)
    book.secure(seq, account, -released)
    book.spend(seq, account, gross - released)
    book.pay_pool(seq, value)
    part = book.collect(seq, gross - value)
    book.short -= shares
    book.traded += value
    account.shares += shares
    account.entry -= entry
    account.realised += entry - value
    average = div_floor(value * PRICE_OF_VALUE, shares)
    market = div_floor(price + k * shares, PRICE)
    fill = Fill(
        seq, account.id, BUY, COVER_SHORT, shares, value, gross - value, 0, part, average,
        entry - value, market, -released, 0, book.cause, book.ref,
    )  # fmt: skip
    book.fills.append(fill)
    if whole:
        book.left(account)
    return fill


def open_short(book: Book, account: Account, seq: int, shares: int, terms: Terms = INSTANT) -> Fill:
    """Open or enlarge a short: the pool's proceeds and the trader's margin make its escrow.

    Raises:  Refusal, before anything has changed.
    Source:  specification, section 11.
    """
    price, k = book.price, book.k
    extra_e8 = fees.surcharge(book, fees.SELLS)
    leg = short_limits.leg_of(book, account, shares, extra_e8)
    short_limits.require_short(book, account, leg, extra_e8, banded=terms.banded)
    margin = leg.margin_micro + terms.extra_micro
    if terms.margin_max_micro is not None and margin > terms.margin_max_micro:
        raise Refusal("margin_limit", margin_micro=margin, margin_max_micro=terms.margin_max_micro)
    _require_funds(book, account, leg, extra_e8, terms)
    book.spend(seq, account, margin + leg.fee_micro + leg.surcharge_micro)
    book.pay_pool(seq, leg.surcharge_micro - leg.value_micro)
    book.secure(seq, account, leg.value_micro + margin)
    part = book.collect(seq, leg.fee_micro)
    book.short += shares
    book.traded += leg.value_micro
    if account.shares == 0:
        account.position = book.next_id()
    account.shares -= shares
    account.entry += leg.value_micro
    average = div_floor(leg.value_micro * PRICE_OF_VALUE, shares)
    market = div_floor(price - k * shares, PRICE)
    fill = Fill(
        seq, account.id, SELL, OPEN_SHORT, shares, leg.value_micro, leg.fee_micro,
        leg.surcharge_micro, part, average, 0, market, leg.value_micro + margin, 0, book.cause,
        book.ref,
    )  # fmt: skip
    book.fills.append(fill)
    return fill


def _require_funds(
    book: Book, account: Account, leg: short_limits.ShortLeg, extra_e8: int, terms: Terms
) -> None:
    cash = account.cash
    if terms.budget_micro is not None:
        cash = min(cash, terms.budget_micro)
    needed = leg.margin_micro + terms.extra_micro + leg.fee_micro + leg.surcharge_micro
    if needed > cash:
        if not book.answers:
            raise Refusal("insufficient_funds")
        raise Refusal(
            "insufficient_funds",
            needed_micro=needed,
            cash_micro=cash,
            shares_max_nano=short_limits.short_max(
                book, account, extra_e8, cash - terms.extra_micro
            ),
        )


def add_collateral(book: Book, command: AddCollateral) -> Applied:
    """Put money into the escrow of a short, at any time.

    Raises:  Refusal.
    Source:  specification, section 11.
    """
    account = _short_of(book, command)
    book.spend(command.seq, account, command.amount_micro)
    book.secure(command.seq, account, command.amount_micro)
    return Applied("add_collateral", {"escrow_micro": account.escrow})


def remove_collateral(book: Book, command: RemoveCollateral) -> Applied:
    """Take money out of the escrow of a short as long as the initial margin stays.

    Raises:  Refusal, with the most that may be taken.
    Source:  specification, section 11.
    """
    account = _short_of(book, command)
    least = initial_margin(book, -account.shares)
    most = max(0, account.escrow - least)
    if command.amount_micro > most:
        raise Refusal(
            "margin_low",
            escrow_micro=account.escrow - command.amount_micro,
            escrow_min_micro=least,
            amount_max_micro=most,
        )
    book.secure(command.seq, account, -command.amount_micro)
    book.spend(command.seq, account, -command.amount_micro)
    return Applied("remove_collateral", {"escrow_micro": account.escrow})


def initial_margin(book: Book, shares: int) -> int:
    """Return the escrow that a short of `shares` must have after its owner has acted.

    Units:   micro-USDC.
    Rounds:  up.
    """
    owed = (RATE + book.config.im_e8) * shares * book.close_out
    return div_ceil(owed, RATE * PRICE * 10**15)


def _short_of(book: Book, command: AddCollateral | RemoveCollateral) -> Account:
    require_open_for_trading(book)
    if command.amount_micro <= 0:
        raise Refusal("args", reason="an amount above zero is required")
    account = book.account(command.trader)
    if account.shares >= 0:
        raise Refusal("no_short", held_nano=account.shares)
    return account
