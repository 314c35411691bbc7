"""What the calendar brings happens once, by itself, to whom it is due and to nobody else."""

from datetime import timedelta
from typing import Any

import pytest

from exchange import clock
from exchange.models import Command, LiveState, Market, Position, RestingOrder, Stake, User
from exchange.services import due, markets, settlement
from exchange.services.batch import Request
from tests.factories import (
    active_market,
    buy,
    command,
    contribute,
    funded_user,
    key,
    oracle_moves,
    short,
    usdc,
)

pytestmark = pytest.mark.django_db

DAY_S = 86_400


def provider_of(market: Market) -> User:
    return User.objects.get(stakes__market=market)


def state(market: Market) -> dict[str, Any]:
    found: dict[str, Any] = LiveState.objects.get(market=market).state
    return found


def test_a_queued_withdrawal_is_paid_after_its_notice_and_not_before() -> None:
    market = active_market(vesting=[[0, "1"]])
    provider = provider_of(market)
    command(provider, market, "queue_withdrawal", units_nano=10**11)
    now_s = clock.now_s()

    assert due.queues(now_s) == 0
    with clock.shifted(DAY_S + 60):
        assert due.queues(clock.now_s()) == 1
        assert due.queues(clock.now_s()) == 0

    assert RestingOrder.objects.get(market=market).status == "filled"
    assert Stake.objects.get(user=provider).withdrawn_micro == usdc("100")


def test_the_head_of_a_long_queue_drains_over_days_and_nobody_is_skipped() -> None:
    market, late = active_market(vesting=[[0, "1"]]), funded_user("500")
    provider = provider_of(market)
    contribute(late, market, "500")
    command(provider, market, "queue_withdrawal", units_nano=2_000 * 10**9)
    command(late, market, "queue_withdrawal", units_nano=100 * 10**9)

    with clock.shifted(DAY_S + 3_700):
        due.queues(clock.now_s())
    head, behind = RestingOrder.objects.order_by("ref")
    assert (head.status, behind.status) == ("open", "open")
    assert 0 < head.item["units_nano"] < 2_000 * 10**9
    for day in (2, 3):
        with clock.shifted(day * DAY_S + 3_700):
            due.queues(clock.now_s())

    assert set(RestingOrder.objects.values_list("status", flat=True)) == {"filled"}


def test_a_market_that_recalibrates_does_so_once_a_day() -> None:
    market, still = active_market(day_max="1"), active_market(day_max="1")
    Market.objects.filter(pk=market.pk).update(recalibrates=True)
    for place in (market, still):
        oracle_moves(place, 30, times=3)
    before = state(market)["k_atto"]

    now_s = clock.now_s()
    assert due.recalibrations(now_s) == 1
    assert due.recalibrations(now_s) == 0

    assert before < state(market)["k_atto"] <= before * 11 // 10
    assert state(still)["k_atto"] == before
    assert Command.objects.filter(kind="recalibrate").count() == 1


def test_a_market_in_wind_down_settles_when_its_hour_comes() -> None:
    market, alice, bob = active_market(), funded_user("1000"), funded_user("1000")
    buy(alice, market, "100")
    short(bob, market, "5")
    settle_at_s = clock.now_s() + DAY_S
    settlement.drain(market.pk, [Request("wind_down", {"settle_at_s": settle_at_s}, key())])

    assert due.settlements(settle_at_s - 1) == 0
    with clock.shifted(DAY_S + 1):
        assert due.settlements(clock.now_s()) == 1
        assert due.settlements(clock.now_s()) == 0

    assert state(market)["status"] == "settled"
    assert not Position.objects.exclude(shares_nano=0).exists()
    assert command(provider_of(market), market, "withdraw", units_nano=10**12)


def test_a_busy_market_gets_its_heartbeat_when_a_timed_exit_or_a_commit_is_due() -> None:
    exits, commits, quiet = (active_market() for _ in range(3))
    alice = funded_user("5000")
    for market in (exits, commits, quiet):
        buy(alice, market, "50")
    held = Position.objects.get(user=alice, market=exits).shares_nano
    command(alice, exits, "timed_exit", shares_nano=held, chunks=2, interval_s=3600)
    command(alice, commits, "buy", amount_micro=usdc("700"), commit=True)

    assert markets.heartbeats(clock.now_s()) == 1
    RestingOrder.objects.filter(kind="commit").update(
        placed_at=clock.now() - timedelta(seconds=1801)
    )
    assert markets.heartbeats(clock.now_s()) == 1

    assert Position.objects.get(user=alice, market=exits).shares_nano == held - held // 2
