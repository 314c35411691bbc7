"""A wire between two programs that can be slow, silent, or cut after any byte."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

PIECE_BYTES = 65_536
Place = tuple[str, int] | Path


@dataclass(frozen=True, kw_only=True)
class Cut:
    """After how many bytes a connection ends, on the way there or on the way back."""

    there: int | None = None
    back: int | None = None


WHOLE = Cut()


class TcpProxy:
    """Listens at `place` (a free port of loopback, or a socket file) and passes bytes to `target`.

    `delay_s` and `silent` hold for every connection from now on; `plan` decides about the cuts of
    each new one.
    """

    def __init__(self, target: Place, place: Place = ("127.0.0.1", 0)) -> None:
        self.target, self.place = target, place
        self.plan: Callable[[], Cut] = lambda: WHOLE
        self.delay_s = 0.0
        self.silent = False
        self.cuts = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Return the port it listens at."""
        return int(self._server.sockets[0].getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        if isinstance(self.place, Path):
            return await asyncio.start_unix_server(self._serve, self.place)
        return await asyncio.start_server(self._serve, *self.place)

    async def _end(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        ends = [writer]
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                there, back = await self._open()
                ends.append(back)
                cut = self.plan()
                pumps = {
                    asyncio.create_task(self._pump(reader, back, cut.there)),
                    asyncio.create_task(self._pump(there, writer, cut.back)),
                }
                try:
                    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for pump in pumps:
                        pump.cancel()
        finally:
            for end in ends:
                # at once and for good: what is not yet sent is lost, as with a cut cable
                end.transport.abort()
            self._tasks.discard(task)

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(self.target)
        return await asyncio.open_connection(*self.target)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, left: int | None
    ) -> None:
        while piece := await source.read(PIECE_BYTES):
            await asyncio.sleep(self.delay_s)
            while self.silent:
                await asyncio.sleep(0.05)
            sink.write(piece if left is None else piece[:left])
            await sink.drain()
            if left is not None:
                left -= len(piece)
                if left <= 0:
                    # let the last bytes arrive before the connection is gone
                    await asyncio.sleep(0.01)
                    self.cuts += 1
                    return
