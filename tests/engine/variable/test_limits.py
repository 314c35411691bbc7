from dataclasses import replace
from typing import Any

import pytest

from tests.engine.scene import (
    ALICE,
    BOB,
    DOLLAR,
    LOOSE,
    PLENTY,
    SHARE,
    USDC,
    Scene,
    filled,
    rejected,
)

LIMITS: list[tuple[str, dict[str, Any], int]] = [
    ("band", {}, 600),
    ("impact_cap", {"band": None, "impact_cap": "0.005"}, 600),
    ("oi_cap_long", {**LOOSE, "theta": "0.01"}, 600),
    ("capital_long", {**LOOSE, "kappa_open": "20"}, 600),
    ("account_cap", {**LOOSE, "acct_cap": "0.05"}, 600),
]


@pytest.mark.parametrize(("code", "params", "amount"), LIMITS)
def test_a_refusal_names_the_largest_amount_that_passes(
    code: str, params: dict[str, Any], amount: int
) -> None:
    scene = Scene.active(**params)
    scene.buy(BOB, 20 * USDC)

    most = rejected(scene.buy(ALICE, amount * USDC), code)["amount_max_micro"]

    rejected(scene.buy(ALICE, most + 1), code)
    filled(scene.buy(ALICE, most))


@pytest.mark.parametrize(("code", "params", "amount"), LIMITS)
def test_a_refusal_names_the_most_shares_that_pass(
    code: str, params: dict[str, Any], amount: int
) -> None:
    scene = Scene.active(**params)
    scene.buy(BOB, 20 * USDC)

    most = rejected(scene.buy(ALICE, amount * USDC), code)["shares_max_nano"]

    # room for the dust by which a purchase raises the free capital
    rejected(scene.buy(ALICE, shares_nano=most + 1000), code)
    filled(scene.buy(ALICE, shares_nano=most))


def test_a_refusal_gives_the_figure_and_its_limit() -> None:
    scene = Scene.active()

    numbers = rejected(scene.buy(ALICE, shares_nano=41 * SHARE), "band")

    assert numbers["market_pico"] == 10 * DOLLAR + 1025 * DOLLAR // 10_000
    assert numbers["market_max_pico"] == 10 * DOLLAR + DOLLAR // 10
    assert numbers["shares_max_nano"] == 40 * SHARE


def test_capital_is_checked_after_the_leg() -> None:
    scene = Scene.active(**LOOSE, kappa_open="20")

    numbers = rejected(scene.buy(ALICE, shares_nano=60 * SHARE), "capital_long")

    assert numbers["needed_micro"] == 12_180 * USDC
    assert numbers["free_micro"] == 10_000 * USDC


@pytest.mark.parametrize("cash", [0, 999_999, 1_000_000, 50_000_001])
def test_too_little_money_names_what_it_would_buy(cash: int) -> None:
    scene = Scene.active()
    scene.traders[ALICE] = replace(scene.traders[ALICE], cash_micro=cash)

    numbers = rejected(scene.buy(ALICE, 60 * USDC), "insufficient_funds")

    assert (numbers["needed_micro"], numbers["cash_micro"]) == (60 * USDC, cash)
    most = cash if cash >= USDC else 0
    assert numbers["amount_max_micro"] == most
    if most > USDC:
        shares = numbers["shares_max_nano"]
        rejected(scene.buy(ALICE, shares_nano=shares + 300), "insufficient_funds")
        filled(scene.buy(ALICE, shares_nano=shares))


def test_the_last_micro_can_be_spent() -> None:
    scene = Scene.active()
    scene.traders[ALICE] = replace(scene.traders[ALICE], cash_micro=60 * USDC)

    filled(scene.buy(ALICE, 60 * USDC))

    assert scene.traders[ALICE].cash_micro == 0


@pytest.mark.parametrize(("amount", "code"), [(999_999, "too_small"), (1_000_000, "")])
def test_the_smallest_purchase(amount: int, code: str) -> None:
    result = Scene.active().buy(ALICE, amount)

    if code:
        assert rejected(result, code) == {"value_micro": amount, "value_min_micro": USDC}
    else:
        filled(result)


def test_an_amount_that_buys_no_share_is_too_small() -> None:
    scene = Scene.active(min_open="0", P0_init="9000000")

    rejected(scene.buy(ALICE, 1), "too_small")
    rejected(scene.buy(ALICE, 5000), "too_small")


@pytest.mark.parametrize(("age_s", "fresh"), [(1800, True), (1801, False)])
def test_an_old_oracle_stops_opens_but_no_close(age_s: int, fresh: bool) -> None:
    scene = Scene.active()
    scene.buy(ALICE, 100 * USDC)
    scene.now_s = age_s

    result = scene.buy(BOB, 10 * USDC)

    if fresh:
        filled(result)
    else:
        assert rejected(result, "oracle_stale") == {"age_s": 1801, "age_max_s": 1800}
    filled(scene.sell(ALICE, SHARE))


def test_a_barred_trader_closes_and_does_not_open() -> None:
    scene = Scene.active()
    scene.buy(ALICE, 100 * USDC)
    scene.traders[ALICE] = replace(scene.traders[ALICE], opens_barred=True)

    assert rejected(scene.buy(ALICE, 10 * USDC), "closed_only") == {"reason": "barred"}
    filled(scene.sell(ALICE, SHARE))


def test_a_market_in_wind_down_closes_and_does_not_open() -> None:
    scene = Scene.active()
    scene.buy(ALICE, 100 * USDC)
    scene.state = replace(scene.state, status="winding")

    assert rejected(scene.buy(ALICE, 10 * USDC), "closed_only") == {"reason": "winding"}
    filled(scene.sell(ALICE, SHARE))


def test_where_nothing_passes_the_largest_is_zero() -> None:
    scene = Scene.active()
    scene.buy(BOB, shares_nano=40 * SHARE)

    numbers = rejected(scene.buy(ALICE, 10 * USDC), "band")

    assert (numbers["shares_max_nano"], numbers["amount_max_micro"]) == (0, 0)


def test_a_flat_curve_is_limited_by_capital_alone() -> None:
    scene = Scene.active(k="0")

    numbers = rejected(scene.buy(ALICE, 20_000 * USDC), "capital_long")

    assert numbers["shares_max_nano"] == 1000 * SHARE
    filled(scene.buy(ALICE, shares_nano=1000 * SHARE))


def test_a_flat_curve_above_the_band_takes_nothing() -> None:
    scene = Scene.active(k="0")
    scene.state = replace(scene.state, p0_pico=11 * DOLLAR)

    assert rejected(scene.buy(ALICE, 20 * USDC), "band")["amount_max_micro"] == 0


def test_no_capital_left_takes_nothing() -> None:
    scene = Scene.active(**LOOSE)
    scene.state = replace(scene.state, pool_micro=0)

    assert rejected(scene.buy(ALICE, 20 * USDC), "capital_long")["amount_max_micro"] == 0
    assert scene.traders[ALICE].cash_micro == PLENTY


def test_two_fees_that_both_round_up_still_fit() -> None:
    scene = Scene.active()
    scene.now_s = 3000
    scene.state = replace(scene.state, last_oracle_s=1200)
    for cash in range(5 * USDC, 5 * USDC + 40):
        scene.traders[ALICE] = replace(scene.traders[ALICE], cash_micro=cash)

        most = rejected(scene.buy(ALICE, 60 * USDC), "insufficient_funds")["shares_max_nano"]

        fill = filled(Scene.of(scene).buy(ALICE, shares_nano=most))
        assert cash - 1 <= fill.net_micro <= cash
