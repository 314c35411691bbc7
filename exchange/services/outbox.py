"""Carry news from the outbox to Redis: at least once, in order within each market.

A row is deleted only after it was published, so a publisher may be killed at any instruction. Each
message carries its market's batch number; whoever sees one twice or misses one can tell.
"""

import json
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import redis
import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection

from exchange import clock

CHANNEL = f"{settings.REDIS_PREFIX}:news"
WAKE = f"{settings.REDIS_PREFIX}:news-wake"
TAKE_MAX = 500
BELL_PATIENCE_S = 0.05
BELL_SILENCE_S = 5.0

TAKE = """
    SELECT id, market_id, seq, public, private FROM exchange_outboxevent
     ORDER BY id LIMIT %s"""
DELETE = "DELETE FROM exchange_outboxevent WHERE id = ANY(%s)"

log = structlog.get_logger()


def client() -> "redis.Redis":
    """Return a client of the broker that carries news."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)


def publish(broker: "redis.Redis") -> int:
    """Publish what waits and delete it; return how many batches went out."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [TAKE_MAX])
        rows = cursor.fetchall()
    if not rows:
        return 0
    pipe = broker.pipeline(transaction=False)
    for _, market_id, seq, public, _ in rows:
        pipe.publish(CHANNEL, _frame(market_id, seq, public))
    pipe.execute()
    _send_private((market_id, json.loads(private)) for _, market_id, _, _, private in rows)
    with connection.cursor() as cursor:
        cursor.execute(DELETE, [[row[0] for row in rows]])
    return len(rows)


def _frame(market_id: int, seq: int, public: str) -> str:
    """Build the frame once; every browser that looks at this market gets these very bytes.

    A session goes by its code, which is its invitation, and not by its number.
    """
    body = json.loads(public)
    kind = "event" if "event" in body else "tick"
    place = {} if "session" in body else {"market": market_id}
    return json.dumps({"type": kind, **place, "seq": seq, **body}, separators=(",", ":"))


def _send_private(parts: Iterable[tuple[int, dict[str, dict[str, Any]]]]) -> None:
    """Tell people their own news, in one turn of one loop: the layer connects anew for each."""
    messages = [
        (f"user.{user_id}", _own(market_id, own))
        for market_id, private in parts
        for user_id, own in private.items()
    ]
    if messages:
        async_to_sync(_send_all)(messages)


async def _send_all(messages: Sequence[tuple[str, dict[str, Any]]]) -> None:
    layer = get_channel_layer()
    if layer is not None:
        for group, message in messages:
            await layer.group_send(group, message)


def _own(market_id: int, own: dict[str, Any]) -> dict[str, Any]:
    place = {} if "session" in own else {"market": market_id}
    return {"type": "own.news", "body": {"type": "own", **place, **own}}


class Bell:
    """Tells the publisher that there is news; it looks by itself soon anyway.

    An order must never wait for Redis: the bell has a short patience, and after a failure it is
    silent for a while.
    """

    def __init__(self) -> None:
        self._broker: redis.Redis | None = None
        self._silent_until = 0.0
        self._wanted = threading.Event()
        self._ringer: threading.Thread | None = None

    def ring(self) -> None:
        """Have the publisher woken, without waiting for it."""
        self._wanted.set()
        # a fork has this object and not its thread
        if self._ringer is None or not self._ringer.is_alive():
            self._ringer = threading.Thread(target=self._serve, name="bell", daemon=True)
            self._ringer.start()

    def _serve(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            self._ring()

    def _ring(self) -> None:
        if clock.monotonic() < self._silent_until:
            return
        if self._broker is None:
            self._broker = redis.Redis.from_url(
                settings.REDIS_URL,
                socket_timeout=BELL_PATIENCE_S,
                socket_connect_timeout=BELL_PATIENCE_S,
            )
        try:
            self._broker.publish(WAKE, b"")
        except redis.RedisError as error:
            self._silent_until = clock.monotonic() + BELL_SILENCE_S
            log.warning("outbox.bell_failed", error=str(error)[:200])


bell = Bell()
