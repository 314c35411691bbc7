"""No clock, two clocks, dying clocks: the news comes in order, heartbeats harm nobody."""

import random
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DataError, connection

from exchange import clock
from exchange.engines import variable
from exchange.engines.engine import EngineBug
from exchange.models import Command, LiveState, Market, MarketEvent, OutboxEvent, User
from exchange.services import duties, markets, outbox, settlement
from tests.factories import (
    active_market,
    buy,
    buy_later,
    contribute,
    funded_user,
    open_market,
    usdc,
)
from tests.faults.broker import Listener
from tests.faults.crowd import codes, together
from tests.faults.nursery import database_url
from tests.faults.scale import scaled
from tests.faults.site import Process
from tests.faults.test_carriers import log_without_gap
from tests.patience import PATIENCE_S

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600), pytest.mark.usefixtures("books")]

CLEARED_S_MAX = 30.0
BACKLOG = scaled(300, 6_000)
DEATHS = scaled(3, 20)


@pytest.fixture
def clocks(books: None) -> Iterator[list[Process]]:
    """Return two clock processes that do not run yet."""
    url = database_url(str(connection.settings_dict["NAME"]))
    pair = [Process("clock", DATABASE_URL=url) for _ in range(2)]
    yield pair
    for one in pair:
        one.remove()


@pytest.fixture
def listener(settings: Any) -> Iterator[Listener]:
    one = Listener(settings.REDIS_URL)
    assert one.listens.wait(10)
    yield one
    one.close()


def until(done: Any, within_s: float = CLEARED_S_MAX) -> None:
    deadline = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.05)


def all_published() -> bool:
    return not OutboxEvent.objects.exists()


def heard_all(listener: Listener, market: Market) -> bool:
    """Every batch was heard, and first in its order."""
    market.live.refresh_from_db()
    firsts = listener.firsts(market.pk)
    return firsts == list(range(1, market.live.batch_seq + 1))


def test_two_clocks_of_which_one_dies_publish_everything_in_order(
    clocks: list[Process], listener: Listener, chance: random.Random
) -> None:
    for one in clocks:
        one.start()
    both = [active_market(pool="100000") for _ in range(2)]
    user, stop = funded_user("100000"), threading.Event()

    def trade(market: Market) -> None:
        while not stop.is_set():
            buy(user, market, "5")
            time.sleep(0.01)
        connection.close()

    threads = [threading.Thread(target=trade, args=(m,), daemon=True) for m in both]
    for thread in threads:
        thread.start()
    for death in range(DEATHS):
        time.sleep(chance.uniform(0.3, 1.0))
        clocks[death % 2].kill()
        clocks[death % 2].start()
    stop.set()
    for thread in threads:
        thread.join(20)

    until(all_published)
    until(lambda: all(heard_all(listener, market) for market in both), 5)


