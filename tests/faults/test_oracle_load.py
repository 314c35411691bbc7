"""A crowd of markets due at once while workers are killed and the broker is emptied.

Every run ends applied once or refused with a reason; none is lost and none is doubled. An everyday
run has little patience with the dead; a nightly one has the site's own, and a thousand markets.
"""

import contextlib
import io
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F, Q
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from exchange import clock
from exchange.engines import variable
from exchange.engines.variable import oracle_event
from exchange.models import Command, LiveState, Market, OracleMove
from exchange.selectors.configs import config_of
from exchange.services.replay import differences
from megatron.beat import install_schedule
from oracle.models import OPEN, Report, Run, Schedule, SpentEvidence
from tests.faults.broker import OwnBroker
from tests.faults.nursery import database_url
from tests.faults.scale import NIGHTLY, scaled
from tests.faults.site import Process
from tests.oracle import world

pytestmark = [pytest.mark.fault, pytest.mark.timeout(3600), pytest.mark.usefixtures("books")]

MARKETS = scaled(60, 1_000)
KILLS = scaled(4, 30)
FLUSHES = scaled(1, 8)
OUTAGES = scaled(0, 2)
ABSENT_S = 30
ROUNDS = scaled(2, 4)
PATIENCE_S = scaled(60, 1_500)
SWEEP_S = scaled(1, 30)
REPLAYED = scaled(5, 50)
TOPICS = ("kettles", "lanterns", "ladders", "anchors", "pallets", "barrels", "saddles", "hinges")
FAR = datetime(2100, 1, 1, tzinfo=UTC)
DONE = Q(state__in=[Run.State.APPLIED, Run.State.REFUSED, Run.State.EXPIRED])


class Site:
    """Two workers and a beat on a broker that is ours, and the ways to hurt them."""

    def __init__(self, archives: Path) -> None:
        self.broker = OwnBroker()
        stores = {
            "DATABASE_URL": database_url(str(connection.settings_dict["NAME"])),
            "REDIS_URL": self.broker.url,
            "ORACLE_ARCHIVE_DIRS": str(archives),
        }
        self.beat = Process("beat", 0, **stores)
        self.workers = [_worker(**stores) for _ in range(2)]

    def start(self) -> None:
        """Start all."""
        for process in (self.beat, *self.workers):
            process.start()

    def hurt(self, chance: random.Random, kind: str) -> None:
        """Empty the broker or take it away, or kill a beat, a worker, or its child at work."""
        victim = self.beat if kind == "beat" else chance.choice(self.workers)
        if kind == "flush":
            self.broker.flush()
        elif kind == "absent":
            self.broker.stop()
            time.sleep(ABSENT_S)
            self.broker.start()
        elif kind == "child":
            self.strike()
        else:
            victim.kill()
            victim.start()

    def strike(self, tries: int = 500) -> None:
        """Kill the children at a moment when a run is in their hands, if one comes soon."""
        while True:
            children = [child for worker in self.workers for child in _children(worker)]
            _signal(children, signal.SIGSTOP)
            tries -= 1
            if not tries or Run.objects.filter(lease_until__isnull=False).exists():
                return _signal(children, signal.SIGKILL)
            _signal(children, signal.SIGCONT)
            time.sleep(0.004)

    def remove(self) -> None:
        """End everything."""
        for process in (self.beat, *self.workers):
            process.remove()
        self.broker.remove()


def _worker(**stores: str) -> Process:
    """Return a worker with one child that works for the oracle alone."""
    made = Process("worker", 0, **stores)
    changed = {"-Q": "oracle", "-c": "1"} | ({} if NIGHTLY else {"-A": "tests.fakes.hasty"})
    words = list(made.command)
    for name, value in changed.items():
        words[words.index(name) + 1] = value
    made.command = words
    return made


def _signal(processes: list[int], number: int) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def _children(process: Process) -> list[int]:
    """Return the children of a process of ours, as the system knows them now."""
    assert process.process is not None
    pid = process.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def site(tmp_path: Path, books: None) -> Iterator[Site]:
    one = Site(tmp_path)
    install_schedule()
    every, _ = IntervalSchedule.objects.get_or_create(
        every=SWEEP_S, period=IntervalSchedule.SECONDS
    )
    PeriodicTask.objects.exclude(task="oracle.tasks.oracle_sweep").update(enabled=False)
    PeriodicTask.objects.update(interval=every)
    yield one
    one.remove()


@pytest.fixture
def markets(tmp_path: Path, settings: Any) -> list[Market]:
    """Return markets of which some cannot be read; each is due when told."""
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    rows = [
        world.news(f"{topic.title()} {words} in district {n}", topic=topic)
        for n, topic in enumerate(TOPICS)
        for words in ("output surged", "orders rose again")
    ]
    world.archive(tmp_path, "wire", *rows)
    world.archive(tmp_path, "gone")
    (tmp_path / "gone.jsonl").unlink()
    began = time.monotonic()
    made = [_market(n) for n in range(MARKETS)]
    print(f"made in {time.monotonic() - began:.1f} s")
    Schedule.objects.update(next_at=FAR)
    return made


def _market(number: int) -> Market:
    """Every seventh loses a source and holds; every eleventh has too few readers left."""
    topic = TOPICS[number % len(TOPICS)]
    panel = [{"seat": name, "reader": "lexicon", "sources": [name]} for name in ("wire", "gone")]
    if number % 7 == 3:
        return world.oracle_market("wire", "gone", queries=[topic], panel=panel, fallback="hold")
    if number % 11 == 5:
        return world.oracle_market("wire", "gone", queries=[topic], panel=panel, quorum=2)
    return world.oracle_market(queries=[topic])


