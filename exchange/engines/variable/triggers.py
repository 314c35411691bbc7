"""The settlement loop: liquidations, stops, targets and limit orders, one event at a time."""

from collections.abc import Iterable, Iterator
from heapq import merge

from exchange.engines.engine import Refusal
from exchange.engines.rounding import clamp, div_floor
from exchange.engines.units import RATE
from exchange.engines.variable import curve
from exchange.engines.variable import frontier as fr
from exchange.engines.variable import results as to
from exchange.engines.variable.account import Account
from exchange.engines.variable.book import Book
from exchange.engines.variable.curve import PRICE
from exchange.engines.variable.frontier import Key
from exchange.engines.variable.liquidation import below_maintenance, liquidate
from exchange.engines.variable.longs import close_long
from exchange.engines.variable.orders import (
    FILL_MIN_MICRO,
    can_open,
    fill,
    fillable,
    room,
    trigger_price,
)
from exchange.engines.variable.resting import (
    BUY_INTENTS,
    OPEN_INTENTS,
    SELL_INTENTS,
    LimitOrder,
)
from exchange.engines.variable.shorts import cover_short
from exchange.engines.variable.state import ACTIVE, WINDING, Trader


def run(book: Book, seq: int) -> None:
    """Do what has become due, the most urgent first, and at most max_events times.

    An order that was refused is passed over until the next operation.

    Keeps:   I6: afterwards every short has its maintenance margin, unless `backlog` is set.
    Source:  specification, section 14.
    """
    book.list_changes()
    book.backlog = False
    if book.indexes.idle or book.status not in (ACTIVE, WINDING):
        return
    book.skipped.clear()
    for _ in range(book.config.max_events):
        done = _liquidate(book, seq) or _stop(book, seq) or _target(book, seq) or _fill(book, seq)
        book.cause, book.ref = to.COMMAND, 0
        if not done:
            return
    book.backlog = True


def _liquidate(book: Book, seq: int) -> bool:
    entry = book.indexes[fr.SHORTS].head()
    if entry is None:
        return False
    short = entry[1]
    assert isinstance(short, Trader)
    if not below_maintenance(book, short.escrow_micro, -short.shares_nano):
        return False
    book.begin()
    liquidate(book, book.account(short.id), seq)
    book.list_changes()
    return True


def _stop(book: Book, seq: int) -> bool:
    trigger = None
    oldest: Trader | None = None
    for name, side in ((fr.LONG_STOPS, 1), (fr.SHORT_STOPS, -1)):
        if book.indexes[name].empty:
            continue
        for _, row in book.indexes[name].walk():
            assert isinstance(row, Trader)
            assert row.stop_pico is not None
            if trigger is None:
                trigger = trigger_price(book)
            if (row.stop_pico * PRICE * RATE - trigger) * side < 0:
                break
            if oldest is None or row.position_id < oldest.position_id:
                oldest = row
    if oldest is None:
        return False
    _close(book, seq, oldest, abs(oldest.shares_nano), to.STOP)
    return True


def _target(book: Book, seq: int) -> bool:
    oldest: tuple[Trader, int] | None = None
    for name, side in ((fr.LONG_TARGETS, 1), (fr.SHORT_TARGETS, -1)):
        if book.indexes[name].empty:
            continue
        for _, row in book.indexes[name].walk():
            assert isinstance(row, Trader)
            assert row.target_pico is not None
            gap = (book.price - row.target_pico * PRICE) * side
            if gap < 0:
                break
            shares = _target_shares(book, row, gap)
            if shares and (oldest is None or row.position_id < oldest[0].position_id):
                oldest = row, shares
    if oldest is None:
        return False
    _close(book, seq, *oldest, to.TARGET)
    return True


def _target_shares(book: Book, row: Trader, gap: int) -> int:
    """Return the shares that may be closed without passing the target."""
    held = abs(row.shares_nano)
    shares = held if book.k == 0 else clamp(div_floor(gap, book.k), 0, held)
    if shares in (0, held):
        return shares
    value = curve.proceeds if row.shares_nano > 0 else curve.cost
    return shares if value(book.price, book.k, shares) >= FILL_MIN_MICRO else 0


def _close(book: Book, seq: int, row: Trader, shares: int, cause: str) -> None:
    book.begin()
    account = book.account(row.id)
    book.cause, book.ref = cause, account.position
    close_position(book, account, seq, shares)
    book.list_changes()


def close_position(book: Book, account: Account, seq: int, shares: int) -> to.Fill:
    """Close shares of whatever the account holds."""
    closing = close_long if account.shares > 0 else cover_short
    return closing(book, account, seq, shares)


def _fill(book: Book, seq: int) -> bool:
    for intents in (BUY_INTENTS, SELL_INTENTS):
        found = [intent for intent in intents if not book.indexes[intent].empty]
        if found and _fill_one(book, seq, merge(*[_within_reach(book, name) for name in found])):
            return True
    return False


# a limit order's key, the order, and the shares that its price and the band leave room for
Reach = tuple[Key, LimitOrder, int]


def _fill_one(book: Book, seq: int, within_reach: Iterable[Reach]) -> bool:
    """Fill the first order that can be filled, and park those before it that nobody need ask."""
    aside: list[LimitOrder] = []
    filled = False
    for _, order, most in within_reach:
        if order.id in book.skipped:
            continue
        account = _peek(book, order.trader)
        if book.blocks(account, order):
            aside.append(order)
            continue
        shares = fillable(book, account, order, most)
        filled = shares > 0 and _filled(book, seq, order, shares)
        if filled:
            break
    if aside:
        book.park(aside)
    return filled


def _within_reach(book: Book, intent: str) -> Iterator[Reach]:
    """Yield the orders that may have room to fill, the best price first.

    The room shrinks from order to order. Where it is too small for any opening leg, be it for the
    order's price or for the band, nothing behind can open either; so a full band hides all.
    """
    opens = intent in OPEN_INTENTS
    if opens and not _takes_opens(book):
        return
    for key, row in book.indexes[intent].walk():
        assert isinstance(row, LimitOrder)
        most = room(book, row)
        # without a slope the room is the order itself, and says nothing of those behind
        if most == 0 or (opens and book.k and not can_open(book, intent, most)):
            return
        yield key, row, most


def _takes_opens(book: Book) -> bool:
    return book.status == ACTIVE and book.now_s - book.last_oracle_s <= book.config.max_stale_s


def _peek(book: Book, key: int) -> Account:
    """Return an account without a note for `undo`: nothing is changed."""
    account = book.account(key)
    book.journal.pop()
    return account


def _filled(book: Book, seq: int, order: LimitOrder, shares: int) -> bool:
    book.begin()
    book.cause, book.ref = to.LIMIT, order.id
    try:
        fill(book, seq, order, shares)
    except Refusal:
        book.undo()
        book.skipped.add(order.id)
        return False
    book.list_changes()
    return True
