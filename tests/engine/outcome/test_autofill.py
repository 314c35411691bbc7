from fractions import Fraction
from typing import Any

import pytest

from exchange.engines import outcome
from tests.engine.outcome.scene import ALICE, BOB, CHARLIE, DAVE, TOKEN, USDC, Scene

WIDE: dict[str, Any] = {
    "zeta_start": "0.3", "kappa_start": "0", "af_cap_frac": "0.2", "af_max_surplus": "0.5",
}  # fmt: skip
YES_0, YES_1, NO_1, YES_2 = 0, 2, 3, 4


def _autos(scene: Scene) -> list[outcome.Fill]:
    return [fill for fill in scene.last.fills if fill.kind == "auto"]


def test_a_bid_that_others_bring_within_reach_is_filled_at_its_limit() -> None:
    scene = Scene(WIDE)
    scene.buy(BOB, YES_1, 200, price=49, auto_fill=True)
    scene.buy(CHARLIE, YES_2, 200, price=49)

    scene.buy(ALICE, YES_0, 1_500)

    (fill,) = _autos(scene)
    assert (fill.buyer, fill.price_pico) == (BOB, 49 * 10**10)
    surplus = fill.amount_micro - fill.maker_micro
    assert surplus == fill.rebate_micro + fill.seigniorage_micro
    assert fill.seigniorage_micro == -(-surplus // 2)
    assert scene.state.seigniorage_micro == fill.seigniorage_micro
    stored = scene.frontier.orders[fill.buy_order or 0]
    assert stored.rebate_micro == fill.rebate_micro
    assert stored.fee_micro == -(-fill.amount_micro // 100)


def test_nothing_is_filled_where_the_switch_is_off() -> None:
    scene = Scene({**WIDE, "af_enabled": False})
    scene.buy(BOB, YES_1, 200, price=49, auto_fill=True)

    scene.buy(ALICE, YES_0, 1_500)

    assert _autos(scene) == []


def test_the_number_of_pools_is_limited() -> None:
    scene = Scene({**WIDE, "af_max_pools": "2"})
    for token in (YES_1, NO_1, YES_2):
        scene.buy(BOB, token, 20, price=49, auto_fill=True)

    scene.buy(ALICE, YES_0, 1_500)

    assert [fill.token for fill in _autos(scene)] == [YES_1, NO_1]


def test_the_amount_is_limited_by_what_the_order_diverted() -> None:
    scene = Scene({**WIDE, "af_cap_frac": "0.05", "af_max_surplus": "1"})
    scene.buy(BOB, YES_1, 2_000, price=49, auto_fill=True)
    before = outcome.report(scene.config, scene.state, 0)

    scene.buy(ALICE, YES_0, 1_500)

    (fill,) = _autos(scene)
    paid = scene.last.fills[0].amount_micro
    # at z = 0.9 at most 0.9 of the charge is diverted
    assert fill.maker_micro <= paid * 9 // 10 // 20
    assert before.common_depth_fine


def test_an_ask_is_filled_when_a_sale_lifts_the_others() -> None:
    scene = Scene({**WIDE, "sigma": "1", "mu_start": "3"})
    scene.buy(ALICE, YES_0, 1_500)
    scene.buy(BOB, YES_1, 100)
    scene.sell(BOB, YES_1, 80, price=49, auto_fill=True)

    sold = scene.sell(ALICE, YES_0, 1_500).order

    (fill,) = _autos(scene)
    assert (fill.seller, fill.price_pico, fill.rebate_micro) == (BOB, 49 * 10**10, 0)
    # the rebate pays back asymmetry, never more than the event brought
    assert 0 < sold.rebate_micro <= fill.seigniorage_micro
    assert scene.state.seigniorage_micro == fill.seigniorage_micro - sold.rebate_micro


def test_the_rebate_goes_no_further_than_the_premium() -> None:
    scene = Scene(WIDE)
    scene.buy(BOB, YES_1, 200, price=49, auto_fill=True)

    bought = scene.buy(ALICE, YES_0, 1_500).order

    # without asymmetry and convexity there was nothing to pay back
    assert bought.rebate_micro == 0
    assert scene.state.seigniorage_micro > 0


def test_orders_of_one_level_share_in_proportion() -> None:
    scene = Scene(WIDE)
    scene.buy(BOB, YES_1, 200, price=49, auto_fill=True)
    scene.buy(DAVE, YES_1, 500, price=49)
    scene.buy(CHARLIE, YES_1, 100, price=49, auto_fill=True)

    scene.buy(ALICE, YES_0, 1_500)

    first, second = _autos(scene)
    assert (first.buyer, second.buyer) == (BOB, CHARLIE)
    assert abs(Fraction(first.size_micro, second.size_micro) - 2) < Fraction(1, 1000)
    assert abs(first.rebate_micro - 2 * second.rebate_micro) <= 2_000


@pytest.mark.parametrize("kind", ["slippage", "insufficient_funds"])
def test_a_refused_order_takes_its_auto_fills_back(kind: str) -> None:
    scene = Scene(WIDE, cash=1_000)
    placed = scene.buy(BOB, YES_1, 200, price=49, auto_fill=True).order
    most = 10**6 if kind == "slippage" else None

    result = scene.buy(ALICE, YES_0, 1_500, max_slippage_e9=most)

    assert result.code == kind
    assert scene.last.fills == ()
    assert scene.frontier.orders[placed.id] == placed
    assert scene.state.seigniorage_micro == 0
    assert scene.cash(BOB) == 1_000 * USDC - 98_980_000
    assert scene.held(ALICE, YES_0) == 0 * TOKEN
