"""The websocket of a page: snapshot, ticks, own news, heartbeat. It only improves the page."""

import asyncio
import contextlib
import json
from typing import Any
from urllib.parse import parse_qs

from asgiref.sync import sync_to_async
from channels.auth import get_user
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.sessions.backends.db import SessionStore

from exchange import clock
from exchange.fanout import registry
from exchange.models import LiveState

HEARTBEAT_S = 5.0
MARKETS_MAX = 50
FRAME_BYTES_MAX = 1_024
UNANSWERED_MAX = 3
BEHIND_MAX = 512

CLOSE_MALFORMED = 4400
CLOSE_SLOW = 4408
CLOSE_SIGNED_OUT = 4401


class MarketConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One browser looking at some markets.

    The client answers each heartbeat with the number of frames it has read. Who is far behind
    gets only the newest frame of each market until it has caught up; who is silent is closed.
    """

    async def connect(self) -> None:
        """Accept, subscribe, and send where each market stands."""
        self.ready = False
        market_ids = self._asked_for()
        if market_ids is None:
            await self.close(CLOSE_MALFORMED)
            return
        self.market_ids = market_ids
        self.sent = self.read = 0
        self.unanswered = 0
        self.newest: dict[int, str] = {}
        user = self.scope.get("user")
        self.user_id: int | None = user.pk if user and user.is_authenticated else None
        await self.accept()
        self.ready = True
        if self.user_id is not None:
            await self.channel_layer.group_add(f"user.{self.user_id}", self.channel_name)
        registry.add(self.market_ids, self)
        await self.send(text_data=await sync_to_async(self._snapshot)())
        self.beat = asyncio.create_task(self._heartbeat())

    def _asked_for(self) -> list[int] | None:
        query = parse_qs(self.scope["query_string"].decode("ascii", "replace"))
        parts = query.get("m", [""])[0].split(",")
        if len(parts) > MARKETS_MAX or not all(p.isascii() and p.isdigit() for p in parts):
            return None
        return sorted({int(p) for p in parts if len(p) < 19})  # noqa: PLR2004 (bigint)

    async def disconnect(self, code: int) -> None:
        """Leave everything behind."""
        if not self.ready:
            return
        registry.remove(self)
        if hasattr(self, "beat"):
            self.beat.cancel()
        if self.user_id is not None:
            await self.channel_layer.group_discard(f"user.{self.user_id}", self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Read an acknowledgement; anything else closes the socket with a code."""
        if text_data is None or len(text_data) > FRAME_BYTES_MAX:
            await self.close(CLOSE_MALFORMED)
            return
        try:
            read = json.loads(text_data)["ack"]
        except (ValueError, KeyError, TypeError):
            await self.close(CLOSE_MALFORMED)
            return
        if not isinstance(read, int) or isinstance(read, bool):
            await self.close(CLOSE_MALFORMED)
            return
        self.unanswered = 0
        self.read = min(max(self.read, read), self.sent)
        await self._catch_up()

    async def deliver(self, market_id: int, seq: int, frame: str) -> None:
        """Send a frame built once, or keep only the newest for a reader who is behind."""
        if self.sent - self.read >= BEHIND_MAX:
            self.newest[market_id] = frame
            return
        self.sent += 1
        await self.send(text_data=frame)

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
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(HEARTBEAT_S)
                if self.unanswered >= UNANSWERED_MAX:
                    await self.close(CLOSE_SLOW)
                    return
                if self.user_id is not None and not await self._still_signed_in():
                    await self.close(CLOSE_SIGNED_OUT)
                    return
                self.unanswered += 1
                body = {"type": "heartbeat", "server_ms": clock.now_ms(), "sent": self.sent}
                await self.send(text_data=json.dumps(body))

    async def _still_signed_in(self) -> bool:
        """A socket must not outlive its session (logout, password change, deactivation)."""
        user = await get_user({"session": SessionStore(self.scope["session"].session_key)})
        return bool(user.is_authenticated and user.is_active and user.pk == self.user_id)

    def _snapshot(self) -> str:
        rows = LiveState.objects.filter(market_id__in=self.market_ids)
        markets = {
            str(pk): {"seq": seq, "tick": tick}
            for pk, seq, tick in rows.values_list("market_id", "batch_seq", "last_tick")
        }
        return json.dumps({"type": "snapshot", "server_ms": clock.now_ms(), "markets": markets})
