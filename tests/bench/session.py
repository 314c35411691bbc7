"""S1: a session's crowd over HTTP: orders, ticks, pages, and what each process had to do for it."""

import os
import resource
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psutil  # type: ignore[import-untyped]  # it ships no types

from exchange.models import Command, OutboxEvent, OutcomeTick, Session
from exchange.services import outbox
from exchange.services.sessions import lobby
from tests.bench import place, seats
from tests.bench.children import Child, is_tick
from tests.bench.cpu import Meter
from tests.bench.figures import Measure, Rounds, percentile, say
from tests.bench.web import Server

INTERVAL_MS = 1_000
CONNECT_S_MAX = 120.0
RUN_S_MAX = 600.0
# A little before the first round, for the server makes its connections and plans then.
WARM_S = 2.0
SETTLE_S_MAX = 60.0
# A rate holds where hardly an order came later than a second after it was due.
KEPT_SHARE = 0.99
PAGE_MS_MAX = 500.0
PARTS = ("web", "clock", "PostgreSQL", "Valkey", "callers", "browsers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is measured; where the rate does not hold, the next lower one is tried."""

    joined: int
    browsers: int
    rate: int
    rounds: int
    seconds: float
    lower: tuple[int, ...] = ()
    lower_s: float = 20.0


PACES = {
    "tiny": Pace(joined=6, browsers=3, rate=4, rounds=3, seconds=1.0),
    "quick": Pace(
        joined=300, browsers=100, rate=100, rounds=3, seconds=5.0, lower=(50, 25), lower_s=5.0
    ),
    "full": Pace(
        joined=2_000,
        browsers=300,
        rate=500,
        rounds=3,
        seconds=40.0,
        lower=(300, 200, 150, 100, 75, 50, 25),
    ),
}


def measure(size: str, store: str) -> list[Measure]:
    """Return the figures of the rate that is wanted, and the highest that holds."""
    del store
    pace, found = PACES[size], Rounds()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # what the site refuses is counted here; its log of it would bury the progress
    os.environ.setdefault("LOG_LEVEL", "CRITICAL")
    with ExitStack() as stack:
        stage = _Stage(stack, pace)
        stage.run(max(1, pace.rate // 10), min(pace.seconds, WARM_S))
        for number in range(pace.rounds):
            say(f"session: {pace.rate} orders a second, round {number + 1} of {pace.rounds}")
            stage.run(pace.rate, pace.seconds).add_to(found)
        told = stage.totals()
        held = pace.rate if _held(found) else stage.highest(pace.lower, pace.lower_s)
        stage.check()
    place.require_clean_books()
    return _measures(found, pace, told, held)


def _held(found: Rounds) -> bool:
    return (
        found.median("kept") >= KEPT_SHARE
        and found.median("tick p99") < INTERVAL_MS
        and found.median("page p99") < PAGE_MS_MAX
    )


def _measures(found: Rounds, pace: Pace, told: dict[str, float], held: int) -> list[Measure]:
    words = f"{pace.joined:,} joined, {pace.rate} orders a second"
    figures = [
        ("orders answered in a second", "per_s", "1/s"),
        ("orders answered within a second", "kept", "share"),
        ("HTTP answer, p50", "http p50", "ms"),
        ("HTTP answer, p99", "http p99", "ms"),
        ("tick, p50", "tick p50", "ms"),
        ("tick, p99", "tick p99", "ms"),
        ("end of the tick to its commit, p99", "late p99", "ms"),
        ("page update, p50", "page p50", "ms"),
        ("page update, p99", "page p99", "ms"),
        *((f"CPU of {part}", part, "cores") for part in PARTS),
    ]
    named = [found.measure("S1", f"{words}, {case}", name, unit) for case, name, unit in figures]
    totals = [
        Measure(measure="S1", case=f"{words}, {case}", value=value, unit="", rounds=pace.rounds)
        for case, value in told.items()
    ]
    best = Measure(
        measure="S1",
        case=f"{pace.joined:,} joined, highest rate that held",
        value=held,
        unit="1/s",
        rounds=pace.rounds,
    )
    return [*named, *totals, best]


class Tick(NamedTuple):
    """When a tick began, was durable, and was due, and when browsers had it."""

    took_ms: float
    late_ms: float
    half_ms: float | None
    slow_ms: float | None


@dataclass(slots=True)
class Run:
    """What some seconds of a crowd came to."""

    asked: int
    took_s: float
    times_ms: list[float]
    ticks: list[Tick]
    cores: dict[str, float] = field(default_factory=dict)

    @property
    def kept(self) -> float:
        """The share of orders that were answered within a second from when they were due."""
        return sum(t < INTERVAL_MS for t in self.times_ms) / self.asked

    def add_to(self, found: Rounds) -> None:
        """Note the figures of this round."""
        found.add("per_s", len(self.times_ms) / self.took_s)
        found.add("kept", self.kept)
        for part, cores in self.cores.items():
            found.add(part, cores)
        half = [tick.half_ms for tick in self.ticks if tick.half_ms is not None]
        slow = [tick.slow_ms for tick in self.ticks if tick.slow_ms is not None]
        for name, samples, share in (
            ("http p50", self.times_ms, 0.50),
            ("http p99", self.times_ms, 0.99),
            ("tick p50", [tick.took_ms for tick in self.ticks], 0.50),
            ("tick p99", [tick.took_ms for tick in self.ticks], 0.99),
            ("late p99", [tick.late_ms for tick in self.ticks], 0.99),
            ("page p50", half, 0.50),
            ("page p99", slow, 0.99),
        ):
            found.add(name, percentile(samples, share))


class _Stage:
    """A session, its people and browsers, the site's processes, and what they said."""

    def __init__(self, stack: ExitStack, pace: Pace) -> None:
        say(f"session: {pace.joined:,} people join")
        self.session = seats.opened(money=Session.Money.PLAY, batch_ms=INTERVAL_MS)
        tokens = seats.joined(self.session, pace.joined)
        place.refresh_statistics()
        self.meter, self.broker = Meter(), outbox.client()
        self.clock = stack.enter_context(Child("tests.bench.timed_clock"))
        self.web = stack.enter_context(Server.of_the_site())
        # browsers that came now would be behind with the news of everybody who joined
        _wait_until(lambda: not OutboxEvent.objects.exists(), "the news is never published")
        port, code = str(self.web.port), self.session.code
        path = f"/ws/sessions/{code}/"
        words = ("tests.bench.listeners", port, path, str(pace.browsers))
        self.browsers = stack.enter_context(Child(*words))
        self.callers = stack.enter_context(Child("tests.bench.crowd", port, code))
        self.callers.tell(tokens[: pace.rate])
        for child in (self.browsers, self.callers):
            assert "connected" in child.hear(CONNECT_S_MAX)
        lobby.session_start(host=self.session.host, session=self.session)
        self.session.refresh_from_db()
        self.answered: list[int] = []
        self.refused: Counter[str] = Counter()
        self.commits: dict[int, dict[str, int]] = {}
        self.arrivals: dict[int, dict[str, int]] = {}
        self.late = 0

    def run(self, count: int, seconds: float) -> Run:
        """Let people ask for so long, wait until everything was settled, and look at it."""
        first, used = self._ticks().count(), self._used()
        self.callers.tell({"count": count, "seconds": seconds})
        said = self.callers.hear(RUN_S_MAX)
        used = {part: after - used[part] for part, after in self._used().items()}
        self._settled()
        self.answered, took_s = said["answered"], said["took_s"]
        self.refused.update(said["refused"])
        run = Run(
            asked=said["asked"],
            took_s=took_s,
            times_ms=said["times_ms"],
            ticks=self._new_ticks(first),
            cores={part: seconds / took_s for part, seconds in used.items()},
        )
        say(f"session: {len(run.times_ms) / took_s:.0f} answered a second, {run.kept:.0%} in time")
        return run

    def highest(self, rates: tuple[int, ...], seconds: float) -> int:
        """Return the highest of some rates that holds, or 0."""
        for rate in rates:
            say(f"session: {rate} orders a second instead")
            found = Rounds()
            self.run(rate, seconds).add_to(found)
            if _held(found):
                return rate
        return 0

    def totals(self) -> dict[str, float]:
        """Return what was counted over all rounds so far."""
        rows = Command.objects.filter(market_id=self.session.market_id, kind="order")
        codes = Counter(rows.filter(accepted=False).values_list("result__code", flat=True))
        spoken = {f"answered {code} and sent again": n for code, n in self.refused.items()}
        newest = self._ticks().order_by("-seq").values_list("number", flat=True).first() or 0
        oldest = self._ticks().order_by("seq").values_list("number", flat=True).first() or 0
        return {
            "orders answered": sum(self.answered),
            "orders in the log": rows.count(),
            **{f"refused by the tick: {code}": count for code, count in codes.items()},
            **spoken,
            "ticks": self._ticks().count(),
            "ticks more than an interval late": self.late,
            "numbers of ticks without an order": newest - oldest + 1 - self._ticks().count(),
        }

    def check(self) -> None:
        """Stop if an answered order is not in the log exactly once, or one that nobody sent is."""
        rows = Command.objects.filter(market_id=self.session.market_id, kind="order")
        logged = Counter(rows.values_list("key", flat=True))
        wanted = Counter(
            f"crowd-{person}-{n}"
            for person, count in enumerate(self.answered)
            for n in range(count)
        )
        assert logged == wanted, (logged - wanted, wanted - logged)
        assert not rows.filter(batch_seq=None).exists()

    def _ticks(self) -> Any:
        return OutcomeTick.objects.filter(market_id=self.session.market_id)

    def _settled(self) -> None:
        waiting = Command.objects.filter(market_id=self.session.market_id, batch_seq=None)
        _wait_until(lambda: not waiting.exists(), "orders are never settled")

    def _new_ticks(self, first: int) -> list[Tick]:
        """Bring together what the clock, the log and the browsers say of the ticks since."""
        rows = list(self._ticks().order_by("seq").values_list("seq", "t_ms"))[first:]
        last, deadline = rows[-1][0], time.monotonic() + SETTLE_S_MAX
        while last not in self.arrivals or last not in self.commits:
            assert time.monotonic() < deadline, "a tick did not arrive"
            for line in filter(is_tick, self.clock.heard()):
                self.commits[len(self.commits) + 1] = line
            self.arrivals.update({line["seq"]: line for line in self.browsers.heard()})
            time.sleep(0.05)
        return [self._tick(seq, t_ms) for seq, t_ms in rows]

    def _tick(self, seq: int, t_ms: int) -> Tick:
        said, shown = self.commits[seq], self.arrivals.get(seq)
        late_ms = said["at_ms"] - (self.session.started_ms or 0) - t_ms
        self.late += late_ms > INTERVAL_MS
        took_ms = (said["done_ns"] - said["began_ns"]) / 1e6
        if shown is None:
            return Tick(took_ms, late_ms, None, None)
        half, slow = ((shown[name] - said["done_ns"]) / 1e6 for name in ("half_ns", "slow_ns"))
        return Tick(took_ms, late_ms, half, slow)

    def _used(self) -> dict[str, float]:
        """Return the processor seconds of every part so far."""
        stored = self.broker.info("cpu")
        assert isinstance(stored, dict)
        return {
            "web": _seconds(self.web.process.pid),
            "clock": _seconds(self.clock.process.pid),
            "PostgreSQL": self.meter.seconds(),
            "Valkey": stored["used_cpu_user"] + stored["used_cpu_sys"],
            "callers": _seconds(self.callers.process.pid),
            "browsers": _seconds(self.browsers.process.pid),
        }


def _wait_until(holds: Callable[[], bool], trouble: str) -> None:
    deadline = time.monotonic() + SETTLE_S_MAX
    while not holds():
        assert time.monotonic() < deadline, trouble
        time.sleep(0.1)


def _seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
