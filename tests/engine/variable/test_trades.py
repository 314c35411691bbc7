from dataclasses import replace
from typing import Any

import pytest

from exchange.engines import variable
from tests.engine.scene import ALICE, BOB, DOLLAR, PLENTY, SHARE, USDC, Scene, filled, rejected


def test_a_purchase_by_amount_takes_exactly_the_amount() -> None:
    scene = Scene.active()

    fill = filled(scene.buy(ALICE, 100 * USDC))

    alice = scene.traders[ALICE]
    assert fill.shares_nano == 9_937_655_375
    assert (fill.net_micro, fill.fee_micro, fill.surcharge_micro) == (100 * USDC, 500_000, 0)
    assert (alice.cash_micro, alice.entry_micro) == (PLENTY - 100 * USDC, 99_500_000)
    assert scene.state.pool_micro == 10_099_500_000
    assert (scene.state.lp_fees_micro, scene.state.treasury_micro) == (450_000, 50_000)


def test_a_purchase_by_number_pays_fees_of_the_gross() -> None:
    fill = filled(Scene.active().buy(ALICE, shares_nano=10 * SHARE))

    assert (fill.value_micro, fill.fee_micro, fill.net_micro) == (
        100_125_000,
        503_141,
        100_628_141,
    )
    assert fill.price_pico == 10_012_500_000_000
    assert fill.market_before_pico == 10 * DOLLAR
    assert fill.market_pico == 10_025_000_000_000


def test_a_sale_of_everything_realises_the_whole_entry() -> None:
    scene = Scene.active()
    scene.buy(ALICE, 100 * USDC)

    fill = filled(scene.sell(ALICE, 9_937_655_375))

    alice = scene.traders[ALICE]
    assert (fill.value_micro, fill.net_micro, fill.realised_micro) == (99_499_999, 99_002_499, -1)
    assert (alice.shares_nano, alice.entry_micro, alice.realised_micro) == (0, 0, -1)


def test_a_part_sold_takes_its_part_of_the_entry_rounded_up() -> None:
    scene = Scene.active()
    scene.buy(ALICE, 100 * USDC)

    filled(scene.sell(ALICE, target_micro=40 * USDC))

    assert scene.traders[ALICE].entry_micro == 59_529_668
    assert scene.traders[ALICE].realised_micro == 29_668


def test_a_fill_carries_what_the_result_sums_up() -> None:
    scene = Scene.active()

    result = filled(scene.buy(ALICE, 100 * USDC))

    fill = result.legs[0]
    assert scene.last.fills == result.legs
    assert (fill.side, fill.leg, fill.trader) == ("buy", "open_long", ALICE)
    assert fill.lp_fee_micro == 450_000
    assert filled(scene.sell(ALICE, SHARE)).legs[0].leg == "close_long"


def test_the_surcharge_goes_to_the_pool() -> None:
    scene = Scene.active()
    scene.now_s = 3000
    scene.state = replace(scene.state, last_oracle_s=1200)

    fill = filled(scene.buy(ALICE, 100 * USDC))

    assert fill.surcharge_micro == 353_554
    assert fill.value_micro + fill.surcharge_micro + fill.fee_micro == 100 * USDC
    assert scene.state.pool_micro == 10_000 * USDC + fill.value_micro + fill.surcharge_micro


def test_a_sale_pays_no_surcharge() -> None:
    scene = Scene.active()
    scene.buy(ALICE, 100 * USDC)
    scene.now_s = 10**6

    assert filled(scene.sell(ALICE, SHARE)).surcharge_micro == 0


@pytest.mark.parametrize(("guard", "code"), [(9_937_655_375, None), (9_937_655_376, "slippage")])
def test_min_shares_guards_a_purchase(guard: int, code: str | None) -> None:
    result = Scene.active().buy(ALICE, 100 * USDC, min_shares_nano=guard)

    assert (result.code if isinstance(result, variable.Rejected) else None) == code


@pytest.mark.parametrize(("guard", "code"), [(100_628_141, None), (100_628_140, "slippage")])
def test_max_cost_guards_a_purchase(guard: int, code: str | None) -> None:
    result = Scene.active().buy(ALICE, shares_nano=10 * SHARE, max_cost_micro=guard)

    assert (result.code if isinstance(result, variable.Rejected) else None) == code


