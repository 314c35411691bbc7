"""Market data to many browsers: one subscription per process, one frame for everybody.

The channel layer would wake each consumer through several tasks per message (three to five times
dearer, measured); addressed messages use it, ticks do not.
"""

import asyncio
import contextlib
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

import redis.asyncio as aioredis
import structlog
from django.conf import settings

from exchange.services.outbox import CHANNEL

RETRY_S_MAX = 5.0
# So long a socket waits to hear the broker before it is told where things stand.
HEARS_S_MAX = 1.0

# A market by its number, a session by its code.
Place = int | str

log = structlog.get_logger()


class Listener(Protocol):
    """A socket as the registry sees it."""

    async def deliver(self, place: Place, seq: int, frame: str) -> None:
        """Take a frame that was built once for everybody."""

    async def tell_standing(self) -> None:
        """Send where everything stands: frames may have been missed."""


class Registry:
    """Who listens to which market in this process, and the task that feeds them."""

    def __init__(self) -> None:
        self._listeners: defaultdict[Place, set[Listener]] = defaultdict(set)
        self._feeder: asyncio.Task[None] | None = None
        self._hears = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None

    def add(self, places: Sequence[Place], listener: Listener) -> None:
        """Start delivering those markets or sessions to `listener`."""
        for place in places:
            self._listeners[place].add(listener)
        if self._feeder is None or self._feeder.done():
            self._hears = asyncio.Event()
            self._feeder = asyncio.get_running_loop().create_task(self._feed())

    async def hears(self) -> None:
        """Wait, though not for long, until nothing published from now on can be missed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARS_S_MAX):
                await self._hears.wait()

    def remove(self, listener: Listener) -> None:
        """Forget a listener everywhere; the subscription ends with the last one."""
        for place in [p for p, who in self._listeners.items() if listener in who]:
            self._listeners[place].discard(listener)
            if not self._listeners[place]:
                del self._listeners[place]
        if not self._listeners and self._feeder:
            # The feeder itself comes here when a listener leaves while it is told something.
            if self._feeder is not asyncio.current_task():
                self._feeder.cancel()
            self._feeder = None

    async def _feed(self) -> None:
        """Hear the broker for as long as this is the task in charge.

        To be cancelled is not enough: whoever is awaited at that moment may keep it to itself, and
        every tick would then be told twice.
        """
        own, delay, lost = asyncio.current_task(), 0.1, False
        while self._feeder is own:
            try:
                async with (
                    aioredis.Redis.from_url(settings.REDIS_URL) as broker,
                    broker.pubsub() as channel,
                ):
                    await channel.subscribe(CHANNEL)
                    async for message in channel.listen():
                        if self._feeder is own and message["type"] == "subscribe":
                            self._begin(lost=lost)
                            delay, lost = 0.1, False
                        elif self._feeder is own:
                            await self._spread(message)
                        if self._feeder is not own:
                            return
            except (aioredis.RedisError, OSError) as error:
                log.warning("fanout.broker_lost", error=str(error), retry_s=delay)
                lost = True
                # jitter, so that many processes do not come back in the same instant
                await asyncio.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311
                delay = min(delay * 2, RETRY_S_MAX)

    def _begin(self, *, lost: bool) -> None:
        """Note that the broker is heard from now on; who may have missed something is told."""
        self._hears.set()
        if lost:
            self._telling = asyncio.get_running_loop().create_task(self._tell_all())

    async def _tell_all(self) -> None:
        everybody = {listener for who in self._listeners.values() for listener in who}
        for listener in everybody:
            try:
                await listener.tell_standing()
            except Exception as error:  # noqa: BLE001 (one broken socket; the others wait)
                log.warning("fanout.listener_broken", error=repr(error)[:200])

    async def _spread(self, message: dict[str, Any]) -> None:
        try:
            frame = message["data"].decode()
            head = json.loads(frame)
            place, seq = head["session" if "session" in head else "market"], head["seq"]
            listeners = list(self._listeners.get(place, ()))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            log.warning("fanout.message_broken", error=repr(error)[:200])
            return
        for listener in listeners:
            try:
                await listener.deliver(place, seq, frame)
            except Exception as error:  # noqa: BLE001 (one broken socket; the others wait)
                log.warning("fanout.listener_broken", error=repr(error)[:200])


registry = Registry()
