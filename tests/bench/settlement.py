"""T1, T2, T3 and L1: trades through the service against one function per trade in the database."""

import os
import time
from dataclasses import dataclass

from exchange.models import Market
from exchange.services import batch_load, settlement
from tests.bench import callers, place, web
from tests.bench.cpu import Meter
from tests.bench.figures import Measure, Rounds, percentile, say
from tests.bench.limit import Limit

PEOPLE = 512
CROWD, CROWD_LARGE = 64, 256
LIMIT_CLIENTS = 16
WAITING, WAITING_LARGE = 200, 1_000
TURNS = 5
# As long as the window whose volume weighs in the headline price.
BUSY_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is measured."""

    rounds: int
    limit: tuple[str, str]
    bare: bool
    alone_s: float
    crowd_s: float
    drains: int
    stakes: tuple[int, int]
    book: tuple[int, int]


PACES = {
    "tiny": Pace(
        rounds=3,
        limit=("-t", "20"),
        bare=False,
        alone_s=0.05,
        crowd_s=0.1,
        drains=1,
        stakes=(10, 100),
        book=(10, 50),
    ),
    "quick": Pace(
        rounds=3,
        limit=("-T", "1"),
        bare=False,
        alone_s=0.4,
        crowd_s=0.7,
        drains=2,
        stakes=(1_000, 20_000),
        book=(200, 2_000),
    ),
    "full": Pace(
        rounds=5,
        limit=("-T", "4"),
        bare=True,
        alone_s=3.0,
        crowd_s=4.0,
        drains=5,
        stakes=(1_000, 100_000),
        book=(1_000, 10_000),
    ),
}


def measure(size: str, store: str) -> list[Measure]:
    """Return the figures of a store, the limit and the service taking turns in every round."""
    pace = PACES[size]
    say(f"settlement: people and markets ({store or 'given store'})")
    bench = _Bench(pace, f", {store}" if store else "")
    for number in range(pace.rounds):
        say(f"settlement: round {number + 1} of {pace.rounds}")
        bench.take_limits()
        bench.lone_orders()
        bench.crowds(number)
        bench.drains(number)
        bench.stakes(number)
        bench.check()
    bench.over_http()
    return bench.measures()


class _Bench:
    """The markets, the limits, and what the rounds have brought so far."""

    def __init__(self, pace: Pace, suffix: str) -> None:
        self.pace, self.found = pace, Rounds(suffix)
        self.meter = Meter()
        url = os.environ["DATABASE_URL"]
        self.limits = {"keys": Limit(url, self.meter, keys=True)}
        if pace.bare:
            self.limits["bare"] = Limit(url, self.meter, keys=False)
        self.users = place.people(PEOPLE)
        self.quiet, self.busy = place.market(), place.market(busy_s=BUSY_S)
        self.few, self.many, self.deep = place.market(), place.market(), place.market()
        place.crowd_book(self.deep, shorts=pace.book[0], resting=pace.book[1])
        place.split_stake(self.few, pace.stakes[0])
        place.split_stake(self.many, pace.stakes[1])
        place.refresh_statistics()
        markets = (self.quiet, self.busy, self.few, self.many, self.deep)
        self.market_ids = [market.pk for market in markets]
        self.acknowledged = place.accepted(self.market_ids)
        place.mark_stakes()
        for market in markets:
            self._alone(market, 0.0)

    def take_limits(self) -> None:
        """Take the limit at one client and at sixteen, with foreign keys and without."""
        for name, limit in self.limits.items():
            for clients in (1, LIMIT_CLIENTS):
                run = limit.run(clients=clients, length=self.pace.limit)
                self.found.add(f"{name} {clients} per_s", run.per_s)
                self.found.add(f"{name} {clients} p50", run.p50_ms)
                self.found.add(f"{name} {clients} p99", run.p99_ms)
                self.found.add(f"{name} {clients} cpu", run.cpu_us)

    def lone_orders(self) -> None:
        """Trade alone, in a quiet market and in one that has traded all the last minutes."""
        for name, market in (("quiet", self.quiet), ("busy", self.busy)):
            latencies = self._alone(market, self.pace.alone_s)
            self.found.add(f"{name} p50", percentile(latencies, 0.50))

    def crowds(self, number: int) -> None:
        """Trade with many callers at once in the busy market."""
        for count in (CROWD, CROWD_LARGE):
            share = PEOPLE // count
            groups = [self.users[n * share : (n + 1) * share] for n in range(count)]
            crowd = [
                callers.Caller(self.busy.pk, group, seed=number * PEOPLE + n)
                for n, group in enumerate(groups)
            ]
            done = callers.together(crowd, self.pace.crowd_s)
            self.acknowledged += len(done.latencies_ms)
            self.found.add(f"crowd {count} per_s", done.per_s)
            self.found.add(f"crowd {count} p50", percentile(done.latencies_ms, 0.50))
            self.found.add(f"crowd {count} p99", percentile(done.latencies_ms, 0.99))

    def drains(self, number: int) -> None:
        """Settle what waits in the log, and nothing else; then the same beside a full book."""
        for count, market, case in (
            (WAITING, self.busy, "drain 200"),
            (WAITING_LARGE, self.busy, "drain 1000"),
            (WAITING, self.deep, "deep 200"),
            (WAITING_LARGE, self.deep, "deep 1000"),
        ):
            took_s = used_s = 0.0
            for turn in range(self.pace.drains):
                seed = number * 100 + turn
                callers.leave_waiting(market.pk, self.users, count, seed)
                used, began = self._used(), time.perf_counter()
                for _ in range(-(-count // batch_load.WAITING_MAX)):
                    settlement.drain(market.pk)
                took_s += time.perf_counter() - began
                used_s += self._used() - used
            orders = count * self.pace.drains
            self.acknowledged += orders
            self.found.add(f"{case} per_s", orders / took_s)
            self.found.add(f"{case} cpu", used_s / orders * 1e6)

    def stakes(self, number: int) -> None:
        """Trade in the market of a few providers and in that of many, by short turns."""
        times: dict[int, list[float]] = {self.few.pk: [], self.many.pk: []}
        for turn in range(TURNS):
            pair = (self.few, self.many)
            for market in pair if (number + turn) % 2 else pair[::-1]:
                times[market.pk] += self._alone(market, self.pace.alone_s / TURNS)
        self.found.add("few stakes p50", percentile(times[self.few.pk], 0.50))
        self.found.add("many stakes p50", percentile(times[self.many.pk], 0.50))
        self.found.add("stakes touched", place.stakes_moved())

    def check(self) -> None:
        """Stop if the books do not add up, or if an acknowledged trade is not there."""
        place.require_clean_books()
        accepted = place.accepted(self.market_ids)
        assert accepted == self.acknowledged, (accepted, self.acknowledged)

    def over_http(self) -> None:
        """Trade alone through a web server of our own, with a token."""
        say("settlement: over HTTP")
        with web.Server.of_the_site() as server:
            client = web.Trader(server, self.quiet, self.users[0])
            client.trade(0.0)
            for _ in range(self.pace.rounds):
                latencies = client.trade(self.pace.alone_s)
                self.found.add("http p50", percentile(latencies, 0.50))
                self.found.add("http p99", percentile(latencies, 0.99))

    def measures(self) -> list[Measure]:
        """Return everything that was found."""
        of = self.found.measure
        few, many = (f"{count:,}" for count in self.pace.stakes)
        crowds = [
            figure
            for count in (CROWD, CROWD_LARGE)
            for figure in (
                of("T2", f"{count} callers", f"crowd {count} per_s", "trades/s", "keys 16 per_s"),
                of("T2", f"{count} callers, p99", f"crowd {count} p99", "ms", "keys 16 p99"),
                of("T2", f"{count} callers, p50", f"crowd {count} p50", "ms", "keys 16 p50"),
            )
        ]
        shorts, resting = (f"{count:,}" for count in self.pace.book)
        beside = f" beside {shorts} shorts and {resting} resting orders"
        drains = [
            figure
            for count in (WAITING, WAITING_LARGE)
            for case, words in (("drain", ""), ("deep", beside))
            for figure in self._drained(f"{case} {count}", f"{count:,} waiting{words}")
        ]
        return [
            of("T1", "lone order, quiet market, p50", "quiet p50", "ms", "keys 1 p50"),
            of("T1", "lone order, busy market, p50", "busy p50", "ms", "keys 1 p50"),
            of("T1", "lone order over HTTP, p50", "http p50", "ms"),
            of("T1", "lone order over HTTP, p99", "http p99", "ms"),
            *crowds,
            *drains,
            of(
                "L1", f"{many} stakes against {few}, p50", "many stakes p50", "ms", "few stakes p50"
            ),
            of("L1", f"{many} stakes, rows touched", "stakes touched", "rows"),
            *self._bare(),
        ]

    def _bare(self) -> list[Measure]:
        if not self.pace.bare:
            return []
        words = "without foreign keys"
        return [
            self.found.measure(
                "limit",
                f"{words}, {clients} clients",
                f"bare {clients} per_s",
                "trades/s",
                f"keys {clients} per_s",
            )
            for clients in (1, LIMIT_CLIENTS)
        ]

    def _drained(self, case: str, words: str) -> list[Measure]:
        of = self.found.measure
        rate = of("T3", words, f"{case} per_s", "trades/s", "keys 1 per_s")
        if not self.meter.works:
            return [rate]
        return [rate, of("T3", f"{words}, CPU", f"{case} cpu", "us", "keys 1 cpu")]

    def _alone(self, market: Market, seconds: float) -> list[float]:
        caller = callers.Caller(market.pk, self.users, seed=self.acknowledged)
        latencies = callers.alone(caller, seconds)
        self.acknowledged += len(latencies)
        return latencies

    def _used(self) -> float:
        return self.meter.seconds() + time.process_time()
