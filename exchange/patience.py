"""How long one request may wait for others, in all: the database, its pool, a market's carrier.

Waits are counted, not the time between them: a page that computes long on a busy machine is not
refused for it, yet with the database slow or silent everybody is told within seconds. Work outside
a request (tasks, the clock, commands) has no such limit, only one for each wait.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from exchange import clock


class _Rest:
    """What is left; one object for all threads and tasks that serve the same request."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


_rest: ContextVar[_Rest | None] = ContextVar("rest", default=None)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Let everything within the block wait for at most `seconds` in all."""
    token = _rest.set(_Rest(seconds))
    try:
        yield
    finally:
        _rest.reset(token)


def left_s(most_s: float) -> float:
    """Return for how long one may wait now: `most_s`, or what is left where that is less."""
    rest = _rest.get()
    return most_s if rest is None else max(0.0, min(most_s, rest.seconds))


@contextmanager
def waiting(most_s: float) -> Iterator[float]:
    """Give for how long the block may wait, and count how long it did."""
    rest = _rest.get()
    if rest is None:
        yield most_s
        return
    began = clock.monotonic()
    try:
        yield left_s(most_s)
    finally:
        rest.seconds -= clock.monotonic() - began
