"""Buying and selling: which legs a command has, and the guards of the caller."""

from exchange.engines.engine import Refusal
from exchange.engines.rounding import div_floor
from exchange.engines.units import PRICE_OF_VALUE
from exchange.engines.variable import commits, curve, limits
from exchange.engines.variable.account import Account
from exchange.engines.variable.book import Book
from exchange.engines.variable.commands import Buy, Sell
from exchange.engines.variable.curve import PRICE
from exchange.engines.variable.longs import INSTANT, Terms, close_long, open_long
from exchange.engines.variable.results import BUY, OPEN_SHORT, SELL, Fill, Filled
from exchange.engines.variable.shorts import cover_short, cover_within, open_short


def buy(book: Book, command: Buy) -> Filled:
    """Cover a short, then open or enlarge a long, for an amount or by a number of shares.

    Raises:  Refusal, with nothing changed that `Book.undo` does not bring back.
    Source:  specification, section 11.
    """
    _require_one(command.amount_micro, command.shares_nano)
    _require_guards(command.min_shares_nano, command.max_cost_micro)
    limits.require_open_for_trading(book)
    account = book.account(command.trader)
    before = book.price
    legs: list[Fill] = []
    amount, shares, committed = command.amount_micro, command.shares_nano, None
    if account.shares < 0:
        amount, shares = _cover(book, account, command, legs)
    if amount or shares:
        _require_may_open(book, account, command)
        try:
            legs.append(open_long(book, account, command.seq, amount, shares))
        except Refusal as refusal:
            if not command.commit or refusal.rejected.code != "band":
                raise
            committed = commits.commit_buy(book, account, command, amount, shares, legs)
    paid = sum([leg.value_micro + leg.fee_micro + leg.surcharge_micro for leg in legs])
    if committed is None:
        _require_bought(command, legs, paid)
    return _filled(BUY, legs, before, paid, book, committed)


def _cover(
    book: Book, account: Account, command: Buy, legs: list[Fill]
) -> tuple[int | None, int | None]:
    """Cover what the command covers and return what is left to open a long with."""
    held, amount, shares = -account.shares, command.amount_micro, command.shares_nano
    size = cover_within(book, account, amount) if amount is not None else min(shares or 0, held)
    if size <= 0:
        raise Refusal("too_small", amount_micro=amount or 0)
    legs.append(cover_short(book, account, command.seq, size))
    if amount is None:
        return None, (shares or 0) - size
    left = amount - legs[0].value_micro - legs[0].fee_micro
    # a rest too small to open with is not spent, nor what a part of the short left over
    enough = size == held and left > 0 and left >= book.config.min_open_micro
    return left if enough else None, None


def _require_bought(command: Buy, legs: list[Fill], paid: int) -> None:
    least, most = command.min_shares_nano, command.max_cost_micro
    bought = sum([leg.shares_nano for leg in legs])
    if least is not None and bought < least:
        raise Refusal("slippage", shares_nano=bought, shares_min_nano=least)
    if most is not None and paid > most:
        raise Refusal("slippage", cost_micro=paid, cost_max_micro=most)


def sell(book: Book, command: Sell) -> Filled:
    """Close a long, then open or enlarge a short, by shares or for a gross amount.

    Raises:  Refusal, with nothing changed that `Book.undo` does not bring back.
    Source:  specification, section 11.
    """
    _require_one(command.shares_nano, command.target_micro)
    _require_guards(command.min_out_micro, command.max_margin_micro, command.extra_micro)
    limits.require_open_for_trading(book)
    account = book.account(command.trader)
    before = book.price
    shares = command.shares_nano
    if shares is None:
        assert command.target_micro is not None
        shares = _shares_for_target(book, command.target_micro)
    legs: list[Fill] = []
    closing, committed = max(0, min(shares, account.shares)), None
    if shares > closing:
        _require_may_open(book, account, command, shares)
    if closing:
        legs.append(close_long(book, account, command.seq, closing))
    if shares > closing:
        try:
            size = shares - closing
            legs.append(open_short(book, account, command.seq, size, _terms(command)))
        except Refusal as refusal:
            if not command.commit or refusal.rejected.code != "band":
                raise
            committed = commits.commit_sell(book, account, command, shares - closing)
    net = sum([leg.value_micro - leg.fee_micro - leg.surcharge_micro for leg in legs])
    if committed is None:
        _require_received(command, net)
    return _filled(SELL, legs, before, net, book, committed)


def _terms(command: Sell) -> Terms:
    if not command.extra_micro and command.max_margin_micro is None:
        return INSTANT
    return Terms(extra_micro=command.extra_micro, margin_max_micro=command.max_margin_micro)


def _require_received(command: Sell, net: int) -> None:
    least = command.min_out_micro
    if least is not None and net < least:
        raise Refusal("slippage", out_micro=net, out_min_micro=least)


def _require_may_open(
    book: Book, account: Account, command: Buy | Sell, shares: int | None = None
) -> None:
    if not command.reduce_only:
        limits.require_opens_allowed(book, account)
        return
    figures: dict[str, int] = {"held_nano": abs(account.shares)}
    if shares is not None:
        figures["asked_nano"] = shares
        figures["target_max_micro"] = curve.sale_max(book.price, book.k, max(0, account.shares))
    raise Refusal("no_position", **figures)


def _require_one(first: int | None, second: int | None) -> None:
    given = [size for size in (first, second) if size is not None]
    if len(given) != 1 or given[0] <= 0:
        raise Refusal("args", reason="one size above zero is required")


def _require_guards(*guards: int | None) -> None:
    if any([guard is not None and guard < 0 for guard in guards]):  # noqa: C419 (half the time)
        raise Refusal("args", reason="a guard may not be negative")


def _shares_for_target(book: Book, target: int) -> int:
    shares = curve.shares_for_sale(book.price, book.k, target)
    if shares is None:
        most = curve.sale_max(book.price, book.k, limits.SHARES_MAX)
        raise Refusal("curve_depth", target_micro=target, target_max_micro=most)
    return shares


def _filled(  # noqa: PLR0917 (private; every argument is a figure of the answer)
    side: str, legs: list[Fill], before: int, net: int, book: Book, committed: int | None
) -> Filled:
    if len(legs) == 1:
        leg = legs[0]
        shares, value, price = leg.shares_nano, leg.value_micro, leg.price_pico
        fee, extra, realised = leg.fee_micro, leg.surcharge_micro, leg.realised_micro
        market = leg.market_pico
    else:
        shares, value = sum(leg.shares_nano for leg in legs), sum(leg.value_micro for leg in legs)
        price = div_floor(value * PRICE_OF_VALUE, shares) if shares else 0
        fee, extra = sum(leg.fee_micro for leg in legs), sum(leg.surcharge_micro for leg in legs)
        realised = sum(leg.realised_micro for leg in legs)
        market = div_floor(book.price, PRICE)
    return Filled(
        side=side,
        legs=tuple(legs),
        shares_nano=shares,
        value_micro=value,
        net_micro=net,
        fee_micro=fee,
        surcharge_micro=extra,
        price_pico=price,
        realised_micro=realised,
        market_before_pico=div_floor(before, PRICE),
        market_pico=market,
        margin_micro=sum([x.escrow_micro - x.value_micro for x in legs if x.leg == OPEN_SHORT]),
        committed=committed,
    )
