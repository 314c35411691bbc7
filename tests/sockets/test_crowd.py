"""Many browsers on one process: each hears every tick, in order, and soon."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from websockets.asyncio.client import connect

from tests.factories import active_market, buy, funded_user
from tests.faults.scale import scaled
from tests.faults.site import Web

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300), pytest.mark.usefixtures("books")]

SOCKETS = scaled(100, 500)
TICKS = 10
LATE_S_MAX = 5.0


class Crowd:
    """The browsers, and when each heard what."""

    def __init__(self, port: int, market: int) -> None:
        self.port, self.market = port, market
        self.heard: list[list[int]] = [[] for _ in range(SOCKETS)]
        self.last: list[float] = [0.0] * SOCKETS
        self.open = 0

    def run(self, begin: Callable[[], float]) -> float:
        """Open everybody, call `begin` when all listen; return the latest hearing after it."""
        return asyncio.run(self._run(begin))

    async def _run(self, begin: Callable[[], float]) -> float:
        async with asyncio.timeout(120):
            tasks = [asyncio.create_task(self._listen(n)) for n in range(SOCKETS)]
            while self.open < SOCKETS:
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.5)
            began = await asyncio.to_thread(begin)
            await asyncio.gather(*tasks)
        return max(self.last) - began

    async def _listen(self, number: int) -> None:
        line: Any = connect(
            f"ws://127.0.0.1:{self.port}/ws/markets/?m={self.market}",
            origin=f"http://127.0.0.1:{self.port}",  # type: ignore[arg-type]
            open_timeout=60,
            ping_interval=None,
            proxy=None,
        )
        async with line as socket:
            self.open += 1
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "tick":
                    self.heard[number].append(message["seq"])
                    self.last[number] = time.monotonic()
                elif message["type"] == "heartbeat":
                    await socket.send(json.dumps({"ack": len(self.heard[number])}))
                if len(self.heard[number]) == TICKS:
                    return


def test_everybody_hears_every_tick(web: Web, publish: Callable[[], int]) -> None:
    market, user = active_market(), funded_user("1000")
    publish()
    crowd, first = Crowd(web.port, market.pk), market.live.batch_seq + 1

    def begin() -> float:
        for _ in range(TICKS):
            buy(user, market, "5")
        began = time.monotonic()
        publish()
        connection.close()
        return began

    late_s = crowd.run(begin)

    assert crowd.heard == [list(range(first, first + TICKS))] * SOCKETS
    assert late_s < LATE_S_MAX, f"the last of {SOCKETS} heard it after {late_s:.2f} s"
