"""The wall clock jumps: a market's own time never goes back, and its batches keep counting."""

import random

import pytest

from exchange import clock
from exchange.errors import Unprocessable
from exchange.models import Command, LiveState, Market, OracleMove, Stake, Tick
from exchange.services import commands, markets, ticks
from tests.factories import active_market, buy, contribute, funded_user, key, open_market, usdc
from tests.faults import elsewhere
from tests.faults.scale import scaled

pytestmark = [pytest.mark.fault, pytest.mark.django_db]

DAY_S, HOUR_S = 86_400, 3_600
JUMPS = (0, -DAY_S, -HOUR_S, HOUR_S, DAY_S, -1, 1, 59, -400 * DAY_S)
REPORTS = [{"delta_pico": 10**10, "confidence_e8": 9 * 10**7}] * 3


def time_only_goes_on(market: Market) -> None:
    """Batches count 1, 2, 3 and none is earlier than the one before it."""
    seen = list(Tick.objects.filter(market=market).order_by("seq").values_list("seq", "at"))
    assert [seq for seq, _ in seen] == list(range(1, len(seen) + 1))
    times = [at for _, at in seen]
    assert times == sorted(times)
    log = Command.objects.filter(market=market).order_by("seq")
    settled = [settled_s or 0 for settled_s in log.values_list("settled_s", flat=True)]
    assert settled == sorted(settled)
    live = LiveState.objects.get(market=market)
    assert live.batch_seq == len(seen)
    assert live.last_tick["t"] == live.state["t_s"] == int(times[-1].timestamp())


def test_batches_keep_counting_and_never_go_back(chance: random.Random) -> None:
    market, user = active_market(pool="100000", max_stale="864000"), funded_user("100000")

    for _ in range(scaled(60, 2_000)):
        with clock.shifted(chance.choice(JUMPS) + chance.randint(-3, 3)):
            elsewhere.submit(
                market_id=market.pk,
                kind=chance.choice(["heartbeat"]),
                payload={},
                key=key(),
            )
            try:
                buy(user, market, "5")
            except Unprocessable as refusal:
                # after a jump ahead the oracle's last word may be too old to open
                assert refusal.code == "oracle_stale"

    time_only_goes_on(market)


@pytest.mark.parametrize("jump", JUMPS)
def test_one_jump_and_back_leaves_the_market_open(jump: int) -> None:
    market, user = active_market(pool="100000", quorum=1), funded_user("1000")
    with clock.shifted(jump):
        markets.oracle_apply(market_id=market.pk, reports=REPORTS, ref=key())
        buy(user, market, "5")

    markets.oracle_apply(market_id=market.pk, reports=REPORTS, ref=key())
    assert buy(user, market, "5").accepted

    time_only_goes_on(market)
    assert OracleMove.objects.filter(market=market).count() == 2


def test_caps_of_a_day_are_not_renewed_by_jumping_between_days() -> None:
    """A day's budget belongs to the market's own day: a swinging clock gains none."""
    market = active_market(pool="100000", quorum=1, conf_shrink=False)
    first = LiveState.objects.get(market=market).state["f_pico"]
    up = [{"delta_pico": 3 * 10**11, "confidence_e8": 10**8}] * 3

    for n in range(30):
        with clock.shifted(0 if n % 2 else -DAY_S):
            markets.oracle_apply(market_id=market.pk, reports=up, ref=key())

    state = LiveState.objects.get(market=market).state
    assert state["f_pico"] <= first * 120 // 100
    time_only_goes_on(market)


def test_a_funding_window_does_not_reopen_when_the_clock_goes_back() -> None:
    market, user = open_market(soft_cap="1000", funding_seconds=60), funded_user("1000")
    contribute(user, market, "20")
    with clock.shifted(61):
        markets.refunds_due(clock.now_s())

    with pytest.raises(Unprocessable):
        contribute(user, market, "20")

    market.refresh_from_db()
    assert market.status == "cancelled"
    assert user.accounts.get(kind="cash").balance_micro == usdc("1000")


def test_a_jump_ahead_does_not_refund_twice_nor_again_after_it() -> None:
    market, user = open_market(soft_cap="1000", funding_seconds=60), funded_user("1000")
    contribute(user, market, "20")

    for jump in (61, 0, DAY_S, 61):
        with clock.shifted(jump):
            markets.refunds_due(clock.now_s())

    assert user.accounts.get(kind="cash").balance_micro == usdc("1000")
    assert Stake.objects.get(user=user).units_nano == 0


def test_heartbeats_go_on_after_a_jump_ahead_was_undone() -> None:
    """A minute after a visit to tomorrow a quiet market is beaten like any other."""
    market = active_market(pool="1000")
    with clock.shifted(DAY_S):
        markets.heartbeat(market.pk, clock.now_s())
    before = LiveState.objects.get(market=market).batch_seq

    with clock.shifted(120):
        beaten = markets.heartbeats(clock.now_s())

    assert beaten == 1
    assert LiveState.objects.get(market=market).batch_seq == before + 1


@pytest.mark.parametrize("jump", [-DAY_S, DAY_S, -400 * DAY_S, 400 * DAY_S])
def test_ticks_find_a_place_on_any_day_and_recent_ones_are_kept(jump: int) -> None:
    market, user = active_market(pool="1000"), funded_user("100")
    with clock.shifted(jump):
        commands.submit(market_id=market.pk, kind="heartbeat", payload={}, key=key())
        ticks.maintain()
        commands.submit(market_id=market.pk, kind="heartbeat", payload={}, key=key())
    buy_code = ""
    try:
        buy(user, market, "5")
    except Unprocessable as refusal:
        buy_code = refusal.code

    assert buy_code in {"", "oracle_stale"}
    live = LiveState.objects.get(market=market)
    assert Tick.objects.filter(market=market).count() == live.batch_seq
