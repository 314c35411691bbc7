"""kill -9 of processes that trade: what was answered stays, what was not is asked for again."""

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.models import Command, Hold, Market, Transfer
from exchange.services.replay import differences
from tests.factories import active_market, funded_user
from tests.faults.nursery import Ack, Nursery, Plan, read_acks
from tests.faults.scale import scaled
from tests.faults.test_carriers import log_without_gap

pytestmark = [pytest.mark.fault, pytest.mark.timeout(3600), pytest.mark.usefixtures("books")]

KILLS = scaled(24, 200)
WORKERS = 2
ENOUGH, ENOUGH_S_MAX = 10, 60.0
TRADES = {"buy", "sell", "claim"}
RESUME_S_MAX = 5.0


@pytest.fixture
def plan(tmp_path: Path, books: None) -> Callable[..., Plan]:
    """Return a maker of plans over the same two markets and six people."""
    markets = [active_market(pool="100000") for _ in range(2)]
    users = [funded_user("1000") for _ in range(6)]

    def make(number: int = 0, **options: object) -> Plan:
        return Plan(
            acks=str(tmp_path / f"acks-{number}"),
            markets=[market.pk for market in markets],
            # each worker has people of its own, so that its keys are its own too
            users=[user.pk for user in users[number * 3 : number * 3 + 3]],
            **{"name": f"key{number}", **options},  # type: ignore[arg-type]
        )

    return make


def judge(acks: list[Ack]) -> None:
    """Every acknowledged key has its one effect and the answer that was given."""
    assert max(Counter((ack.user, ack.key) for ack in acks).values(), default=0) <= 1
    for ack in acks:
        rows = Command.objects.filter(key=ack.key, user_id=ack.user)
        if ack.kind in TRADES:
            row = rows.get()
            if row.accepted:
                stored = [row.pk, row.seq, row.batch_seq, row.settled_s, row.result]
                assert ack.answer == stored
            else:
                assert row.result is not None
                assert ack.answer == ["refused", row.result["code"]]
        elif ack.kind == "deposit":
            assert Transfer.objects.filter(kind="deposit", ref=ack.key).count() == 1
        elif ack.answer == "closed":
            assert Hold.objects.exclude(state=Hold.State.OPEN).filter(ref=ack.key).exists()
            ends = Transfer.objects.filter(kind__in=("captured", "voided"), ref=ack.key)
            assert ends.count() == 1


def test_killed_at_random_nothing_is_lost_or_doubled(
    nursery: Nursery, plan: Callable[..., Plan], chance: random.Random
) -> None:
    plans = [plan(number) for number in range(WORKERS)]
    running = [nursery.start(p) for p in plans]

    for _ in range(KILLS):
        time.sleep(chance.uniform(0.05, 0.5))
        place = chance.randrange(WORKERS)
        nursery.kill(running[place])
        running[place] = nursery.start(plans[place])
    answered = [len(read_acks(p.acks)) for p in plans]
    began = time.monotonic()
    while any(len(read_acks(p.acks)) == n for p, n in zip(plans, answered, strict=True)):
        assert time.monotonic() - began < RESUME_S_MAX, "nobody trades after the last kill"
        time.sleep(0.05)
    while any(len(read_acks(p.acks)) <= KILLS for p in plans):
        assert time.monotonic() - began < ENOUGH_S_MAX, "too little was asked to judge by"
        time.sleep(0.05)
    for one, worker in zip(plans, running, strict=True):
        one.stop.touch()
        nursery.join(worker)

    for one in plans:
        acks = read_acks(one.acks)
        judge(acks)
        asked = {(ack.user, ack.key) for ack in acks if ack.kind in TRADES}
        kept = Command.objects.filter(user__in=one.users, key__startswith="key")
        assert set(kept.values_list("user_id", "key")) == asked
    for market in Market.objects.all():
        log_without_gap(market)


@pytest.mark.parametrize(("kind", "effects"), [("buy", 1), ("deposit", 1), ("hold", 2)])
@pytest.mark.parametrize("moment", ["before statement", "before commit", "after commit"])
def test_killed_at_each_step_the_retry_completes_it(
    nursery: Nursery,
    plan: Callable[..., Plan],
    chance: random.Random,
    kind: str,
    effects: int,
    moment: str,
) -> None:
    """An everyday run dies at some of the statements, a nightly one at each."""
    deaths, count, died = 0, 0, True
    while died:
        count += chance.randint(1, scaled(5, 1)) if "statement" in moment else 1
        user, name = funded_user("50"), f"{moment[:3]}{moment[-3:]}{count}"
        one = plan(0, name=name, threads=1, keys=1, kinds=[kind])
        one.users, one.die_at, one.die_count = [user.pk], moment, count
        Path(one.acks).unlink(missing_ok=True)
        before = Transfer.objects.count()

        nursery.join(nursery.start(one))
        died = not read_acks(one.acks)
        one.die_at = ""
        nursery.join(nursery.start(one))

        judge(read_acks(one.acks))
        assert Transfer.objects.count() - before == effects, f"killed {moment} {count}"
        deaths += died
    assert deaths


def test_replays_to_the_same_bytes_after_kills(
    nursery: Nursery, plan: Callable[..., Plan], chance: random.Random
) -> None:
    """One market, and no money from elsewhere: the log alone gives back every state."""
    one = plan(0, kinds=["buy", "sell"])
    one.markets = one.markets[:1]
    asked = Command.objects.filter(market=one.markets[0])
    kills, deadline = 0, time.monotonic() + ENOUGH_S_MAX
    while kills < scaled(4, 40) or asked.count() <= ENOUGH:
        assert time.monotonic() < deadline, f"{asked.count()} commands after {kills} kills"
        worker = nursery.start(one)
        time.sleep(chance.uniform(0.2, 0.5))
        nursery.kill(worker)
        kills += 1
    one.stop.touch()

    market = Market.objects.select_related("live").get(pk=one.markets[0])

    assert list(differences(market)) == []
    assert os.path.getsize(one.acks)