@pytest.mark.parametrize(("guard", "code"), [(99_002_499, None), (99_002_500, "slippage")])
def test_min_out_guards_a_sale(guard: int, code: str | None) -> None:
    scene = Scene.active()
    scene.buy(ALICE, 100 * USDC)

    result = scene.sell(ALICE, 9_937_655_375, min_out_micro=guard)

    assert (result.code if isinstance(result, variable.Rejected) else None) == code


def test_a_refused_guard_changes_nothing() -> None:
    scene = Scene.active()
    before = scene.state

    rejected(scene.buy(ALICE, 100 * USDC, min_shares_nano=10**12), "slippage")

    assert scene.state == before
    assert (scene.last.fills, scene.last.postings, scene.last.traders) == ((), (), {})


@pytest.mark.parametrize(
    "wishes",
    [
        {},
        {"amount_micro": 1, "shares_nano": 1},
        {"amount_micro": 0},
        {"amount_micro": -5},
        {"shares_nano": -1},
        {"amount_micro": 5, "min_shares_nano": -1},
        {"amount_micro": 5, "max_cost_micro": -1},
    ],
)
def test_a_purchase_needs_one_size_above_zero(wishes: dict[str, Any]) -> None:
    scene = Scene.active()

    rejected(scene.batch(variable.Buy(seq=1, trader=ALICE, **wishes))[0], "args")


@pytest.mark.parametrize(
    "wishes",
    [
        {},
        {"shares_nano": 1, "target_micro": 1},
        {"target_micro": 0},
        {"shares_nano": 1, "min_out_micro": -1},
    ],
)
def test_a_sale_needs_one_size_above_zero(wishes: dict[str, Any]) -> None:
    scene = Scene.active()

    rejected(scene.batch(variable.Sell(seq=1, trader=ALICE, **wishes))[0], "args")


def test_a_sale_that_may_only_reduce_is_bound_to_the_holding() -> None:
    scene = Scene.active()
    scene.buy(ALICE, shares_nano=5 * SHARE)

    numbers = rejected(scene.sell(ALICE, 5 * SHARE + 1, reduce_only=True), "no_position")

    assert numbers["held_nano"] == 5 * SHARE
    assert numbers["asked_nano"] == 5 * SHARE + 1
    filled(scene.sell(ALICE, target_micro=numbers["target_max_micro"]))


def test_a_target_past_the_holding_names_the_largest() -> None:
    scene = Scene.active()
    scene.buy(ALICE, shares_nano=5 * SHARE)

    numbers = rejected(scene.sell(ALICE, target_micro=60 * USDC, reduce_only=True), "no_position")

    most = numbers["target_max_micro"]
    rejected(scene.sell(ALICE, target_micro=most + 1, reduce_only=True), "no_position")
    filled(scene.sell(ALICE, target_micro=most))


def test_a_target_past_the_curve_names_its_depth() -> None:
    scene = Scene.active()

    numbers = rejected(scene.sell(ALICE, target_micro=20_001 * USDC), "curve_depth")

    assert numbers["target_max_micro"] == 20_000 * USDC


def test_no_trade_before_activation() -> None:
    scene = Scene()

    rejected(scene.buy(ALICE, USDC), "not_active")
    rejected(scene.sell(ALICE, USDC), "not_active")


def test_the_second_buyer_pays_more_and_the_first_leaves_higher() -> None:
    scene = Scene.active()
    first = filled(scene.buy(ALICE, 100 * USDC))
    second = filled(scene.buy(BOB, 100 * USDC))

    out = filled(scene.sell(ALICE, first.shares_nano))

    assert second.shares_nano < first.shares_nano
    assert out.realised_micro == 246_282


def test_the_smallest_sale_pays_nothing_and_is_allowed() -> None:
    scene = Scene.active()
    scene.buy(ALICE, shares_nano=SHARE)

    fill = filled(scene.sell(ALICE, 1))

    assert (fill.value_micro, fill.net_micro, fill.realised_micro) == (0, 0, -1)
