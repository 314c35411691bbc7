"""A provider's profit is explained by parts that sum to it, to the micro."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import Unprocessable
from exchange.models import LiveState, Market, Stake, User
from exchange.selectors import stakes
from tests.factories import (
    active_market,
    buy,
    command,
    contribute,
    funded_user,
    oracle_moves,
    short,
    usdc,
)
from tests.stillness import still_clock  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("still_clock")]


def profit(user: User) -> stakes.Profit:
    stake = Stake.objects.get(user=user)
    return stakes.profit_of(stake, LiveState.objects.get(market=stake.market))


def assert_sums(found: stakes.Profit) -> None:
    parts = (found.fees_micro, found.surcharges_micro, found.oracle_micro, found.trading_micro)
    assert sum(parts) == found.total_micro


def test_oracle_that_rises_costs_the_providers_what_the_longs_gain() -> None:
    market = active_market(half_life="1000000000")
    provider = User.objects.get(stakes__market=market)
    buy(funded_user("1000"), market, "200")
    before = LiveState.objects.get(market=market).state

    oracle_moves(market, 30)

    after = LiveState.objects.get(market=market).state
    shift = after["p0_pico"] - before["p0_pico"]
    found = profit(provider)
    assert_sums(found)
    assert shift > 0
    assert found.oracle_micro == pytest.approx(-before["long_nano"] * shift // 10**15, abs=2)
    assert found.fees_micro > 0


def test_what_was_taken_out_still_counts() -> None:
    market = active_market(vesting=[[0, "0.5"], [180, "1"]])
    provider = User.objects.get(stakes__market=market)
    buy(funded_user("1000"), market, "200")
    oracle_moves(market, -30)
    before = profit(provider)

    command(provider, market, "claim")
    command(provider, market, "withdraw", units_nano=10**11)

    after = profit(provider)
    assert_sums(after)
    assert Stake.objects.get(user=provider).withdrawn_micro > 0
    assert after.total_micro == pytest.approx(before.total_micro, abs=2)
    assert after.oracle_micro == pytest.approx(before.oracle_micro, abs=2)


def test_newcomer_has_no_part_in_the_past() -> None:
    market, late = active_market(), funded_user("5000")
    buy(funded_user("1000"), market, "200")
    oracle_moves(market, -30, times=2)

    contribute(late, market, "1000")

    found = profit(late)
    assert_sums(found)
    assert found.oracle_micro == found.surcharges_micro == 0
    assert -2 <= found.total_micro <= 0


def take(step: str, market: Market, trader: User, late: User) -> None:
    match step:
        case "buy":
            buy(trader, market, "30")
        case "short":
            short(trader, market, "3")
        case "cover":
            command(trader, market, "buy", shares_nano=3 * 10**9, reduce_only=True)
        case "mint":
            contribute(late, market, "100")
        case "claim":
            command(late, market, "claim")
        case _:
            oracle_moves(market, 20 if step == "up" else -20)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.sampled_from(("buy", "short", "cover", "up", "down", "mint", "claim")),
        min_size=1,
        max_size=12,
    )
)
def test_parts_sum_whatever_happens(steps: list[str]) -> None:
    market, trader, late = active_market(), funded_user("5000"), funded_user("5000")
    for step in steps:
        with contextlib.suppress(Unprocessable):
            take(step, market, trader, late)

    for stake in Stake.objects.filter(market=market):
        found = profit(stake.user)
        assert_sums(found)
        assert abs(found.total_micro) < usdc("5000")
