"""The limit for fan-out: an ASGI application that hands one subscription to every socket."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import redis.asyncio as aioredis

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

_open: set[Send] = set()
_feeders: list["asyncio.Task[None]"] = []


async def application(scope: Event, receive: Receive, send: Send) -> None:
    """Accept a websocket and keep it until it goes; nothing is checked and nothing is kept."""
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    if not _feeders:
        _feeders.append(asyncio.create_task(_feed()))
    _open.add(send)
    try:
        while (await receive())["type"] != "websocket.disconnect":
            pass
    finally:
        _open.discard(send)


async def _feed() -> None:
    broker = aioredis.Redis.from_url(os.environ["REDIS_URL"])
    async with broker, broker.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(os.environ["BARE_CHANNEL"])
        async for message in channel.listen():
            event = {"type": "websocket.send", "text": message["data"].decode()}
            for send in list(_open):
                await send(event)
