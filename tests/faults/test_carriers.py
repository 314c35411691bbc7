"""One caller carries for many: everybody is answered, in order, and one carrier at a time."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from django.db import connection

from exchange.errors import Unavailable
from exchange.models import Command, LiveState, Market, MarketEvent, Tick, User
from exchange.services import batch_load, batch_write, commands, settlement
from exchange.services.batch import Receipt, Request
from tests.factories import active_market, buy, contribute, funded_user, key, open_market, usdc
from tests.faults import elsewhere
from tests.faults.crowd import codes, together
from tests.faults.scale import scaled
from tests.patience import PATIENCE_S

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900), pytest.mark.usefixtures("books")]

THREADS = 64
ROUNDS = scaled(5, 100)


class Watch:
    """Stands in for the drain and counts who is inside; it can also spoil one of them."""

    def __init__(self, spoil: Callable[[], None] | None = None) -> None:
        self.inside: dict[int, int] = {}
        self.most = 0
        self.sizes: list[int] = []
        self.spoil = spoil
        self.lock = threading.Lock()
        self.drain = settlement.drain

    def __call__(self, market_id: int, requests: Sequence[Request] = ()) -> list[Any]:
        with self.lock:
            self.inside[market_id] = self.inside.get(market_id, 0) + 1
            self.most = max(self.most, self.inside[market_id])
            self.sizes.append(len(requests))
        try:
            if self.spoil:
                self.spoil()
            return self.drain(market_id, requests)
        finally:
            with self.lock:
                self.inside[market_id] -= 1


def ordering(user: User, market: Market, name: str) -> Callable[[], Receipt]:
    return lambda: buy(user, market, "5", key_=name)


def log_without_gap(market: Market) -> None:
    """The log counts 1, 2, 3, and every batch has its one tick."""
    live = LiveState.objects.get(market=market)
    rows = Command.objects.filter(market=market).order_by("seq")
    assert [row.seq for row in rows] == list(range(1, live.command_seq + 1))
    batches = [row.batch_seq for row in rows]
    assert batches == sorted(batches)  # type: ignore[type-var]
    ticks = Tick.objects.filter(market=market).order_by("seq").values_list("seq", flat=True)
    assert list(ticks) == list(range(1, live.batch_seq + 1))
    assert set(batches) == set(ticks)


def test_every_caller_is_answered_by_one_carrier_at_a_time(monkeypatch: Any) -> None:
    market, people = active_market(pool="100000"), [funded_user("1000") for _ in range(8)]
    watch = Watch()
    monkeypatch.setattr(settlement, "drain", watch)

    for _ in range(ROUNDS):
        orders = [ordering(people[n % len(people)], market, key()) for n in range(THREADS)]
        answers = together(orders)
        assert codes(answers) == {"ok": THREADS}

    log_without_gap(market)
    assert watch.most == 1
    assert max(watch.sizes) > 1, "nobody ever shared a batch"
    assert not commands._queues[market.pk].tickets
    assert not commands._queues[market.pk].attended


def test_processes_beside_each_other_leave_no_gap() -> None:
    market, people = active_market(pool="100000"), [funded_user("1000") for _ in range(8)]

    def order(number: int) -> Callable[[], Receipt]:
        submit = elsewhere.submit if number % 4 else commands.submit
        payload = {"amount_micro": usdc("5")}
        user = people[number % len(people)]
        return lambda: submit(
            market_id=market.pk, kind="buy", payload=payload, key=key(), user_id=user.pk
        )

    for _ in range(ROUNDS):
        assert codes(together([order(n) for n in range(THREADS)])) == {"ok": THREADS}

    log_without_gap(market)


def test_more_callers_than_a_batch_takes_are_all_answered(monkeypatch: Any) -> None:
    monkeypatch.setattr(batch_load, "BATCH_MAX", 5)
    market, user = active_market(pool="100000"), funded_user("1000")
    watch = Watch()
    monkeypatch.setattr(settlement, "drain", watch)

    answers = together([ordering(user, market, key()) for _ in range(THREADS)])

    assert codes(answers) == {"ok": THREADS}
    assert max(watch.sizes) <= 5
    log_without_gap(market)


def end_own_connection() -> None:
    """End this thread's session from another one, as an operator or a fail-over would."""
    connection.ensure_connection()
    assert connection.connection is not None
    victim = connection.connection.info.backend_pid
    end(victim)


def end(victim: int) -> None:
    with connection.copy().temporary_connection() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [victim])


