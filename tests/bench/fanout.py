"""R1: a tick to a thousand sockets of one daphne process, and an order to the last browser."""

import itertools
import json
import os
import queue
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass

from django.conf import settings

from exchange.models import LiveState
from exchange.services import outbox
from megatron import embedded
from tests.bench import place
from tests.bench.callers import Caller
from tests.bench.figures import Measure, Rounds, percentile, say
from tests.bench.web import Server

CONNECT_S_MAX = 120.0
ARRIVE_S_MAX = 20.0
# Only lets the sockets' buffers empty; ticks of one market come further apart than this.
PAUSE_S = 0.05
BARE_CHANNEL = f"{settings.REDIS_PREFIX}:bare"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is measured."""

    rounds: int
    sockets: int
    ticks: int


PACES = {
    "tiny": Pace(rounds=3, sockets=20, ticks=2),
    "quick": Pace(rounds=3, sockets=1_000, ticks=10),
    "full": Pace(rounds=5, sockets=1_000, ticks=40),
}


def measure(size: str, store: str) -> list[Measure]:
    """Return the figures; the bare loop and the site take turns tick by tick."""
    del store
    pace, found = PACES[size], Rounds()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with ExitStack() as stack:
        stage = _Stage(stack, pace.sockets)
        for number in range(pace.rounds):
            say(f"fanout: round {number + 1} of {pace.rounds}")
            stage.ticks(found, pace.ticks)
            stage.orders(found, pace.ticks)
    many = f"{pace.sockets:,}"
    return [
        found.measure("R1", f"tick to last of {many} sockets", "site last", "ms", "bare last"),
        found.measure("R1", f"tick to half of {many} sockets", "site half", "ms", "bare half"),
        found.measure("R1", f"order to last of {many} browsers, p50", "order p50", "ms"),
        found.measure("R1", f"order to last of {many} browsers, p99", "order p99", "ms"),
    ]


class _Stage:
    """Two servers with an audience each, a publisher, and somebody who trades."""

    def __init__(self, stack: ExitStack, sockets: int) -> None:
        self.broker = outbox.client()
        self.shown, self.traded = place.market(), place.market()
        self.caller = Caller(self.traded.pk, place.people(32))
        self.numbers = itertools.count(1)
        bare = Server("tests.bench.bare_fanout:application", {"BARE_CHANNEL": BARE_CHANNEL})
        markets = f"/ws/markets/?m={self.shown.pk},{self.traded.pk}"
        # Started first, so that it is settled when there is something to publish.
        stack.enter_context(_Child([sys.executable, "manage.py", "clock"]))
        say(f"fanout: {sockets:,} sockets on each server")
        self.bare = _audience(stack, bare, "/", sockets)
        self.site = _audience(stack, Server.of_the_site(), markets, sockets)

    def ticks(self, found: Rounds, count: int) -> None:
        """Publish ticks straight to Redis, in turn for the bare loop and for the site."""
        took: dict[str, list[tuple[float, float]]] = {"bare": [], "site": []}
        for _ in range(count):
            took["bare"].append(self._tick(self.bare, BARE_CHANNEL))
            took["site"].append(self._tick(self.site, outbox.CHANNEL))
        for name, times in took.items():
            found.add(f"{name} half", percentile([half for half, _ in times], 0.50))
            found.add(f"{name} last", percentile([last for _, last in times], 0.50))

    def orders(self, found: Rounds, count: int) -> None:
        """Trade, and wait until every browser has seen it.

        The time begins before the order is sent, so it is that of the commit and a little more.
        """
        times = []
        for _ in range(count):
            began = time.monotonic_ns()
            self.caller.trade()
            seq = LiveState.objects.values_list("batch_seq", flat=True).get(market=self.traded)
            times.append(self.site.arrival(self.traded.pk, seq, began)[1])
            time.sleep(PAUSE_S)
        found.add("order p50", percentile(times, 0.50))
        found.add("order p99", percentile(times, 0.99))

    def _tick(self, audience: "_Audience", channel: str) -> tuple[float, float]:
        seq = next(self.numbers)
        tick = LiveState.objects.values_list("last_tick", flat=True).get(market=self.shown)
        body = {"type": "tick", "market": self.shown.pk, "seq": seq, "tick": tick}
        frame = json.dumps(body, separators=(",", ":"))
        began = time.monotonic_ns()
        self.broker.publish(channel, frame)
        took = audience.arrival(self.shown.pk, seq, began)
        time.sleep(PAUSE_S)
        return took


class _Child:
    """A process that ends with this one."""

    def __init__(self, words: list[str]) -> None:
        self.words = words

    def __enter__(self) -> "subprocess.Popen[str]":
        self.process = subprocess.Popen(
            self.words,
            cwd=settings.BASE_DIR,
            env=os.environ,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=embedded.tied(signal.SIGTERM),  # noqa: PLW1509 (one system call)
        )
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


class _Audience:
    """What the process that holds all sockets of one server says."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said: queue.Queue[dict[str, int]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def connected(self) -> None:
        """Wait until every socket is open."""
        assert "connected" in self.said.get(timeout=CONNECT_S_MAX)

    def arrival(self, market_id: int, seq: int, began: int) -> tuple[float, float]:
        """Return the milliseconds until half of the sockets had a tick, and until all had it."""
        while True:
            line = self.said.get(timeout=ARRIVE_S_MAX)
            if (line["market"], line["seq"]) == (market_id, seq):
                return (line["half_ns"] - began) / 1e6, (line["last_ns"] - began) / 1e6

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.put(json.loads(line))


def _audience(stack: ExitStack, server: Server, path: str, sockets: int) -> _Audience:
    stack.enter_context(server)
    words = [sys.executable, "-m", "tests.bench.listeners", str(server.port), path, str(sockets)]
    audience = _Audience(stack.enter_context(_Child(words)))
    audience.connected()
    return audience
