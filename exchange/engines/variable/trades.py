"""Buying and selling against the curve: the legs, their fees, and the guards of the caller."""

from exchange.engines.engine import Refusal
from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.units import RATE
from exchange.engines.variable import curve, fees, limits
from exchange.engines.variable.book import Account, Book
from exchange.engines.variable.commands import Buy, Sell
from exchange.engines.variable.curve import PRICE
from exchange.engines.variable.results import BUY, CLOSE_LONG, OPEN_LONG, SELL, Fill, Filled

# value in micro over shares in nano gives a price in pico
PRICE_OF_VALUE = 10**15


def buy(book: Book, command: Buy) -> Filled:
    """Open or enlarge a long for an amount or by a number of shares.

    Raises:  Refusal, with nothing changed that `Book.undo` does not bring back.
    Source:  specification, section 11.
    """
    _require_one(command.amount_micro, command.shares_nano)
    _require_guards(command.min_shares_nano, command.max_cost_micro)
    limits.require_open_for_trading(book)
    account = book.account(command.trader)
    limits.require_opens_allowed(book, account)
    before = book.price
    fill, gross = _open_long(book, account, command)
    if command.min_shares_nano is not None and fill.shares_nano < command.min_shares_nano:
        raise Refusal(
            "slippage", shares_nano=fill.shares_nano, shares_min_nano=command.min_shares_nano
        )
    if command.max_cost_micro is not None and gross > command.max_cost_micro:
        raise Refusal("slippage", cost_micro=gross, cost_max_micro=command.max_cost_micro)
    return _filled(fill, before, gross)


def sell(book: Book, command: Sell) -> Filled:
    """Close all or part of a long by a number of shares or for a gross amount.

    Raises:  Refusal, with nothing changed that `Book.undo` does not bring back.
    Source:  specification, section 11.
    """
    _require_one(command.shares_nano, command.target_micro)
    _require_guards(command.min_out_micro)
    limits.require_open_for_trading(book)
    account = book.account(command.trader)
    before = book.price
    shares = command.shares_nano
    if shares is None:
        assert command.target_micro is not None
        shares = _shares_for_target(book, command.target_micro)
    if shares > account.shares:
        most = curve.sale_max(before, book.k, account.shares)
        raise Refusal(
            "no_position", asked_nano=shares, held_nano=account.shares, target_max_micro=most
        )
    fill, net = _close_long(book, account, command.seq, shares)
    if command.min_out_micro is not None and net < command.min_out_micro:
        raise Refusal("slippage", out_micro=net, out_min_micro=command.min_out_micro)
    return _filled(fill, before, net)


def _require_one(first: int | None, second: int | None) -> None:
    given = [size for size in (first, second) if size is not None]
    if len(given) != 1 or given[0] <= 0:
        raise Refusal("args", reason="one size above zero is required")


def _require_guards(*guards: int | None) -> None:
    if any(guard is not None and guard < 0 for guard in guards):
        raise Refusal("args", reason="a guard may not be negative")


def _shares_for_target(book: Book, target: int) -> int:
    shares = curve.shares_for_sale(book.price, book.k, target)
    if shares is None:
        most = curve.sale_max(book.price, book.k, limits.SHARES_MAX)
        raise Refusal("curve_depth", target_micro=target, target_max_micro=most)
    return shares


def _open_long(book: Book, account: Account, command: Buy) -> tuple[Fill, int]:
    price, k, seq = book.price, book.k, command.seq
    fee_e8, extra_e8 = book.config.fee_e8, fees.surcharge(book, fees.BUYS)
    if command.amount_micro is not None:
        gross = command.amount_micro
        base, extra, value = fees.purchase_parts(gross, fee_e8, extra_e8)
        shares = curve.shares_for(price, k, max(value, 0))
    else:
        assert command.shares_nano is not None
        shares = command.shares_nano
        value = curve.cost(price, k, shares)
        base, extra = fees.purchase_fees(value, fee_e8, extra_e8)
        gross = value + base + extra
    limits.require_long(book, account, limits.Leg(shares, gross, value + extra))
    _require_funds(book, account, gross)
    book.spend(seq, account, gross)
    book.pay_pool(seq, value + extra)
    part = book.collect(seq, base)
    book.long += shares
    book.traded += value
    account.shares += shares
    account.entry += value
    average = div_floor(value * PRICE_OF_VALUE, shares)
    market = div_floor(price + k * shares, PRICE)
    fill = Fill(
        seq, account.id, BUY, OPEN_LONG, shares, value, base, extra, part, average, 0, market
    )
    book.fills.append(fill)
    return fill, gross


def _require_funds(book: Book, account: Account, gross: int) -> None:
    if gross > account.cash:
        shares, amount = limits.long_max(book, account)
        raise Refusal(
            "insufficient_funds",
            needed_micro=gross,
            cash_micro=account.cash,
            shares_max_nano=shares,
            amount_max_micro=amount,
        )


def _close_long(book: Book, account: Account, seq: int, shares: int) -> tuple[Fill, int]:
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
    account.realised += value - entry
    average = div_floor(value * PRICE_OF_VALUE, shares)
    market = div_floor(price - k * shares, PRICE)
    realised = value - entry
    fill = Fill(
        seq, account.id, SELL, CLOSE_LONG, shares, value, base, 0, part, average, realised, market
    )
    book.fills.append(fill)
    return fill, value - base


def _filled(fill: Fill, before: int, net: int) -> Filled:
    return Filled(
        side=fill.side,
        legs=(fill,),
        shares_nano=fill.shares_nano,
        value_micro=fill.value_micro,
        net_micro=net,
        fee_micro=fill.fee_micro,
        surcharge_micro=fill.surcharge_micro,
        price_pico=fill.price_pico,
        realised_micro=fill.realised_micro,
        market_before_pico=div_floor(before, PRICE),
        market_pico=fill.market_pico,
    )