@pytest.mark.parametrize("when", ["before the lock", "before the write", "before the commit"])
def test_a_carrier_whose_connection_dies_fails_everybody_and_a_retry_succeeds_once(
    monkeypatch: Any, when: str
) -> None:
    market, people = active_market(pool="100000"), [funded_user("1000") for _ in range(8)]
    asked = [(people[n % 8], key()) for n in range(THREADS)]
    once = iter([True])

    def die(*_: object) -> None:
        if next(once, False):
            end_own_connection()

    spoil_drain(monkeypatch, when, die)
    first = together([ordering(user, market, name) for user, name in asked])
    retried = together([ordering(user, market, name) for user, name in asked])

    assert set(codes(first)) <= {"ok", "store_down"}
    failed = [answer for answer in first if isinstance(answer, Unavailable)]
    assert failed
    assert codes(retried) == {"ok": THREADS}
    for before, after in zip(first, retried, strict=True):
        assert isinstance(after, Receipt)
        if isinstance(before, Receipt):
            assert (before.id, before.seq, before.result) == (after.id, after.seq, after.result)
    names = [name for _, name in asked]
    rows = Command.objects.filter(market=market, key__in=names)
    assert sorted(rows.values_list("key", flat=True)) == sorted(names)
    log_without_gap(market)


def spoil_drain(monkeypatch: Any, when: str, die: Callable[..., None]) -> None:
    """Call `die` at that moment of a settlement."""
    if when == "before the lock":
        monkeypatch.setattr(settlement, "drain", Watch(die))
        return
    place, name = {
        "before the write": (settlement, "_run"),
        "before the commit": (batch_write, "_receipt"),
    }[when]
    real = getattr(place, name)

    def spoiled(*args: Any) -> Any:
        done = real(*args)
        die()
        return done

    monkeypatch.setattr(place, name, spoiled)


def test_a_carrier_who_is_interrupted_leaves_the_queue_to_the_others(monkeypatch: Any) -> None:
    """Ctrl-C and exits are no Exception; whoever comes next must not wait for the one who left."""
    market, user = active_market(pool="100000"), funded_user("1000")
    once = iter([True])

    def interrupt() -> None:
        if next(once, False):
            raise KeyboardInterrupt

    monkeypatch.setattr(settlement, "drain", Watch(interrupt))
    monkeypatch.setattr(commands, "WAIT_S_MAX", 2.0)
    with pytest.raises(KeyboardInterrupt):
        buy(user, market, "5")

    began = time.monotonic()
    assert codes(together([ordering(user, market, key())] * 2)) == {"ok": 2}
    assert time.monotonic() - began < PATIENCE_S


def wait(gate: threading.Event) -> None:
    gate.wait(10)


def test_a_slow_carrier_is_given_up_on_and_the_key_still_works(monkeypatch: Any) -> None:
    market, user = active_market(pool="100000"), funded_user("1000")
    gate = threading.Event()
    watch = Watch(lambda: wait(gate))
    monkeypatch.setattr(settlement, "drain", watch)
    monkeypatch.setattr(commands, "WAIT_S_MAX", 0.5)
    names = [key() for _ in range(16)]
    release = threading.Timer(2, gate.set)
    release.start()

    first = codes(together([ordering(user, market, name) for name in names]))
    release.join()
    again = codes(together([ordering(user, market, name) for name in names]))

    assert first["busy"] >= 14
    assert set(first) <= {"ok", "busy"}
    assert again == {"ok": 16}
    assert Command.objects.filter(user=user).count() == 16
    assert not commands._queues[market.pk].attended


def test_the_last_contributions_of_two_processes_activate_a_market_once() -> None:
    """The status is read with the lock: whoever waited for it must not see the older one."""
    for _ in range(scaled(5, 50)):
        market = open_market(soft_cap="100", hard_cap="25000")
        people = [funded_user("1000") for _ in range(6)]
        contribute(people[0], market, "90")

        outcomes = together(
            [
                partial(
                    elsewhere.submit,
                    market_id=market.pk,
                    kind="contribute" if user is people[1] else "buy",
                    payload={"amount_micro": usdc("10")},
                    key=key(),
                    user_id=user.pk,
                )
                for user in people[1:]
            ]
        )

        assert codes(outcomes)["ok"] >= 1
        market.refresh_from_db()
        assert market.status == "active"
        assert MarketEvent.objects.filter(market=market, kind="active").count() == 1
