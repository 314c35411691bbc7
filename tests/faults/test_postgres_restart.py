"""PostgreSQL dies under writers: what was acknowledged is there, and there once."""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pytest_django import DjangoDbBlocker

from exchange.models import Command, Market
from exchange.services import audit
from megatron.binaries import NotStarted
from tests.factories import active_market, funded_user
from tests.faults.nursery import Nursery, Plan, read_acks
from tests.faults.own_server import OwnServer, django_at, turn
from tests.faults.scale import scaled
from tests.faults.test_carriers import log_without_gap
from tests.faults.test_kill_worker import judge

pytestmark = [pytest.mark.fault, pytest.mark.timeout(1800)]

DEATHS = scaled(3, 20)
BACK_S_MAX = 15.0
QUIET_S = 20.0


@pytest.fixture
def server() -> Iterator[OwnServer]:
    own = OwnServer()
    yield own
    own.remove()


def count(plan: Plan) -> int:
    return len(read_acks(plan.acks))


def until(done: object, within_s: float) -> float:
    """Wait for `done()`; return how long it took."""
    assert callable(done)
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < within_s, f"not within {within_s} s"
        time.sleep(0.05)
    return time.monotonic() - began


def test_acknowledged_orders_survive_and_none_is_doubled(
    server: OwnServer, tmp_path: Path, chance: random.Random, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock(), django_at(server):
        market, users = active_market(pool="100000"), [funded_user("1000") for _ in range(6)]
        other = active_market(pool="100000")
        plan = Plan(
            acks=str(tmp_path / "acks"),
            markets=[market.pk, other.pk],
            users=[user.pk for user in users],
            threads=6,
        )
        crowd = Nursery(DATABASE_URL=server.url)
        try:
            worker = crowd.start(plan)
            for death in range(DEATHS):
                until(lambda: count(plan) > 20 * (death + 1), QUIET_S)
                time.sleep(chance.uniform(0.1, 0.5))
                server.stop(signal.SIGINT if death % 3 == 2 else signal.SIGKILL)
                answered = count(plan)
                assert server.pair.revive() == ["postgres"]
                until(lambda n=answered: count(plan) > n, BACK_S_MAX)
            plan.stop.touch()
            crowd.join(worker)
        finally:
            crowd.close()

        turn()
        acks = read_acks(plan.acks)
        judge(acks)
        kept = Command.objects.filter(user__in=users).values_list("user_id", "key")
        trades = {"buy", "sell", "claim"}
        assert set(kept) == {(ack.user, ack.key) for ack in acks if ack.kind in trades}
        for one in Market.objects.all():
            log_without_gap(one)
        assert audit.examine() == []


def test_no_second_server_writes_beside_orphans_of_the_first(server: OwnServer) -> None:
    """A backend in the middle of its work outlives a killed postmaster, and may still commit."""
    busy = psycopg.connect(server.url, autocommit=True)
    busy.execute("CREATE TABLE late (at timestamptz)")
    orphan = busy.info.backend_pid

    def work() -> None:
        try:
            busy.execute("""
                DO $$ DECLARE ends timestamptz := clock_timestamp() + interval '6 s'; BEGIN
                    WHILE clock_timestamp() < ends LOOP END LOOP;
                    INSERT INTO late VALUES (clock_timestamp()); END $$""")
        except psycopg.Error:
            return

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    time.sleep(0.5)
    assert orphan in server.backends()

    server.stop(signal.SIGKILL)
    lived = Path(f"/proc/{orphan}").exists()
    for _ in range(20):
        try:
            server.pair.revive()
            break
        except NotStarted:
            time.sleep(0.5)

    beside = Path(f"/proc/{orphan}").exists() and orphan in server.backends()
    if beside:
        os.kill(orphan, signal.SIGKILL)
    thread.join()
    busy.close()
    assert lived
    assert not beside, "two servers had the same files open"
