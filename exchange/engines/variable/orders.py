"""Limit orders and targets: placing them, taking them back, and how much of one can fill."""

from dataclasses import replace

from exchange.engines.engine import Refusal
from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.units import MICRO, PRICE_OF_VALUE, RATE
from exchange.engines.variable import commits, curve, fees, limits
from exchange.engines.variable.account import Account
from exchange.engines.variable.book import Book
from exchange.engines.variable.commands import Cancel, PlaceLimit, SetTargets
from exchange.engines.variable.curve import PRICE
from exchange.engines.variable.longs import Terms, close_long, open_long
from exchange.engines.variable.resting import (
    BUY_INTENTS,
    CANCELLED,
    CLOSE_LONG,
    CLOSE_SHORT,
    FILLED,
    OPEN_INTENTS,
    OPEN_LONG,
    OPEN_SHORT,
    CommittedOrder,
    LimitOrder,
    TimedExit,
)
from exchange.engines.variable.results import Applied, Fill
from exchange.engines.variable.shorts import cover_short, open_short
from exchange.engines.variable.withdrawals import unlock

INTENTS = (OPEN_LONG, CLOSE_LONG, OPEN_SHORT, CLOSE_SHORT)

# a fill worth less is made only if it completes its order
FILL_MIN_MICRO = MICRO

# the width of the trigger price where a market has no band: one per cent
TRIGGER_BAND_E8 = div_floor(RATE, 100)


def place(book: Book, command: PlaceLimit) -> Applied:
    """Leave a limit order and set aside what filling it may cost.

    Raises:  Refusal.
    Rounds:  the reserve up.
    Source:  specification, section 13.
    """
    limits.require_open_for_trading(book)
    intent, shares, price = command.intent, command.shares_nano, command.price_pico
    if intent not in INTENTS or shares <= 0 or price <= 0:
        raise Refusal("args", reason="an intent, shares and a price above zero are required")
    if (intent == OPEN_SHORT) != bool(command.margin_micro) or (command.margin_micro or 0) < 0:
        raise Refusal("args", reason="a margin belongs to an order that opens a short")
    account = book.account(command.trader)
    if intent in OPEN_INTENTS:
        limits.require_opens_allowed(book, account)
        value = div_floor(shares * price, PRICE_OF_VALUE)
        least = max(book.config.min_open_micro, 1)
        if value < least:
            raise Refusal("too_small", value_micro=value, value_min_micro=least)
    else:
        held = account.shares if intent == CLOSE_LONG else -account.shares
        if held <= 0:
            raise Refusal("no_position", held_nano=account.shares)
    reserved = command.margin_micro or 0
    if intent == OPEN_LONG:
        rest = RATE - book.config.fee_max_e8
        reserved = div_ceil(shares * price * RATE, rest * PRICE_OF_VALUE)
    order = LimitOrder(
        id=book.next_id(),
        trader=account.id,
        intent=intent,
        shares_nano=shares,
        price_pico=price,
        reserved_micro=reserved,
        placed_s=book.now_s,
    )
    book.reserve(command.seq, account, reserved)
    book.rest(order)
    return Applied("limit", {"id": order.id, "reserved_micro": reserved})


def cancel(book: Book, command: Cancel) -> Applied:
    """Take back whatever rests under an id, if it is the caller's.

    Raises:  Refusal.
    """
    item = book.item(command.ref)
    if item is None or item.trader != command.trader:
        raise Refusal("nothing", ref=command.ref)
    if isinstance(item, LimitOrder):
        end(book, command.seq, item, CANCELLED)
    elif isinstance(item, CommittedOrder):
        commits.end(book, command.seq, item)
    elif isinstance(item, TimedExit):
        book.account(item.trader).exit_id = 0
        book.rest(replace(item, status=CANCELLED))
    else:
        unlock(book, item)
    return Applied("cancel", {"id": command.ref})


def end(book: Book, seq: int, order: LimitOrder, status: str) -> None:
    """Give what is left of an order's reserve back and close it."""
    if order.reserved_micro:
        book.reserve(seq, book.account(order.trader), -order.reserved_micro)
    book.rest(replace(order, status=status, reserved_micro=0, parked=False))


def fillable(book: Book, account: Account, order: LimitOrder, most: int) -> int:
    """Return the shares of an order that can fill now within a room, zero where none may.

    Units:   nano shares.
    Rounds:  down.
    Raises:  nothing; the caller has checked that the account's position does not block the order.
    Source:  specification, section 13.
    """
    most = min(most, order.shares_nano)
    if order.intent not in OPEN_INTENTS:
        most = min(most, abs(account.shares))
    return _worthwhile(book, order, most)


