"""Units of an active market: minting, burning at once, and the queue that nobody can jump."""

from dataclasses import replace

from exchange.engines.engine import Refusal
from exchange.engines.rounding import div_floor
from exchange.engines.units import RATE
from exchange.engines.variable import frontier as fr
from exchange.engines.variable.book import Book
from exchange.engines.variable.commands import (
    Contribute,
    ProcessQueue,
    QueueWithdrawal,
    WithdrawNow,
)
from exchange.engines.variable.curve import TWICE
from exchange.engines.variable.limits import require_open_for_trading
from exchange.engines.variable.resting import CANCELLED, FILLED, Withdrawal
from exchange.engines.variable.results import Applied, Payout
from exchange.engines.variable.state import ACTIVE, SETTLED, WINDING, Cohort, Provider
from exchange.engines.variable.vesting import vested_of

# nano units in a micro-USDC at par
UNITS_OF_PAR = 1000


def mint(book: Book, command: Contribute) -> Applied:
    """Take a deposit into an active market for units at the equity of this moment.

    Rounds:  the units down, so that equity per unit never falls.
    Raises:  Refusal.
    Source:  specification, section 16.
    """
    amount, equity = command.amount_micro, book.equity_exact
    floor = book.config.nav_min_e8 * book.units * TWICE
    if book.clamped or book.units == 0 or equity * RATE * UNITS_OF_PAR < floor:
        raise Refusal(
            "impaired",
            clamped=int(book.clamped),
            equity_micro=div_floor(equity, TWICE),
            units_nano=book.units,
        )
    units = div_floor(amount * TWICE * book.units, equity)
    if units == 0:
        raise Refusal("too_small", value_micro=amount)
    book.spend(command.seq, book.account(command.trader), amount)
    book.pay_pool(command.seq, amount)
    book.capital += amount
    book.units += units
    was = _harvested(book, command.trader)
    book.keep(
        replace(
            was,
            units_nano=was.units_nano + units,
            cohorts=(*was.cohorts, Cohort(units, book.now_s)),
        )
    )
    return Applied("contribute", {"amount_micro": amount, "units_nano": units, "activated": False})


def withdraw_now(book: Book, command: WithdrawNow) -> Applied:
    """Burn units at once, within all limits; in a settled market there are none.

    Rounds:  the payment down.
    Raises:  Refusal, with the most that passes the limit in the way.
    Source:  specification, section 16.
    """
    units = command.units_nano
    was = _harvested(book, command.trader)
    available = _require_available(book, was, units)
    amount = worth(book, units)
    if book.status != SETTLED:
        today = was.instant_nano if was.instant_day == book.day else 0
        _require_limits(book, available + today, today, units, amount)
        was = replace(was, instant_day=book.day, instant_nano=today + units)
    book.spend(command.seq, book.account(command.trader), -amount)
    left = replace(was, units_nano=was.units_nano - units, cohorts=_taken(book, was, units))
    _burn(book, command.seq, left, units, amount)
    book.payouts.append(Payout(command.seq, command.trader, None, units, amount))
    return Applied("withdraw", {"units_nano": units, "amount_micro": amount})


def _require_available(book: Book, provider: Provider, units: int) -> int:
    if book.status not in (ACTIVE, WINDING, SETTLED):
        raise Refusal("not_active", status=book.status)
    if units <= 0:
        raise Refusal("args", reason="units above zero are required")
    available = _available(book, provider)
    if units > available:
        raise Refusal("not_vested", units_nano=units, units_max_nano=available)
    return available


def _available(book: Book, provider: Provider) -> int:
    if book.status == SETTLED:
        return provider.units_nano - provider.locked_nano
    return sum(
        vested_of(book.config, book.activated_s, cohort, book.now_s) for cohort in provider.cohorts
    )


def _require_limits(book: Book, base: int, today: int, units: int, amount: int) -> None:
    if book.indexes[fr.QUEUE].head() is not None:
        raise Refusal("queue_first", units_nano=units)
    most = div_floor(book.config.instant_frac_e8 * base, RATE) - today
    if units > most:
        raise Refusal("instant_limit", units_nano=units, units_max_nano=max(0, most))
    for code, room in (("daily_cap", day_room(book)), ("free_capital", free_capital(book))):
        if amount > room:
            fitting = units_within(book, room)
            raise Refusal(code, amount_micro=amount, amount_max_micro=room, units_max_nano=fitting)


def day_room(book: Book) -> int:
    """Return what may still be paid to providers today.

    Units:   micro-USDC.
    """
    whole = div_floor(book.config.daily_cap_e8 * max(0, book.e_day), RATE)
    return max(0, whole - book.paid_day)


def free_capital(book: Book) -> int:
    """Return what providers may take without weakening the longs.

    Units:   micro-USDC.
    Rounds:  down.
    """
    kept = 2 * book.config.kappa_keep_e8 * book.long * book.price
    return max(0, div_floor(book.free_exact * RATE - kept, RATE * TWICE))