def due_again() -> None:
    """Let every market that is idle, and has a run to go, be due at once."""
    idle = Schedule.objects.filter(runs__lt=ROUNDS, next_at__gt=clock.now())
    busy = Run.objects.filter(state__in=OPEN).values("market")
    idle.exclude(market__in=busy).update(next_at=clock.now())


def finished() -> int:
    """Return how many runs have come to an end."""
    return Run.objects.filter(DONE).count()


def torment(site: Site, chance: random.Random) -> None:
    """Wait for the first runs, then hurt the site while it works."""
    deadline = time.monotonic() + PATIENCE_S
    while not finished():
        assert time.monotonic() < deadline, "\n".join(one.said[-2000:] for one in site.workers)
        time.sleep(0.05)
    kinds = ["flush"] * FLUSHES + ["child", "group"] * (KILLS // 2) + ["absent", "beat"] * OUTAGES
    chance.shuffle(kinds)
    for kind in kinds:
        site.hurt(chance, kind)
        due_again()
        time.sleep(chance.uniform(2, 6) if NIGHTLY else chance.uniform(0.2, 0.6))


def settle() -> None:
    """Let everything come to its end."""
    deadline = time.monotonic() + PATIENCE_S
    while finished() < ROUNDS * MARKETS:
        due_again()
        assert time.monotonic() < deadline, Counter(Run.objects.values_list("state", flat=True))
        time.sleep(0.2)


def test_every_run_ends_once_whatever_is_killed(
    site: Site, markets: list[Market], chance: random.Random
) -> None:
    began = time.monotonic()
    due_again()
    site.start()
    torment(site, chance)
    settle()
    print(f"{time.monotonic() - began:.1f} s, {KILLS} kills, {FLUSHES} flushes")
    site.remove()
    figures()

    for number, market in enumerate(markets):
        judge(number, market)
    assert not Run.objects.filter(Q(lease_until__isnull=False) | ~DONE).exists()
    assert Run.objects.filter(attempt__gt=1).exists(), "nobody was killed at work"
    every = list(Run.objects.exclude(reports_sha256="").order_by("id"))
    for run in chance.sample(every, REPLAYED):
        call_command("replay_run", run.public_id, stdout=io.StringIO())


def judge(number: int, market: Market) -> None:
    """The market had its runs, each with one end; log, moves, evidence and F tell the same."""
    runs = list(Run.objects.filter(market=market).order_by("number"))
    assert [run.number for run in runs] == list(range(1, ROUNDS + 1))
    expected = "source_down" if number % 7 == 3 else "no_quorum" if number % 11 == 5 else ""
    for run in runs:
        if run.state == Run.State.EXPIRED:
            assert (run.reason, run.attempt >= 3) == ("too_late", True)
        else:
            end = Run.State.REFUSED if expected else Run.State.APPLIED
            assert (run.state, run.reason) == (end, expected)
    applied = [run for run in runs if run.state == Run.State.APPLIED]
    refs = sorted(run.ref for run in applied)
    asked = Command.objects.filter(market=market, kind="oracle", accepted=True)
    assert sorted(asked.values_list("key", flat=True)) == refs
    moves = list(OracleMove.objects.filter(market=market).order_by("id"))
    assert sorted(move.ref for move in moves) == refs
    assert all(run.finished_at and Report.objects.filter(run=run).count() == 1 for run in applied)

    live = LiveState.objects.get(market=market)
    assert int(live.state["f_pico"]) == replayed(market, applied)
    assert all(a.fundamental_pico == b.fundamental_before_pico for a, b in pairwise(moves))
    # the same news is told in each round, and counts in the first that was applied alone
    moved = [move.ref for move in moves if move.fundamental_pico != move.fundamental_before_pico]
    spent = SpentEvidence.objects.filter(market=market)
    first = [applied[0].ref] if applied else []
    assert moved == first
    assert sorted(set(spent.values_list("run__ref", flat=True))) == first
    assert list(differences(market)) == []


def replayed(market: Market, runs: list[Run]) -> int:
    """Return where the engine's own rules lead F from the reports that are stored."""
    config = config_of(market.config)
    f_pico = f_day_pico = config.p0_init_pico
    day = 0
    for run in runs:
        settled_s = Command.objects.get(key=run.ref, accepted=True).settled_s
        assert settled_s is not None
        today = settled_s // 86_400
        f_day_pico, day = (f_day_pico, day) if today == day else (f_pico, today)
        given = Report.objects.filter(run=run).order_by("seat")
        told = tuple(
            variable.Report(delta_pico=one.delta_pico, confidence_e8=one.confidence_e8)
            for one in given
        )
        reading = oracle_event.read(config, told)
        f_pico, _ = oracle_event.filtered(config, f_pico, f_day_pico, reading)
    return f_pico


def figures() -> None:
    """Print how it ended and where the time went, for whoever measures."""
    print(Counter(Run.objects.values_list("state", "reason", "attempt")))
    steps = ("started_at", "fetched_at", "read_at", "decided_at", "finished_at")
    calm = Run.objects.filter(state=Run.State.APPLIED, attempt=1)
    for start, end in pairwise(steps):
        took = sorted(calm.annotate(took=F(end) - F(start)).values_list("took", flat=True))
        if took:
            middle, late = took[len(took) // 2], took[len(took) * 95 // 100]
            print(f"{start} to {end}: median {middle}, 95 % {late}")
