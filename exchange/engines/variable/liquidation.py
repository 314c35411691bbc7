"""Liquidation of a short: how much is covered, and who pays when its escrow does not."""

from typing import NamedTuple

from exchange.engines.rounding import div_ceil, div_floor, root_floor
from exchange.engines.units import PRICE_OF_VALUE, RATE
from exchange.engines.variable import curve
from exchange.engines.variable import results as to
from exchange.engines.variable.account import Account
from exchange.engines.variable.book import Book
from exchange.engines.variable.curve import PRICE
from exchange.engines.variable.results import Fill

# one micro-USDC as a price of 1e-27 times nano shares
MICRO_OF_VALUE = PRICE * 10**15


def below_maintenance(book: Book, escrow: int, shares: int) -> bool:
    """Return whether a short of `shares` has less escrow than the maintenance margin asks for."""
    needed = (RATE + book.config.mm_e8) * shares * book.close_out
    return escrow * RATE * MICRO_OF_VALUE < needed


def size(book: Book, escrow: int, held: int) -> int:
    """Return how many shares of a short below maintenance are covered.

    Units:   nano shares.
    Rounds:  up, and one quantum more, so that the rest surely meets the initial margin.
    Source:  specification, section 14.
    """
    config, close_out, price = book.config, book.close_out, book.price
    toll = RATE + config.fee_e8 + config.liq_fee_e8
    # a, b and d of the specification at 1e-26 (doubled), 1e-35 and 1e-44
    twice_a = toll * book.k
    b = (RATE + config.im_e8) * close_out - toll * price
    d = (RATE + config.im_e8) * held * close_out - escrow * RATE * MICRO_OF_VALUE
    square = b * b - 2 * twice_a * d
    if b <= 0 or square < 0:
        return held
    shares = div_ceil(2 * d, b + root_floor(square))
    # the root was rounded down, so that the quotient may be one too large
    while shares > 1 and _reaches(shares - 1, b, d, square):
        shares -= 1
    shares += 1
    rest = (held - shares) * price
    if shares >= held or rest < config.liq_dust_micro * MICRO_OF_VALUE:
        return held
    return shares


def _reaches(shares: int, b: int, d: int, square: int) -> bool:
    """Return whether `shares` is at least 2d / (b + root(square)), without any rounding."""
    left = 2 * d - b * shares
    return left <= 0 or left * left <= square * shares * shares


class Paid(NamedTuple):
    """Who paid for a cover, and the fees that the escrow could still bear."""

    escrow_micro: int
    insurance_micro: int
    bad_debt_micro: int
    fee_micro: int
    penalty_micro: int


def waterfall(book: Book, escrow: int, value: int) -> Paid:
    """Split what a cover costs between escrow, insurance and the providers' equity.

    Rounds:  the fees up, as far as the escrow goes.
    Source:  specification, section 14.
    """
    config = book.config
    pay = min(escrow, value)
    insured = min(book.insurance, value - pay)
    fee = min(escrow - pay, div_ceil(value * config.fee_e8, RATE))
    penalty = min(escrow - pay - fee, div_ceil(value * config.liq_fee_e8, RATE))
    return Paid(pay, insured, value - pay - insured, fee, penalty)


def liquidate(book: Book, account: Account, seq: int) -> Fill:
    """Cover enough of a short, or all of it, and take the fees from what its escrow still has.

    Source:  specification, section 14.
    """
    price, k, held = book.price, book.k, -account.shares
    shares = size(book, account.escrow, held)
    value = curve.cost(price, k, shares)
    paid, whole = waterfall(book, account.escrow, value), shares == held
    used = paid.escrow_micro + paid.fee_micro + paid.penalty_micro
    released = account.escrow if whole else used
    book.secure(seq, account, -released)
    book.spend(seq, account, used - released)
    book.pay_pool(seq, paid.escrow_micro + paid.insurance_micro)
    book.insurance += paid.penalty_micro - paid.insurance_micro
    book.post(seq, to.INSURANCE, paid.penalty_micro - paid.insurance_micro)
    book.bad_debt += paid.bad_debt_micro
    part = book.collect(seq, paid.fee_micro)
    entry = account.entry if whole else div_floor(account.entry * shares, held)
    book.short -= shares
    book.traded += value
    account.shares += shares
    account.entry -= entry
    # the trader has lost what the escrow paid; the rest of the cover was never theirs to pay
    realised = entry - paid.escrow_micro
    account.realised += realised
    fill = Fill(
        seq, account.id, to.BUY, to.LIQUIDATION, shares, value, paid.fee_micro, 0, part,
        div_floor(value * PRICE_OF_VALUE, shares), realised,
        div_floor(price + k * shares, PRICE), -released, paid.penalty_micro, to.MARGIN,
        account.position,
    )  # fmt: skip
    book.fills.append(fill)
    if whole:
        book.left(account)
    return fill
