"""Claims, leases and dead workers: each run is started once, finished by somebody, applied once."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from exchange import clock
from exchange.models import Command, LiveState, Market, OracleMove
from oracle.models import Report, Run, Schedule, SpentEvidence
from oracle.services import cycle, leases, sweep
from oracle.services import staff as staff_services
from oracle.tasks import oracle_cycle, oracle_sweep
from tests.oracle import world

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


class Killed(BaseException):
    """Stands for a worker that dies: nothing that catches errors may catch it."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    return tmp_path


@pytest.fixture
def market(folder: Path) -> Market:
    world.archive(folder, "wire", world.news(world.GOOD))
    return world.oracle_market()


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let the next step from a state kill its worker, once."""
    steps = dict(cycle.STEPS)

    def kill_at(state: str) -> None:
        def die(_: Run) -> None:
            monkeypatch.setitem(cycle.STEPS, state, steps[state])
            raise Killed

        monkeypatch.setitem(cycle.STEPS, state, die)

    return kill_at


def lapse(run: Run) -> None:
    """Let the dead worker's lease run out."""
    Run.objects.filter(pk=run.pk).update(lease_until=clock.now() - timedelta(seconds=1))


@pytest.mark.parametrize("state", ["started", "fetched", "read", "decided"])
def test_another_worker_goes_on_where_one_died(
    market: Market, dying: Callable[[str], None], state: str
) -> None:
    run = world.started(market)
    dying(state)
    with pytest.raises(Killed):
        cycle.run_market(market.pk)
    run.refresh_from_db()
    assert run.state == state
    assert cycle.run_market(market.pk) is None, "the dead worker's lease still holds"

    lapse(run)
    done = cycle.run_market(market.pk)

    assert done is not None
    assert (done.state, done.attempt) == ("applied", 2)
    assert OracleMove.objects.filter(market=market).count() == 1
    assert Report.objects.filter(run=run).count() == 1


