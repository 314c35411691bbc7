"""When a withdrawal that waits in a pool's queue will be paid: a forecast, day by day."""

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.units import RATE

DAY_S = 86_400
DAYS_MAX = 3_650


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A request in the queue: its units, and when it was placed."""

    units_nano: int
    placed_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What the limits of a pool are now; the rest is assumed to stay as it is.

    `room_micro` may still be paid today, `free_micro` at all without weakening open positions.
    """

    now_s: int
    equity_micro: int
    units_nano: int
    room_micro: int
    free_micro: int
    daily_cap_e8: int
    delay_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When the first part is paid and when the last, in seconds; None for not in sight."""

    first_s: int | None
    last_s: int | None


@dataclass(slots=True)
class _Day:
    """The pool as the forecast walks through the days."""

    at_s: int
    equity: int
    units: int
    room: int
    free: int


def forecast(pool: Pool, queue: Sequence[Waiting]) -> Forecast:
    """Return when the last of `queue`, which stands in its order, is paid.

    A request is paid once it is older than the delay, as far as the day's room and the free
    capital reach; a day's room is the daily cap of the equity at the day's start, and nobody is
    skipped.

    Rounds:  what a request is worth up, so that no date is too early.
    """
    day = _Day(pool.now_s, pool.equity_micro, pool.units_nano, pool.room_micro, pool.free_micro)
    first = None
    for request in queue:
        _move_to(day, pool, request.placed_s + pool.delay_s + 1)
        first = None
        left = request.units_nano
        while left > 0:
            paid = _pay(day, left)
            if paid and first is None:
                first = day.at_s
            left -= paid
            if left > 0 and not _next_day(day, pool):
                return Forecast(first_s=first if request is queue[-1] else None, last_s=None)
    return Forecast(first_s=first, last_s=day.at_s if queue else None)


def _pay(day: _Day, units: int) -> int:
    """Pay as many of the units as the room and the capital allow; return how many."""
    if day.equity <= 0 or day.units <= 0:
        return 0
    within = div_floor(min(day.room, day.free) * day.units, day.equity)
    paid = min(units, within)
    amount = min(div_ceil(paid * day.equity, day.units), day.room, day.free)
    day.room -= amount
    day.free -= amount
    day.equity -= amount
    day.units -= paid
    return paid


def _next_day(day: _Day, pool: Pool) -> bool:
    """Go on to the start of the next day; say no where waiting would not help."""
    start = (div_floor(day.at_s, DAY_S) + 1) * DAY_S
    _move_to(day, pool, start)
    in_sight = start - pool.now_s <= DAYS_MAX * DAY_S
    return in_sight and min(day.room, day.free) * day.units >= day.equity > 0


def _move_to(day: _Day, pool: Pool, at_s: int) -> None:
    """Let time pass; a new day brings new room."""
    if at_s <= day.at_s:
        return
    if div_floor(at_s, DAY_S) != div_floor(day.at_s, DAY_S):
        day.room = div_floor(pool.daily_cap_e8 * max(0, day.equity), RATE)
    day.at_s = at_s