def test_without_a_clock_orders_go_on_and_the_backlog_follows(
    clocks: list[Process], listener: Listener
) -> None:
    market, people = active_market(pool="100000"), [funded_user("100000") for _ in range(8)]

    def trade(user: User) -> None:
        for _ in range(BACKLOG // len(people)):
            buy(user, market, "5")

    assert codes(together([partial(trade, u) for u in people])) == {"ok": len(people)}
    waiting = OutboxEvent.objects.count()
    assert waiting > 0

    clocks[0].start()
    until(all_published, CLEARED_S_MAX)

    until(lambda: heard_all(listener, market), 5)


def test_heartbeats_of_two_clocks_harm_nobody() -> None:
    quiet = [active_market(pool="1000") for _ in range(3)]
    seqs = {market.pk: LiveState.objects.get(market=market).batch_seq for market in quiet}
    LiveState.objects.update(settled_at=clock.now() - timedelta(minutes=2))
    now_s = clock.now_s()

    outcomes = together([lambda: markets.heartbeats(now_s)] * 8)

    assert set(codes(outcomes)) == {"ok"}
    for market in quiet:
        log_without_gap(market)
        beats = Command.objects.filter(market=market, kind="heartbeat")
        assert beats.count() == 1
        assert LiveState.objects.get(market=market).batch_seq >= seqs[market.pk] + 1


def test_refunds_of_two_clocks_pay_once() -> None:
    market = open_market(soft_cap="10000", funding_seconds=60)
    people = [funded_user("100") for _ in range(20)]
    for user in people:
        contribute(user, market, "40.5")
    later = clock.now_s() + 61

    def pay() -> int:
        with clock.shifted(61):
            return markets.refunds_due(later)

    outcomes = together([pay] * 8)

    assert set(codes(outcomes)) == {"ok"}
    for user in people:
        assert user.accounts.get(kind="cash").balance_micro == usdc("100")


def test_commands_left_behind_are_settled_by_whichever_clock_comes(
    clocks: list[Process],
) -> None:
    market, users = active_market(pool="100000"), [funded_user("100") for _ in range(5)]
    for user in users:
        buy_later(user, market, "5")
    for one in clocks:
        one.start()

    until(lambda: not Command.objects.filter(batch_seq=None).exists())

    assert Command.objects.filter(market=market, kind="buy", accepted=True).count() == 5
    log_without_gap(market)


def keep_time_until(done: Any, within_s: float = PATIENCE_S) -> list[threading.Thread]:
    """Serve the time duty in a thread until `done`; return the thread if it is still well."""
    stop = threading.Event()
    thread = threading.Thread(
        target=duties.serve, args=("time-of-test", duties.keep_time, stop), daemon=True
    )
    thread.start()
    deadline = time.monotonic() + within_s
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)
    alive = [thread] if thread.is_alive() else []
    stop.set()
    thread.join(PATIENCE_S)
    return alive


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_market_that_cannot_refund_stops_itself_and_not_the_clock(monkeypatch: Any) -> None:
    """A broken invariant halts its own market at once and publicly, and nothing else."""
    broken, sound = (
        open_market(P0_init=price, soft_cap="10000", funding_seconds=60) for price in ("7", "10")
    )
    for market in (broken, sound):
        contribute(funded_user("100"), market, "40.5")
    real = variable.check_invariants

    def check(config: Any, before: Any, *others: Any) -> None:
        if before.p0_pico == 7 * 10**12:
            raise EngineBug("I3: Phi is -1")
        real(config, before, *others)

    monkeypatch.setattr(variable, "check_invariants", check)
    monkeypatch.setattr(clock, "now_s", lambda: int(time.time()) + 61)
    alive = keep_time_until(lambda: Market.objects.get(pk=sound.pk).status == "cancelled", 8)

    assert MarketEvent.objects.filter(market=broken, kind="halt").count() == 1
    assert Market.objects.get(pk=sound.pk).status == "cancelled"
    assert alive, "the clock's thread died"


def test_one_market_the_database_refuses_does_not_stop_the_others_heartbeats(
    monkeypatch: Any,
) -> None:
    sick, well = active_market(pool="1000"), active_market(pool="1000")
    buy_later(funded_user("100"), sick, "5")
    live = LiveState.objects.get(market=sick)
    monkeypatch.setattr(settlement, "_run", _spoiled(sick, settlement._run))
    LiveState.objects.update(settled_at=clock.now() - timedelta(minutes=2))

    def well_beats() -> bool:
        return Command.objects.filter(market=well, kind="heartbeat").exists()

    keep_time_until(well_beats, 8)

    assert well_beats()
    assert LiveState.objects.get(market=sick).batch_seq == live.batch_seq
    monkeypatch.undo()
    settlement.drain(sick.pk)


def _spoiled(sick: Market, real: Any) -> Any:
    def run(batch: Any) -> Any:
        if batch.market_id == sick.pk:
            raise DataError("bigint out of range")
        return real(batch)

    return run


def test_the_publisher_repeats_what_it_could_not_confirm(
    listener: Listener, monkeypatch: Any
) -> None:
    """Killed between publishing and deleting, the next one publishes again."""
    market, user = active_market(pool="1000"), funded_user("100")
    for _ in range(3):
        buy(user, market, "5")
    monkeypatch.setattr(outbox, "DELETE", f"{outbox.DELETE} AND false")
    outbox.publish(outbox.client())
    monkeypatch.undo()

    outbox.publish(outbox.client())

    # the contribution that opened it and three orders, each of them twice
    until(lambda: len(listener.heard[market.pk]) == 8, 5)
    assert all_published()
    assert heard_all(listener, market)
