"""The websocket of a page: snapshot, ticks, own news, heartbeat. It only improves the page."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, NoReturn
from urllib.parse import parse_qs

import structlog
from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.exceptions import DenyConnection, StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.sessions.backends.db import SessionStore

from exchange import clock
from exchange.fanout import Place, registry
from exchange.models import LiveState, Market

HEARTBEAT_S = 5.0
MARKETS_MAX = 50
FRAME_LENGTH_MAX = 1_024
# A page answers a heartbeat with one frame.
FRAMES_PER_BEAT_MAX = 200
UNANSWERED_MAX = 3
BEHIND_MAX = 512

CLOSE_MALFORMED = 4400
CLOSE_SIGNED_OUT = 4401
CLOSE_SLOW = 4408
CLOSE_FLOOD = 4429
CLOSE_TROUBLE = 4503

log = structlog.get_logger()


class MarketConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One browser looking at some markets.

    The client answers each heartbeat with the number of frames it has read. Who is far behind
    gets only the newest frame of each market until it has caught up; who is silent is closed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.places: Sequence[Place] = ()
        self.user_id: int | None = None
        self.sent = self.read = self.heard = self.unanswered = 0
        self.newest: dict[Place, str] = {}
        self.heart: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the socket to its end; however that comes, nothing of it stays behind."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            registry.remove(self)
            if self.heart:
                self.heart.cancel()
            if self.user_id is not None:
                await self.channel_layer.group_discard(f"user.{self.user_id}", self.channel_name)

    async def connect(self) -> None:
        """Accept, subscribe, and send where each market stands."""
        self.places = await self.asked_for()
        await self.accept()
        user = self.scope.get("user")
        if user and user.is_authenticated:
            await self.become(user.pk)
        registry.add(self.places, self)
        # what is published between the two would be missed, and a quiet market is quiet for long
        await registry.hears()
        await self.tell_standing()
        self.heart = asyncio.create_task(self._heartbeat())

    async def become(self, user_id: int) -> None:
        """Hear this user's own news from now on."""
        self.user_id = user_id
        await self.channel_layer.group_add(f"user.{user_id}", self.channel_name)

    async def asked_for(self) -> Sequence[Place]:
        """Return what the browser wants to hear of. Raises DenyConnection."""
        query = parse_qs(self.scope["query_string"].decode("ascii", "replace"))
        parts = query.get("m", [""])[0].split(",")
        if len(parts) > MARKETS_MAX or not all(p.isascii() and p.isdigit() for p in parts):
            raise DenyConnection
        return sorted({int(p) for p in parts if len(p) < 19})  # noqa: PLR2004 (bigint)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Read an acknowledgement; anything else, or too many, end the socket with a code."""
        self.heard += 1
        if self.heard > FRAMES_PER_BEAT_MAX:
            await self.end(CLOSE_FLOOD)
        read = acknowledged(text_data)
        if read is None:
            await self.end(CLOSE_MALFORMED)
        if read > self.sent:
            return  # to count what was never sent is no answer
        self.unanswered = 0
        self.read = max(self.read, read)
        await self._catch_up()

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close, and deliver no more."""
        registry.remove(self)
        await super().close(code, reason)

    async def end(self, code: int) -> NoReturn:
        """Close, and leave unread whatever the browser has sent since."""
        await self.close(code)
        raise StopConsumer

    async def deliver(self, place: Place, seq: int, frame: str) -> None:
        """Send a frame built once, or keep only the newest for a reader who is behind."""
        if self.sent - self.read >= BEHIND_MAX:
            self.newest[place] = frame
            return
        self.sent += 1
        await self.send(text_data=frame)

    async def tell_standing(self) -> None:
        """Send where everything stands."""
        await self.send(text_data=await database_sync_to_async(self.snapshot)())

    async def own_news(self, event: dict[str, Any]) -> None:
        """Send the user's own fills and balance."""
        await self.send(text_data=json.dumps(event["body"]))

    async def _catch_up(self) -> None:
        if self.sent - self.read < BEHIND_MAX and self.newest:
            frames, self.newest = list(self.newest.values()), {}
            for frame in frames:
                self.sent += 1
                await self.send(text_data=frame)

    async def _heartbeat(self) -> None:
        """Beat until there is a reason to close. Without a heart the socket would never end."""
        code = None
        while code is None:
            await asyncio.sleep(HEARTBEAT_S)
            try:
                code = await self._beat()
            except Exception as error:  # noqa: BLE001 (who cannot be looked after has to go)
                log.warning("socket.heart_failed", error=repr(error)[:200])
                code = CLOSE_TROUBLE
        await self.close(code)

    async def _beat(self) -> int | None:
        if self.unanswered >= UNANSWERED_MAX:
            return CLOSE_SLOW
        if self.user_id is not None and not await self.still_signed_in():
            return CLOSE_SIGNED_OUT
        self.heard = 0
        self.unanswered += 1
        body = {"type": "heartbeat", "server_ms": clock.now_ms(), "sent": self.sent}
        await self.send(text_data=json.dumps(body))
        return None

    async def still_signed_in(self) -> bool:
        """A socket must not outlive its session (logout, password change, deactivation)."""
        user = await get_user({"session": SessionStore(self.scope["session"].session_key)})
        return bool(user.is_authenticated and user.is_active and user.pk == self.user_id)

    def snapshot(self) -> str:
        """Return where everything that was asked for stands."""
        rows = LiveState.objects.filter(
            market_id__in=self.places, market__kind=Market.Kind.VARIABLE
        )
        markets = {
            str(pk): {"seq": seq, "tick": tick}
            for pk, seq, tick in rows.values_list("market_id", "batch_seq", "last_tick")
        }
        return json.dumps({"type": "snapshot", "server_ms": clock.now_ms(), "markets": markets})


def acknowledged(text: str | None) -> int | None:
    """Return how many frames the browser says it has read, or None if it says something else."""
    if text is None or len(text) > FRAME_LENGTH_MAX:
        return None
    try:
        count = json.loads(text)["ack"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return count if type(count) is int else None  # a yes or no is an int as well