def worth(book: Book, units: int) -> int:
    """Return what burning units pays now.

    Units:   nano units in, micro-USDC out.
    Rounds:  down.
    """
    return div_floor(units * max(0, book.equity_exact), book.units * TWICE) if book.units else 0


def units_within(book: Book, amount: int) -> int:
    """Return the most units whose worth, before it is rounded, stays within an amount.

    Units:   micro-USDC in, nano units out.
    Rounds:  down.
    """
    equity = book.equity_exact
    return div_floor(amount * TWICE * book.units, equity) if equity > 0 else 0


def _harvested(book: Book, key: int) -> Provider:
    """Return a provider whose fees are counted up to now, as before any change of units."""
    was = book.provider(key)
    earned = was.units_nano * (book.acc - was.acc_paid)
    return replace(was, owed=was.owed + earned, acc_paid=book.acc)


def _taken(book: Book, provider: Provider, units: int) -> tuple[Cohort, ...]:
    """Return the cohorts after units were taken, from the oldest first."""
    cohorts, left = [], units
    for cohort in provider.cohorts:
        room = (
            cohort.units_nano - cohort.taken_nano
            if book.status == SETTLED
            else vested_of(book.config, book.activated_s, cohort, book.now_s)
        )
        part = min(room, left)
        left -= part
        cohorts.append(replace(cohort, taken_nano=cohort.taken_nano + part))
    return _pruned(cohorts, provider.locked_nano)


def _pruned(cohorts: list[Cohort], locked: int) -> tuple[Cohort, ...]:
    """Drop cohorts that are used up; while units are locked they may still come back."""
    if locked:
        return tuple(cohorts)
    return tuple(cohort for cohort in cohorts if cohort.taken_nano < cohort.units_nano)


def _burn(book: Book, seq: int, left: Provider, units: int, amount: int) -> None:
    book.pay_pool(seq, -amount)
    book.capital -= amount
    book.units -= units
    if book.status != SETTLED:
        book.paid_day += amount
    book.keep(left)


def queue(book: Book, command: QueueWithdrawal) -> Applied:
    """Lock vested units and put a request at the end of the queue.

    Raises:  Refusal.
    Source:  specification, section 16.
    """
    units = command.units_nano
    was = _harvested(book, command.trader)
    _require_available(book, was, units)
    request = Withdrawal(
        id=book.next_id(), trader=command.trader, units_nano=units, placed_s=book.now_s
    )
    locked = was.locked_nano + units
    cohorts = _taken(book, replace(was, locked_nano=locked), units)
    book.keep(replace(was, locked_nano=locked, cohorts=cohorts))
    book.rest(request)
    return Applied("queue_withdrawal", {"id": request.id, "units_nano": units})


def unlock(book: Book, request: Withdrawal) -> None:
    """Take a request out of the queue; its units return to the youngest cohorts first."""
    was, left = book.provider(request.trader), request.units_nano
    cohorts = []
    for cohort in reversed(was.cohorts):
        part = min(cohort.taken_nano, left)
        left -= part
        cohorts.append(replace(cohort, taken_nano=cohort.taken_nano - part))
    locked = was.locked_nano - request.units_nano
    kept = _pruned(cohorts[::-1], locked)
    book.keep(replace(was, locked_nano=locked, cohorts=kept))
    book.rest(replace(request, status=CANCELLED))


def process(book: Book, command: ProcessQueue) -> Applied:
    """Pay the queue from its head; a request paid in part stays the head and ends the round.

    Rounds:  units and payments down.
    Source:  specification, section 16.
    """
    if book.status != SETTLED:
        require_open_for_trading(book)
    paid = count = 0
    rows = [row for _, row in book.indexes[fr.QUEUE].walk() if isinstance(row, Withdrawal)]
    for request in rows:
        age_s = book.now_s - request.placed_s
        if book.status != SETTLED and age_s <= book.config.queue_delay_s:
            break
        units = _payable(book, request.units_nano)
        if units == 0:
            break
        paid, count = paid + _pay(book, command.seq, request, units), count + 1
        if units < request.units_nano:
            break
    return Applied("process_queue", {"requests": count, "paid_micro": paid})


def _payable(book: Book, units: int) -> int:
    if book.status == SETTLED:
        return units
    return min(units, units_within(book, min(day_room(book), free_capital(book))))


def _pay(book: Book, seq: int, request: Withdrawal, units: int) -> int:
    amount = worth(book, units)
    was = _harvested(book, request.trader)
    locked = was.locked_nano - units
    left = replace(
        was,
        units_nano=was.units_nano - units,
        locked_nano=locked,
        cohorts=_pruned(list(was.cohorts), locked),
    )
    book.spend(seq, book.account(request.trader), -amount)
    _burn(book, seq, left, units, amount)
    rest = request.units_nano - units
    status = request.status if rest else FILLED
    book.rest(replace(request, units_nano=rest, status=status))
    book.payouts.append(Payout(seq, request.trader, request.id, units, amount))
    return amount
