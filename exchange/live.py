"""Signs of life: each process says now and then that its loop still turns, in Redis, with an end.

Losing them costs a report, never a fact: nothing but health pages and start-up checks reads them.
"""

import contextlib
import os
import socket
import threading
from functools import lru_cache

import redis
from django.conf import settings

from exchange import clock

PARTS = ("web", "clock", "worker", "beat", "bots", "chain")
# Beat's loop turns every five seconds at the slowest; three missed turns are a death.
LIFETIME_S = 16
PERIOD_S = 2.0

_marked: dict[str, float] = {}


def mark(part: str) -> None:
    """Say that `part` is alive in this process; cheap enough for every turn of a loop.

    A Redis that is away is not the caller's trouble, so nothing is raised.
    """
    now = clock.monotonic()
    if now - _marked.get(part, -PERIOD_S) < PERIOD_S:
        return
    _marked[part] = now
    name = f"{_prefix()}{part}:{name_of(os.getpid())}"
    with contextlib.suppress(redis.RedisError, OSError):
        _client().set(name, clock.now_ms(), ex=LIFETIME_S)


def keep(part: str) -> None:
    """Mark `part` from a thread of this process, for main loops that are not ours."""
    threading.Thread(target=_keep, args=(part,), name="signs-of-life", daemon=True).start()


def processes() -> dict[str, set[str]]:
    """Return the names of each part's processes that gave a sign lately.

    Raises:  redis.RedisError.
    """
    found: dict[str, set[str]] = {part: set() for part in PARTS}
    for name in _client().scan_iter(match=f"{_prefix()}*", count=1000):
        part, _, process = name.decode().removeprefix(_prefix()).partition(":")
        found.setdefault(part, set()).add(process)
    return found


def name_of(pid: int) -> str:
    """Return the name under which a process of this host gives its signs."""
    return f"{socket.gethostname()}:{pid}"


def _keep(part: str) -> None:
    pause = threading.Event()
    while not pause.wait(PERIOD_S):
        mark(part)


def _prefix() -> str:
    return f"{settings.REDIS_PREFIX}:live:"


@lru_cache(maxsize=1)
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