def room(book: Book, order: LimitOrder) -> int:
    """Return the shares for which M stays on the good side of the price, and inside the band.

    Units:   nano shares; zero where an order with no better price has no room either.
    Rounds:  down.
    """
    k, band = book.k, book.config.band_e8
    buys = order.intent in BUY_INTENTS
    gap = (order.price_pico * PRICE - book.price) * (RATE if buys else -RATE)
    if order.intent in OPEN_INTENTS and band is not None:
        edge = book.f * PRICE * (RATE + band if buys else RATE - band) - book.price * RATE
        gap = min(gap, edge if buys else -edge)
    if k == 0:
        return order.shares_nano if gap >= 0 else 0
    return max(0, div_floor(gap, k * RATE))


def can_open(book: Book, intent: str, shares: int) -> bool:
    """Return whether an order may open `shares` or fewer: a part worth a fill, or all of a rest."""
    least = book.config.min_open_micro
    if intent == OPEN_SHORT:
        return curve.proceeds(book.price, book.k, shares) >= min(FILL_MIN_MICRO, max(least, 1))
    value = curve.cost(book.price, book.k, shares)
    if value >= min(FILL_MIN_MICRO, least):
        return True
    extra = fees.surcharge(book, fees.BUYS)
    return value + sum(fees.purchase_fees(value, book.config.fee_e8, extra)) >= least


def _worthwhile(book: Book, order: LimitOrder, shares: int) -> int:
    if shares <= 0 or shares == order.shares_nano:
        return shares
    value = curve.proceeds(book.price, book.k, shares)
    if order.intent in BUY_INTENTS:
        value = curve.cost(book.price, book.k, shares)
    return shares if value >= FILL_MIN_MICRO else 0


def fill(book: Book, seq: int, order: LimitOrder, shares: int) -> None:
    """Fill a part of an order, or all of it, out of its own reserve.

    Raises:  Refusal, with nothing changed that `Book.undo` does not bring back.
    """
    account = book.account(order.trader)
    if order.reserved_micro:
        book.reserve(seq, account, -order.reserved_micro)
    terms = Terms(budget_micro=order.reserved_micro)
    if order.intent in OPEN_INTENTS:
        limits.require_opens_allowed(book, account)
    if order.intent == OPEN_LONG:
        spent = _paid(open_long(book, account, seq, None, shares, terms))
    elif order.intent == OPEN_SHORT:
        leg = open_short(book, account, seq, shares, terms)
        spent = leg.escrow_micro - leg.value_micro + leg.fee_micro + leg.surcharge_micro
    else:
        spent = 0
        (close_long if order.intent == CLOSE_LONG else cover_short)(book, account, seq, shares)
    rest, left = order.shares_nano - shares, order.reserved_micro - spent
    if rest == 0:
        book.rest(replace(order, shares_nano=0, reserved_micro=0, status=FILLED))
        return
    book.reserve(seq, account, left)
    book.rest(replace(order, shares_nano=rest, reserved_micro=left))


def _paid(leg: Fill) -> int:
    return leg.value_micro + leg.fee_micro + leg.surcharge_micro


def set_targets(book: Book, command: SetTargets) -> Applied:
    """Set or take away the stop-loss and the take-profit of a position.

    Raises:  Refusal sl_side or tp_side, with the price that must be beyond.
    Source:  specification, section 13.
    """
    limits.require_open_for_trading(book)
    account = book.account(command.trader)
    if account.shares == 0:
        raise Refusal("no_position", held_nano=0)
    side = 1 if account.shares > 0 else -1
    stop, target, market = command.stop_pico, command.target_pico, book.price
    if (stop is not None and stop <= 0) or (target is not None and target <= 0):
        raise Refusal("args", reason="a price above zero is required")
    trigger = trigger_price(book)
    if stop is not None:
        nearest = side * min(side * market * RATE, side * trigger)
        if (stop * PRICE * RATE - nearest) * side >= 0:
            raise Refusal("sl_side", stop_pico=stop, edge_pico=div_floor(nearest, PRICE * RATE))
    if target is not None and (target * PRICE - market) * side <= 0:
        raise Refusal("tp_side", target_pico=target, market_pico=div_floor(market, PRICE))
    account.stop, account.target = stop, target
    return Applied("targets", {"stop_pico": stop or 0, "target_pico": target or 0})


def trigger_price(book: Book) -> int:
    """Return P_trig, M held inside the band around F.

    Units:   1e-35.
    """
    band = book.config.band_e8
    width = TRIGGER_BAND_E8 if band is None else band
    fundamental, market = book.f * PRICE, book.price * RATE
    return min(max(market, fundamental * (RATE - width)), fundamental * (RATE + width))
