"""Committed opens: legs that only the band refused and that wait for the next oracle event."""

from collections.abc import Sequence
from dataclasses import replace

from exchange.engines.engine import Refusal
from exchange.engines.variable import frontier as fr
from exchange.engines.variable import limits
from exchange.engines.variable import results as to
from exchange.engines.variable.account import Account
from exchange.engines.variable.book import Book
from exchange.engines.variable.commands import Buy, Sell
from exchange.engines.variable.longs import Terms, open_long
from exchange.engines.variable.resting import (
    CANCELLED,
    EXPIRED,
    FAILED,
    FILLED,
    OPEN_LONG,
    OPEN_SHORT,
    CommittedOrder,
)
from exchange.engines.variable.results import Fill
from exchange.engines.variable.shorts import open_short


def commit_buy(  # noqa: PLR0917 (what is left of a command, as its legs have left it)
    book: Book,
    account: Account,
    command: Buy,
    amount: int | None,
    shares: int | None,
    legs: Sequence[Fill],
) -> int:
    """Set the most that the leg may cost aside and return the id of the order.

    Raises:  Refusal.
    Source:  specification, section 12.
    """
    spent = sum(leg.value_micro + leg.fee_micro for leg in legs)
    bought = sum(leg.shares_nano for leg in legs)
    reserved = amount
    if reserved is None:
        if command.max_cost_micro is None:
            raise Refusal("args", reason="a committed number of shares needs max_cost")
        reserved = command.max_cost_micro - spent
    elif command.max_cost_micro is not None and spent + reserved > command.max_cost_micro:
        most = command.max_cost_micro
        raise Refusal("slippage", cost_micro=spent + reserved, cost_max_micro=most)
    if reserved <= 0:
        raise Refusal("slippage", cost_micro=spent, cost_max_micro=command.max_cost_micro or 0)
    return _rest(
        book,
        account,
        command.seq,
        CommittedOrder(
            id=book.next_id(),
            trader=account.id,
            intent=OPEN_LONG,
            amount_micro=amount,
            shares_nano=shares,
            reserved_micro=reserved,
            shares_min_nano=max(0, (command.min_shares_nano or 0) - bought),
            placed_s=book.now_s,
        ),
    )


def commit_sell(book: Book, account: Account, command: Sell, shares: int) -> int:
    """Set the margin aside, out of which the fees will be paid too, and return the order's id.

    Raises:  Refusal.
    Source:  specification, section 12.
    """
    if not command.max_margin_micro:
        raise Refusal("args", reason="a committed short needs max_margin")
    return _rest(
        book,
        account,
        command.seq,
        CommittedOrder(
            id=book.next_id(),
            trader=account.id,
            intent=OPEN_SHORT,
            amount_micro=None,
            shares_nano=shares,
            reserved_micro=command.max_margin_micro,
            extra_micro=command.extra_micro,
            placed_s=book.now_s,
        ),
    )


def _rest(book: Book, account: Account, seq: int, order: CommittedOrder) -> int:
    book.reserve(seq, account, order.reserved_micro)
    book.rest(order)
    return order.id


def pending(book: Book) -> list[CommittedOrder]:
    """Return the committed orders, oldest first."""
    rows = (row for _, row in book.indexes[fr.COMMITS].walk())
    return [row for row in rows if isinstance(row, CommittedOrder)]


def expired(book: Book, order: CommittedOrder) -> bool:
    """Return whether an order has waited for longer than it may."""
    return book.now_s - order.placed_s > book.config.commit_ttl_s


def expire(book: Book, seq: int) -> int:
    """Give the reserve of every order that is too old back and return how many there were."""
    stale: list[CommittedOrder] = []
    for _, row in book.indexes[fr.COMMITS].walk():
        if not isinstance(row, CommittedOrder) or not expired(book, row):
            break
        stale.append(row)
    for order in stale:
        end(book, seq, order, EXPIRED)
    return len(stale)


def execute(book: Book, seq: int, order: CommittedOrder) -> None:
    """Do what an order waited for, under all conditions but the band; it ends either way.

    Source:  specification, section 12.
    """
    if expired(book, order):
        end(book, seq, order, EXPIRED)
        return
    book.begin()
    book.cause, book.ref = to.COMMIT, order.id
    try:
        _open(book, seq, order)
    except Refusal:
        book.undo()
        end(book, seq, order, FAILED)
    book.cause, book.ref = to.COMMAND, 0


def _open(book: Book, seq: int, order: CommittedOrder) -> None:
    account = book.account(order.trader)
    end(book, seq, order, FILLED)
    limits.require_opens_allowed(book, account)
    terms = Terms(banded=False, budget_micro=order.reserved_micro, extra_micro=order.extra_micro)
    if order.intent == OPEN_LONG:
        _require_side(account, 1)
        fill = open_long(book, account, seq, order.amount_micro, order.shares_nano, terms)
        if fill.shares_nano < order.shares_min_nano:
            raise Refusal("slippage", shares_nano=fill.shares_nano)
    else:
        _require_side(account, -1)
        assert order.shares_nano is not None
        open_short(book, account, seq, order.shares_nano, terms)


def _require_side(account: Account, side: int) -> None:
    if account.shares * side < 0:
        raise Refusal("exists", held_nano=account.shares)


def end(book: Book, seq: int, order: CommittedOrder, status: str = CANCELLED) -> None:
    """Give an order's reserve back and close it."""
    account = book.account(order.trader)
    book.reserve(seq, account, -order.reserved_micro)
    book.rest(replace(order, status=status, reserved_micro=0))
