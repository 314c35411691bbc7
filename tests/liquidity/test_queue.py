"""The forecast of the queue against days that can be counted by hand."""

from dataclasses import replace

import pytest

from liquidity.core.queue import DAY_S, Forecast, Pool, Waiting, forecast

NOW = 20_000 * DAY_S + 3_600
DAY_START = 20_000 * DAY_S
# 1,000 USDC in 1,000 units; 100 USDC leave in a day, an hour after midnight.
POOL = Pool(
    now_s=NOW,
    equity_micro=10**9,
    units_nano=10**12,
    room_micro=10**8,
    free_micro=10**9,
    daily_cap_e8=10**7,
    delay_s=DAY_S,
)


def waiting(units: int, age_s: int = 2 * DAY_S) -> Waiting:
    return Waiting(units_nano=units * 10**9, placed_s=NOW - age_s)


def test_an_old_request_within_the_room_is_paid_now() -> None:
    assert forecast(POOL, [waiting(100)]) == Forecast(first_s=NOW, last_s=NOW)


def test_a_young_request_waits_for_its_notice() -> None:
    due = NOW + DAY_S + 1

    assert forecast(POOL, [waiting(10, age_s=0)]) == Forecast(first_s=due, last_s=due)


def test_a_large_request_drains_over_days() -> None:
    found = forecast(POOL, [waiting(250)])

    # 100, then a tenth of 900 and of 810: the room shrinks with the pool
    assert found == Forecast(first_s=NOW, last_s=DAY_START + 2 * DAY_S)


def test_one_unit_more_than_the_room_takes_another_day() -> None:
    exact = forecast(POOL, [waiting(100)])
    over = forecast(POOL, [Waiting(units_nano=100 * 10**9 + 1000, placed_s=NOW - 2 * DAY_S)])

    assert exact.last_s == NOW
    assert over.last_s == DAY_START + DAY_S


def test_nobody_is_skipped() -> None:
    """A small old request behind a large one waits for it."""
    found = forecast(POOL, [waiting(150), waiting(1)])

    assert found == Forecast(first_s=DAY_START + DAY_S, last_s=DAY_START + DAY_S)


def test_a_young_head_holds_up_an_old_second() -> None:
    due = NOW + DAY_S + 1

    assert forecast(POOL, [waiting(1, age_s=0), waiting(1)]).last_s == due


def test_capital_that_backs_positions_is_not_in_sight() -> None:
    found = forecast(replace(POOL, free_micro=50 * 10**6), [waiting(100)])

    assert found == Forecast(first_s=NOW, last_s=None)


@pytest.mark.parametrize("change", [{"equity_micro": 0}, {"room_micro": 0, "daily_cap_e8": 0}])
def test_a_pool_that_pays_nothing_promises_nothing(change: dict[str, int]) -> None:
    assert forecast(replace(POOL, **change), [waiting(1)]) == Forecast(first_s=None, last_s=None)


def test_an_empty_queue_has_no_date() -> None:
    assert forecast(POOL, []) == Forecast(first_s=None, last_s=None)
