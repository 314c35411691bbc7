"""R1, R2: a tick to all sockets of one daphne process, and an order to the last browser."""

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
from typing import NamedTuple

import redis
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
# R2: how far the ticks of a site with a crowd come apart.
CROWD_TICK_S = 2.0
BARE_CHANNEL = f"{settings.REDIS_PREFIX}:bare"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is measured."""

    rounds: int
    sockets: int
    ticks: int
    crowd: int = 0
    crowd_ticks: int = 10


PACES = {
    "tiny": Pace(rounds=3, sockets=20, ticks=2, crowd=30, crowd_ticks=1),
    "quick": Pace(rounds=3, sockets=1_000, ticks=10),
    "full": Pace(rounds=5, sockets=1_000, ticks=40, crowd=5_000),
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
    crowd = [] if not pace.crowd else _crowd(found, pace)
    return [
        *crowd,
        found.measure("R1", f"tick to last of {many} sockets", "site last", "ms", "bare last"),
        found.measure("R1", f"tick to half of {many} sockets", "site half", "ms", "bare half"),
        found.measure("R1", f"order to last of {many} browsers, p50", "order p50", "ms"),
        found.measure("R1", f"order to last of {many} browsers, p99", "order p99", "ms"),
    ]


def _crowd(found: Rounds, pace: Pace) -> list[Measure]:
    """Send a tick each two seconds to a crowd on one daphne; an arrival is that of every socket."""
    broker, market = outbox.client(), place.market()
    with ExitStack() as stack:
        say(f"fanout: {pace.crowd:,} sockets on one server")
        path = f"/ws/markets/?m={market.pk}"
        crowd = _audience(stack, Server.of_the_site(), path, pace.crowd)
        numbers = itertools.count(1)
        for _ in range(pace.rounds):
            slowest, last = [], []
            for _ in range(pace.crowd_ticks):
                arrival = _tick(broker, crowd, market.pk, outbox.CHANNEL, next(numbers))
                slowest.append(arrival.slow_ms)
                last.append(arrival.last_ms)
                time.sleep(max(0.0, CROWD_TICK_S - arrival.last_ms / 1e3))
            found.add("crowd p99", max(slowest))
            found.add("crowd last", max(last))
    many = f"{pace.crowd:,}"
    return [
        found.measure("R2", f"tick to 99 % of {many} sockets, slowest tick", "crowd p99", "ms"),
        found.measure("R2", f"tick to last of {many} sockets, slowest tick", "crowd last", "ms"),
    ]


class Arrival(NamedTuple):
    """The milliseconds until half, 99 in a hundred and all of the sockets had a tick."""

    half_ms: float
    slow_ms: float
    last_ms: float


def _tick(
    broker: redis.Redis, audience: "_Audience", market_id: int, channel: str, seq: int
) -> Arrival:
    tick = LiveState.objects.values_list("last_tick", flat=True).get(market=market_id)
    body = {"type": "tick", "market": market_id, "seq": seq, "tick": tick}
    frame = json.dumps(body, separators=(",", ":"))
    began = time.monotonic_ns()
    broker.publish(channel, frame)
    return audience.arrival(market_id, seq, began)


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
        took: dict[str, list[Arrival]] = {"bare": [], "site": []}
        turns = (("bare", self.bare, BARE_CHANNEL), ("site", self.site, outbox.CHANNEL))
        for _ in range(count):
            for name, audience, channel in turns:
                seq = next(self.numbers)
                took[name].append(_tick(self.broker, audience, self.shown.pk, channel, seq))
                time.sleep(PAUSE_S)
        for name, times in took.items():
            found.add(f"{name} half", percentile([one.half_ms for one in times], 0.50))
            found.add(f"{name} last", percentile([one.last_ms for one in times], 0.50))

    def orders(self, found: Rounds, count: int) -> None:
        """Trade, and wait until every browser has seen it.

        The time begins before the order is sent, so it is that of the commit and a little more.
        """
        times = []
        for _ in range(count):
            began = time.monotonic_ns()
            self.caller.trade()
            seq = LiveState.objects.values_list("batch_seq", flat=True).get(market=self.traded)
            times.append(self.site.arrival(self.traded.pk, seq, began).last_ms)
            time.sleep(PAUSE_S)
        found.add("order p50", percentile(times, 0.50))
        found.add("order p99", percentile(times, 0.99))


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

    def arrival(self, market_id: int, seq: int, began: int) -> Arrival:
        """Wait until every socket had a tick; return how long after `began` they had it."""
        while True:
            line = self.said.get(timeout=ARRIVE_S_MAX)
            if (line["market"], line["seq"]) == (market_id, seq):
                times = (line["half_ns"], line["slow_ns"], line["last_ns"])
                return Arrival(*((at - began) / 1e6 for at in times))

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
