"""The settlement loop: liquidations, stops, targets and limit orders, one event at a time."""

from exchange.engines.engine import Refusal
from exchange.engines.rounding import clamp, div_floor
from exchange.engines.units import RATE
from exchange.engines.variable import curve
from exchange.engines.variable import frontier as fr
from exchange.engines.variable import results as to
from exchange.engines.variable.account import Account
from exchange.engines.variable.book import Book
from exchange.engines.variable.curve import PRICE
from exchange.engines.variable.liquidation import below_maintenance, liquidate
from exchange.engines.variable.longs import close_long
from exchange.engines.variable.orders import FILL_MIN_MICRO, fill, fillable, trigger_price
from exchange.engines.variable.resting import OPEN_INTENTS, LimitOrder
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
    for name, side in ((fr.BUYS, 1), (fr.SELLS, -1)):
        for _, row in book.indexes[name].walk():
            assert isinstance(row, LimitOrder)
            if (row.price_pico * PRICE - book.price) * side < 0:
                break
            if row.id in book.skipped or not _may_open(book, row):
                continue
            shares = fillable(book, _peek(book, row.trader), row)
            if shares and _filled(book, seq, row, shares):
                return True
    return False


def _may_open(book: Book, order: LimitOrder) -> bool:
    """Return whether the market takes opens at all; asked first, it spares a try for each order."""
    if order.intent not in OPEN_INTENTS:
        return True
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