def test_killed_after_the_market_answered_is_applied_once(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.started(market)
    record = cycle.record

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(cycle, "record", die)
    with pytest.raises(Killed):
        cycle.run_market(market.pk)
    monkeypatch.setattr(cycle, "record", record)
    moved_to = world.fundamental(market)
    assert not SpentEvidence.objects.exists()

    lapse(run)
    done = cycle.run_market(market.pk)

    assert done is not None
    assert done.state == "applied"
    assert world.fundamental(market) == moved_to
    assert Command.objects.filter(key=run.ref).count() == 1
    assert SpentEvidence.objects.filter(market=market).count() == 1


def test_a_worker_thought_dead_cannot_go_on(market: Market) -> None:
    run = world.started(market)
    first = leases.take(run.pk)
    assert first is not None
    lapse(run)
    second = leases.take(run.pk)
    assert second is not None
    with pytest.raises(leases.LeaseLost):
        leases.step(first, state=Run.State.FETCHED)
    leases.step(second, state=Run.State.FETCHED)


def test_a_run_that_waits_too_long_expires(market: Market) -> None:
    run = world.started(market)
    Run.objects.filter(pk=run.pk).update(started_at=clock.now() - HOUR)
    sweep.sweep()
    run.refresh_from_db()
    assert (run.state, run.reason) == ("expired", "too_late")
    assert not Command.objects.filter(key=run.ref).exists()


def test_an_expired_run_whose_event_is_in_the_log_is_corrected(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.started(market)
    record = cycle.record
    monkeypatch.setattr(cycle, "record", lambda *_: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        cycle.run_market(market.pk)
    monkeypatch.setattr(cycle, "record", record)
    Run.objects.filter(pk=run.pk).update(
        state=Run.State.EXPIRED, finished_at=clock.now(), lease_until=None
    )
    sweep.sweep()
    run.refresh_from_db()
    assert run.state == "applied"
    assert SpentEvidence.objects.filter(market=market).count() == 1


def test_an_old_decided_run_with_its_event_is_applied_and_not_expired(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.started(market)
    with monkeypatch.context() as patch:
        patch.setattr(cycle, "record", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            cycle.run_market(market.pk)
    lapse(run)
    Run.objects.filter(pk=run.pk).update(started_at=clock.now() - HOUR)
    sweep.sweep()
    run.refresh_from_db()
    assert run.state == "applied"


def test_an_abandoned_run_is_offered_again_once_a_minute(market: Market) -> None:
    run = world.started(market)
    assert sweep.sweep() == []
    Run.objects.filter(pk=run.pk).update(nudged_at=clock.now() - timedelta(seconds=61))
    assert sweep.sweep() == [market.pk]
    assert sweep.sweep() == []


def test_a_market_has_one_open_run(market: Market) -> None:
    world.started(market)
    world.due(market)
    assert sweep.claim(market.pk, clock.now()) is None
    assert Run.objects.filter(market=market).count() == 1


def test_only_what_is_due_is_claimed(market: Market) -> None:
    Schedule.objects.update(next_at=clock.now() + HOUR)
    assert sweep.sweep() == []


def test_a_halted_or_closed_market_is_left_alone(market: Market) -> None:
    world.due(market)
    LiveState.objects.filter(market=market).update(halt_rule="invariant")
    assert sweep.sweep() == []
    LiveState.objects.filter(market=market).update(halt_rule="")
    Market.objects.filter(pk=market.pk).update(status=Market.Status.WINDING)
    assert sweep.sweep() == []
    Market.objects.filter(pk=market.pk).update(status=Market.Status.ACTIVE)
    assert sweep.sweep() == [market.pk]


def test_the_switch_of_the_site_stops_every_oracle(market: Market, settings: Any) -> None:
    settings.ORACLE_MODE = "disabled"
    world.due(market)
    assert sweep.sweep() == []
    assert not Run.objects.exists()


def test_the_switch_also_stops_a_run_that_has_begun(market: Market, settings: Any) -> None:
    run = world.started(market)
    settings.ORACLE_MODE = "disabled"
    cycle.run_market(market.pk)
    run.refresh_from_db()
    assert (run.state, run.reason) == ("refused", "stopped")


def test_a_paused_market_is_skipped_until_it_goes_on(market: Market, staff: Any) -> None:
    world.due(market)
    staff_services.oracle_pause(actor=staff, market_id=market.pk, reason="A new question.")
    assert sweep.sweep() == []
    staff_services.oracle_resume(actor=staff, market_id=market.pk, reason="It is answered.")
    assert sweep.sweep() == [market.pk]


def test_the_task_of_the_beat_and_the_task_of_a_market(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(oracle_cycle, "delay", sent.append)
    world.due(market)
    assert oracle_sweep.apply().get() == 1
    assert sent == [market.pk]
    assert oracle_cycle.apply(args=(market.pk,)).get() == "applied"
    assert oracle_cycle.apply(args=(market.pk,)).get() == ""
    assert oracle_cycle.apply(args=(0,)).get() == ""


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_claim_once(folder: Path) -> None:
    world.archive(folder, "wire")
    markets = [world.oracle_market() for _ in range(4)]
    for market in markets:
        world.due(market)
    barrier, claimed, lock = threading.Barrier(4), [], threading.Lock()

    def work() -> None:
        barrier.wait(10)
        found = sweep.sweep()
        with lock:
            claimed.extend(found)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(claimed) == sorted(market.pk for market in markets)
    assert Run.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_do_the_work_once(folder: Path) -> None:
    world.archive(folder, "wire", world.news(world.GOOD))
    market = world.oracle_market()
    world.started(market)
    barrier, ended, lock = threading.Barrier(3), [], threading.Lock()

    def work() -> None:
        barrier.wait(10)
        done = cycle.run_market(market.pk)
        with lock:
            ended.append(done.state if done else "")
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(ended) == ["", "", "applied"]
    assert OracleMove.objects.filter(market=market).count() == 1
