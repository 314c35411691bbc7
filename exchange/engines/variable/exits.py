"""Timed exits: a position that is closed in chunks, one per interval."""

from dataclasses import replace

from exchange.engines.engine import Refusal
from exchange.engines.rounding import div_floor
from exchange.engines.variable import frontier as fr
from exchange.engines.variable import results as to
from exchange.engines.variable.book import Book
from exchange.engines.variable.commands import RunExits, StartExit
from exchange.engines.variable.curve import PRICE
from exchange.engines.variable.limits import require_open_for_trading
from exchange.engines.variable.resting import CANCELLED, FILLED, TimedExit
from exchange.engines.variable.results import Applied
from exchange.engines.variable.triggers import close_position


def start(book: Book, command: StartExit) -> Applied:
    """Start a timed exit; an account has at most one in a market.

    Raises:  Refusal.
    Source:  specification, section 13.
    """
    require_open_for_trading(book)
    account = book.account(command.trader)
    sizes = (command.shares_nano, command.chunks, command.interval_s)
    if min(sizes) <= 0 or (command.guard_pico is not None and command.guard_pico <= 0):
        raise Refusal("args", reason="shares, chunks, interval and guard must be above zero")
    if command.shares_nano > abs(account.shares):
        raise Refusal("no_position", asked_nano=command.shares_nano, held_nano=abs(account.shares))
    if account.exit_id:
        raise Refusal("exists", ref=account.exit_id)
    item = TimedExit(
        id=book.next_id(),
        trader=account.id,
        position=account.position,
        shares_nano=command.shares_nano,
        chunks=command.chunks,
        interval_s=command.interval_s,
        due_s=book.now_s,
        guard_pico=command.guard_pico,
    )
    account.exit_id = item.id
    book.rest(item)
    return Applied("timed_exit", {"id": item.id})


def run_due(book: Book, command: RunExits) -> Applied:
    """Close the chunks that are due; a chunk that the guard forbids waits one more interval."""
    require_open_for_trading(book)
    return Applied("run_exits", {"exits": run(book, command.seq)})


def run(book: Book, seq: int) -> int:
    """Close what is due and return how many chunks were closed."""
    due: list[TimedExit] = []
    for _, row in book.indexes[fr.EXITS].walk():
        assert isinstance(row, TimedExit)
        if row.due_s > book.now_s:
            break
        due.append(row)
    return sum(_run_one(book, seq, item) for item in due)


def _run_one(book: Book, seq: int, item: TimedExit) -> bool:
    account = book.account(item.trader)
    if account.exit_id != item.id or account.shares == 0:
        book.rest(replace(item, status=CANCELLED))
        return False
    later = book.now_s + item.interval_s
    side = 1 if account.shares > 0 else -1
    if item.guard_pico is not None and (book.price - item.guard_pico * PRICE) * side < 0:
        book.rest(replace(item, due_s=later))
        return False
    share = div_floor(item.shares_nano, item.chunks)
    shares = min(item.shares_nano if item.chunks == 1 else share, abs(account.shares))
    left = replace(item, shares_nano=item.shares_nano - shares, chunks=item.chunks - 1, due_s=later)
    if left.chunks == 0 or left.shares_nano == 0:
        account.exit_id = 0
        left = replace(left, status=FILLED)
    book.rest(left)
    if shares:
        book.cause, book.ref = to.TIMED_EXIT, item.id
        close_position(book, account, seq, shares)
        book.cause, book.ref = to.COMMAND, 0
    return shares > 0
