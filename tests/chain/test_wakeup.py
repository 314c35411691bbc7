"""A socket that tells of new heads wakes the follower; without it the poll does the same, later."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from chain.models import Network
from chain.services import follow
from chain.services.scanner import Report
from exchange import live
from tests.patience import PATIENCE_S

LONG_S = 10 * PATIENCE_S


class Heads:
    """An endpoint's socket: whoever subscribes hears of a head when the test says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.open: list[ServerConnection] = []
        self.arrived = threading.Semaphore(0)
        self.server: Server = serve(self._serve, "127.0.0.1", 0)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.socket.getsockname()[1]}"

    def _serve(self, channel: ServerConnection) -> None:
        self.asked.append(str(channel.recv()))
        channel.send('{"jsonrpc":"2.0","id":1,"result":"0x1"}')
        self.open.append(channel)
        self.arrived.release()
        for _ in channel:
            raise AssertionError("a follower asks for nothing more")

    def tell(self) -> None:
        self.open[-1].send('{"jsonrpc":"2.0","method":"eth_subscription","params":{}}')


@pytest.fixture
def heads() -> Iterator[Heads]:
    found = Heads()
    yield found
    found.server.shutdown()


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Return what counts the passes of a follower without a world."""
    done = threading.Semaphore(0)

    def advance(_: follow.Follower, __: Network) -> Report:
        done.release()
        return Report()

    monkeypatch.setattr(follow.Follower, "advance", advance)
    monkeypatch.setattr(follow.Follower, "make_ahead", lambda _: None)
    monkeypatch.setattr(follow.Follower, "release", lambda _: None)
    monkeypatch.setattr(live, "mark", lambda _: None)
    monkeypatch.setattr(follow, "close_old_connections", lambda: None)
    monkeypatch.setattr(follow, "RETRY_S", 0.05)
    return done


@pytest.fixture
def begin(heads: Heads, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, float], None]]:
    """Return what starts a follower of one network; it ends with the test."""
    stop, threads = threading.Event(), list[threading.Thread]()

    def start(heads: str, poll_s: float) -> None:
        network = Network(pk=1, name="Local", heads=heads)
        monkeypatch.setattr(follow, "networks", lambda: [network])
        monkeypatch.setattr(follow, "POLL_S", poll_s)
        threads.append(threading.Thread(target=follow.follow, args=(stop,), daemon=True))
        threads[0].start()

    yield start
    stop.set()
    with contextlib.suppress(IndexError, ConnectionClosed):
        heads.tell()  # who waits for long is woken to see that it is over
    threads[0].join(PATIENCE_S)
    assert not threads[0].is_alive()


def test_a_head_is_followed_at_once(
    heads: Heads, passes: threading.Semaphore, begin: Callable[[str, float], None]
) -> None:
    begin(heads.url, LONG_S)
    assert passes.acquire(timeout=PATIENCE_S)
    assert heads.arrived.acquire(timeout=PATIENCE_S)
    assert heads.asked == [follow.SUBSCRIBE]
    assert passes.acquire(timeout=PATIENCE_S)  # the answer to the subscription wakes it too

    for _ in range(3):
        heads.tell()
        assert passes.acquire(timeout=PATIENCE_S), "nobody woke"


def test_a_socket_that_died_is_opened_anew(
    heads: Heads, passes: threading.Semaphore, begin: Callable[[str, float], None]
) -> None:
    begin(heads.url, 0.1)
    for _ in range(3):
        assert heads.arrived.acquire(timeout=PATIENCE_S), "the socket stayed dead"
        heads.open[-1].close()


def test_without_a_socket_the_poll_suffices(
    passes: threading.Semaphore, begin: Callable[[str, float], None]
) -> None:
    begin("http://127.0.0.1:9", 0.05)
    for _ in range(5):
        assert passes.acquire(timeout=PATIENCE_S)
