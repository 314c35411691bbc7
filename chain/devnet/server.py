"""Serves a node on loopback: requests by POST, requests and subscriptions by WebSocket."""

import asyncio
import ipaddress
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from chain.devnet import genesis, jsonrpc
from chain.devnet.chain import Chain
from chain.devnet.dev_methods import DEV_METHODS
from chain.devnet.journal import Journal, JournalBroken
from chain.devnet.methods import METHODS
from chain.devnet.node import LogLimits, Node
from chain.devnet.subscriptions import Subscriber
from exchange import clock

HOST, PORT = "127.0.0.1", 8545
BODY_BYTES_MAX = 4 * 1024 * 1024
# Short enough to notice soon that mining was switched on.
LOOK_S = 0.05
_ALL = METHODS | DEV_METHODS


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a node is started; port zero takes a free one, block time zero mines when told."""

    host: str = HOST
    port: int = PORT
    block_time: float = 1.0
    journal: Path | None = None
    # Between blocks once many have been empty; nothing means the same time as ever.
    idle_time: float = 0.0
    safe_lag: int = 8
    finalized_lag: int = 16
    limits: LogLimits = field(default_factory=LogLimits)
    clock: Callable[[], int] = clock.now_s


def serve(options: Options, *, ready: Callable[[str], None] = lambda _: None) -> None:
    """Run a node until it is told to stop by SIGTERM or SIGINT; `ready` is told its address.

    Raises:  JournalBroken where the journal cannot be followed, OSError where the port is taken.
    """
    asyncio.run(_serve_until_told(options, ready))


def node_of(options: Options) -> Node:
    """Return a node with our contracts in its first block and its journal repeated."""
    # A second is the unit of a block's time: blocks made more often share it.
    step = 0 if 0 < options.block_time < 1 else 1
    chain = Chain(genesis.rules(time_step=step), clock=options.clock)
    genesis.begin(chain)
    if options.journal is not None:
        try:
            chain.set_journal(Journal(options.journal))
        except JournalBroken:
            chain.close()
            raise
    return Node(
        chain=chain,
        safe_lag=options.safe_lag,
        finalized_lag=options.finalized_lag,
        block_time=options.block_time,
        idle_time=options.idle_time,
        limits=options.limits,
    )


@asynccontextmanager
async def running(
    options: Options, *, stopped: Callable[[], None] = lambda: None
) -> AsyncIterator[tuple[str, Node]]:
    """Keep a node running, and say where it listens; `stopped` is told when it mines no more."""
    if not ipaddress.ip_address(options.host).is_loopback:
        raise ValueError(f"{options.host} is not a loopback address; anybody could mine and mint")
    node = node_of(options)
    runner = web.AppRunner(_application(node), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port)
    await site.start()
    miner = asyncio.create_task(_mine_for_ever(node))
    miner.add_done_callback(lambda _: stopped())
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}", node
        if miner.done():
            miner.result()
    finally:
        miner.cancel()
        await runner.cleanup()
        node.chain.close()


async def _serve_until_told(options: Options, ready: Callable[[str], None]) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    async with running(options, stopped=told.set) as (url, _):
        ready(url)
        await told.wait()


async def _mine_for_ever(node: Node) -> None:
    last, empty = clock.monotonic(), 0
    while True:
        now = clock.monotonic()
        wait = node.wait(empty_blocks=empty)
        if node.block_time > 0 and now - last >= wait:
            empty = 0 if node.chain.mine().receipts else empty + 1
            # After a pause the blocks that were missed are not made up for.
            last = max(last + wait, now - wait)
        left = last + wait - clock.monotonic()
        await asyncio.sleep(min(LOOK_S, left) if left > 0 else 0.0 if node.block_time else LOOK_S)


def _application(node: Node) -> web.Application:
    async def post(request: web.Request) -> web.StreamResponse:
        _check_caller(request)
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="application/json is expected")
        body = jsonrpc.answer(await request.read(), _handler(node))
        return web.Response(body=body, content_type="application/json")

    async def socket(request: web.Request) -> web.StreamResponse:
        _check_caller(request)
        if not web.WebSocketResponse().can_prepare(request).ok:
            raise web.HTTPMethodNotAllowed("GET", ["POST"])
        return await _talk(node, request)

    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.add_routes([web.post("/", post), web.get("/", socket, allow_head=False)])
    return app


def _check_caller(request: web.Request) -> None:
    """Refuse pages of other sites: a browser would carry their requests to loopback."""
    origin = request.headers.get("Origin")
    names = [request.url.host, *([urlsplit(origin).hostname] if origin else [])]
    if not all(_is_here(name) for name in names):
        raise web.HTTPForbidden(text="only this machine may ask")


def _is_here(name: str | None) -> bool:
    try:
        return name == "localhost" or ipaddress.ip_address(name or "").is_loopback
    except ValueError:
        return False


def _handler(node: Node, subscriber: Subscriber | None = None) -> jsonrpc.Handler:
    own = subscriber.methods() if subscriber else {}

    def handle(name: str, params: list[object]) -> object:
        if name in own:
            return own[name](params)
        method = _ALL.get(name)
        if method is None:
            raise jsonrpc.unknown_method(name)
        return method(node, params)

    return handle


async def _talk(node: Node, request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(max_msg_size=BODY_BYTES_MAX, heartbeat=30.0)
    await socket.prepare(request)
    subscriber = Subscriber(node.chain)
    sender = asyncio.create_task(_send(socket, subscriber))
    handle = _handler(node, subscriber)
    try:
        async for message in socket:
            if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                break
            subscriber.put(jsonrpc.answer(message.data, handle))
    finally:
        subscriber.close()
        sender.cancel()
    return socket


async def _send(socket: web.WebSocketResponse, subscriber: Subscriber) -> None:
    while True:
        text = await subscriber.next_message()
        if text is None:
            # It reads too slowly; it can come again and ask for what it missed.
            await socket.close(code=1013, message=b"too slow")
            return
        await socket.send_str(text)
