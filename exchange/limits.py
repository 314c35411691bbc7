"""Limits per account and per address, kept in Redis as one number each: when the next may come.

Each limit is a leaky bucket (the generic cell rate algorithm) moved by one script in one round
trip, on Redis's own clock, so that any number of web processes share it. A lost Redis leaves
reading and trading open, for closing a position must always be possible; what makes keys or moves
money out waits until it is back.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import redis
import structlog
from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

from exchange import clock
from exchange.errors import TooMany, Unavailable

# Many people may share an address, so a signed-in one has this many times the room of an account.
ADDRESS_FACTOR = 5
CLOSED_WITHOUT = frozenset({"money", "token"})
PERIODS_US = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
RATE = re.compile(r"^(\d+)/(s|m|min|h|d)(?: burst (\d+))?$", re.ASCII)
TIMEOUT_S = 0.25
# After a failure Redis is left alone for so long: a slow one must not slow every request.
PAUSE_S = 1.0

SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local next = {}
for i, key in ipairs(KEYS) do
    local interval, tolerance = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    local at = math.max(tonumber(redis.call('GET', key) or 0), now)
    if at + interval - tolerance > now then
        return at + interval - tolerance - now
    end
    next[i] = at + interval
end
for i, key in ipairs(KEYS) do
    redis.call('SET', key, string.format('%.0f', next[i]), 'PX', math.ceil((next[i] - now) / 1000))
end
return 0
"""
# how Redis names a script it has seen; no secret hangs on it
SCRIPT_SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()

# An address, or none where it does not count, and whose account it is, if anybody's.
Caller = tuple[str | None, int | None]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Rate:
    """One request per interval on average, and so many at once."""

    interval_us: int
    burst: int

    def times(self, factor: int) -> "Rate":
        """Return a rate with `factor` times the room."""
        return Rate(max(1, self.interval_us // factor), self.burst * factor)


@lru_cache(maxsize=64)
def parsed(text: str) -> Rate:
    """Return "20/s burst 60" as a rate; without a burst, a whole period's count may come at once.

    Raises:  ValueError for any other form.
    """
    match = RATE.match(text)
    if match is None or not int(match[1]):
        raise ValueError(f"{text!r} is not a rate like 20/s burst 60")
    count = int(match[1])
    return Rate(PERIODS_US[match[2][0]] // count, int(match[3] or count))


def take(scope: str, address: str | None, account: int | None = None) -> float | None:
    """Count one request; return None if it may pass, else the seconds until it may.

    Without an address only the account counts: who takes part in a session has been let in, and
    a whole hall may sit behind one address.

    Raises:  Unavailable when Redis is away and the scope is closed without it.
    """
    return take_all(scope, [(address, account)])[0]


def take_all(scope: str, callers: Sequence[Caller]) -> list[float | None]:
    """Count a request of each address and account in one round trip, as `take` does one."""
    rate = parsed(cast("dict[str, str]", api_settings.DEFAULT_THROTTLE_RATES)[scope])
    try:
        waits_us = _ask(scope, [_buckets(rate, *caller) for caller in callers])
    except (redis.RedisError, OSError) as error:
        _breaker.open()
        log.warning("throttle.store_lost", error=str(error)[:200])
        waits_us = None
    if waits_us is None and scope in CLOSED_WITHOUT:
        words = "the limits cannot be checked right now; try again"
        raise Unavailable(words, code="busy", fields={"limit": scope})
    return [us / 1_000_000 if us else None for us in waits_us or [0] * len(callers)]


def address_of(request: HttpRequest) -> str:
    """Return the address that a request is counted under; proxies of ours are seen through."""
    return BaseThrottle().get_ident(cast("Request", request))


def count(scope: str, request: HttpRequest, account: int | None = None) -> None:
    """Count one request where no view of the framework does. Raises TooMany, Unavailable."""
    waited_s = take(scope, address_of(request), account)
    if waited_s is not None:
        raise too_many(waited_s)


def too_many(waited_s: float | None) -> TooMany:
    """Return the refusal of a request that came too soon, with when it may come again."""
    wait_s = max(1, -(-int((waited_s or 0) * 1_000) // 1_000))
    return TooMany(f"too many requests; come back in {wait_s} s", fields={"retry_after_s": wait_s})


def _buckets(rate: Rate, address: str | None, account: int | None) -> dict[str, Rate]:
    if account is None:
        return {f"a:{address}": rate}
    if address is None:
        return {f"u:{account}": rate}
    return {f"u:{account}": rate, f"s:{address}": rate.times(ADDRESS_FACTOR)}


def _ask(scope: str, callers: Sequence[dict[str, Rate]]) -> list[int] | None:
    """Return the microseconds that each has to wait, or None while Redis is left alone."""
    if _breaker.is_open():
        return None
    head = f"{settings.CACHES['default']['KEY_PREFIX']}:throttle:{scope}:"
    broker = _client()
    try:
        return _sent(broker, head, callers)
    except redis.exceptions.NoScriptError:
        broker.script_load(SCRIPT)  # nothing was counted: a server has the script or has it not
        return _sent(broker, head, callers)


def _sent(broker: "redis.Redis", head: str, callers: Sequence[dict[str, Rate]]) -> list[int]:
    pipe = broker.pipeline(transaction=False)
    for buckets in callers:
        keys = [head + name for name in buckets]
        given = [
            figure
            for rate in buckets.values()
            for figure in (rate.interval_us, rate.interval_us * rate.burst)
        ]
        pipe.evalsha(SCRIPT_SHA, len(keys), *keys, *given)
    return [int(waited) for waited in pipe.execute()]


class _Breaker:
    """Remembers a failure for a moment."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = 0.0

    def open(self) -> None:
        self._until = clock.monotonic() + PAUSE_S

    def is_open(self) -> bool:
        return clock.monotonic() < self._until


_breaker = _Breaker()


@lru_cache(maxsize=1)
def _client() -> "redis.Redis":
    return redis.Redis.from_url(
        settings.CACHES["default"]["LOCATION"],
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )
