"""The two legs of a long: opening or enlarging it, and closing all or part of it."""

from typing import NamedTuple

from exchange.engines.engine import Refusal
from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.units import PRICE_OF_VALUE, RATE
from exchange.engines.variable import curve, fees, limits
from exchange.engines.variable.account import Account
from exchange.engines.variable.book import Book
from exchange.engines.variable.curve import PRICE
from exchange.engines.variable.results import BUY, CLOSE_LONG, OPEN_LONG, SELL, Fill


class Terms(NamedTuple):
    """What an opening leg is held to besides the limits; a budget is money already set aside."""

    banded: bool = True
    budget_micro: int | None = None
    extra_micro: int = 0
    margin_max_micro: int | None = None


INSTANT = Terms()


def open_long(  # noqa: PLR0917 (the inner step of the hottest path)
    book: Book,
    account: Account,
    seq: int,
    amount: int | None,
    shares: int | None,
    terms: Terms = INSTANT,
) -> Fill:
    """Open or enlarge a long for an amount or by a number of shares; refuse before any change."""
    price, k = book.price, book.k
    fee_e8, extra_e8 = book.config.fee_e8, fees.surcharge(book, fees.BUYS)
    if amount is not None:
        gross = amount
        base, extra, value = fees.purchase_parts(gross, fee_e8, extra_e8)
        shares = curve.shares_for(price, k, max(value, 0))
    else:
        assert shares is not None
        value = curve.cost(price, k, shares)
        base, extra = fees.purchase_fees(value, fee_e8, extra_e8)
        gross = value + base + extra
    leg = limits.Leg(shares, gross, value + extra)
    limits.require_long(book, account, leg, banded=terms.banded)
    _require_funds(book, account, gross, terms.budget_micro)
    book.spend(seq, account, gross)
    book.pay_pool(seq, value + extra)
    part = book.collect(seq, base)
    book.long += shares
    book.traded += value
    if account.shares == 0:
        account.position = book.next_id()
    account.shares += shares
    account.entry += value
    average = div_floor(value * PRICE_OF_VALUE, shares)
    market = div_floor(price + k * shares, PRICE)
    fill = Fill(
        seq, account.id, BUY, OPEN_LONG, shares, value, base, extra, part, average, 0, market,
        0, 0, book.cause, book.ref,
    )  # fmt: skip
    book.fills.append(fill)
    return fill


def _require_funds(book: Book, account: Account, gross: int, budget: int | None) -> None:
    cash = account.cash if budget is None else min(account.cash, budget)
    if gross > cash:
        if not book.answers:
            raise Refusal("insufficient_funds")
        shares, amount = limits.long_max(book, account)
        raise Refusal(
            "insufficient_funds",
            needed_micro=gross,
            cash_micro=cash,
            shares_max_nano=shares,
            amount_max_micro=amount,
        )


def close_long(book: Book, account: Account, seq: int, shares: int) -> Fill:
    """Close `shares` of a long, at most all of it; the only thing ever asked is the position.

    Rounds:  proceeds down, the fee and the part of the entry up.
    Source:  specification, section 11.
    """
    price, k = book.price, book.k
    value = curve.proceeds(price, k, shares)
    base = min(value, div_ceil(value * book.config.fee_e8, RATE))
    whole = shares == account.shares
    entry = account.entry if whole else div_ceil(account.entry * shares, account.shares)
    book.pay_pool(seq, -value)
    book.spend(seq, account, base - value)
    part = book.collect(seq, base)
    book.long -= shares
    book.traded += value
    account.shares -= shares
    account.entry -= entry
    realised = value - entry
    account.realised += realised
    average = div_floor(value * PRICE_OF_VALUE, shares)
    market = div_floor(price - k * shares, PRICE)
    fill = Fill(
        seq, account.id, SELL, CLOSE_LONG, shares, value, base, 0, part, average, realised, market,
        0, 0, book.cause, book.ref,
    )  # fmt: skip
    book.fills.append(fill)
    if whole:
        book.left(account)
    return fill
