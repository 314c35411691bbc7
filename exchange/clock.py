"""The only place that reads the time, so that tests can move it and engines never see it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

_shift_s: ContextVar[int] = ContextVar("shift_s", default=0)


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(tz=UTC) + timedelta(seconds=_shift_s.get())


def now_s() -> int:
    """Return whole seconds since the epoch, the unit of a market's clock."""
    return int(time.time()) + _shift_s.get()


def now_ms() -> int:
    """Return whole milliseconds since the epoch, the unit of messages to browsers."""
    return time.time_ns() // 1_000_000 + _shift_s.get() * 1_000


def monotonic() -> float:
    """Return seconds on a clock that never jumps; for deadlines and durations only."""
    return time.monotonic()


def at(seconds: int) -> datetime:
    """Return the aware instant of `seconds` since the epoch."""
    return datetime.fromtimestamp(seconds, tz=UTC)


def at_ms(milliseconds: int) -> datetime:
    """Return the aware instant of `milliseconds` since the epoch, exactly."""
    return datetime.fromtimestamp(0, tz=UTC) + timedelta(milliseconds=milliseconds)


@contextmanager
def shifted(seconds: int) -> Iterator[None]:
    """Live `seconds` later (or earlier) within the block: the demonstration replays its past.

    Only this thread's clock moves. A market's own clock never goes back, whatever this says.
    """
    token = _shift_s.set(seconds)
    try:
        yield
    finally:
        _shift_s.reset(token)
