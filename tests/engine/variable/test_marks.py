from dataclasses import replace

from exchange.engines.variable import MarketState, exit_value, health
from tests.engine.scene import ALICE, BOB, SHARE, USDC, Scene, filled


def test_exit_value_is_what_a_sale_of_everything_pays() -> None:
    scene = Scene.active()
    fill = filled(scene.buy(ALICE, 200 * USDC))
    scene.buy(BOB, 50 * USDC)
    scene.now_s = 700

    marked = exit_value(scene.config, scene.state, scene.traders[ALICE], 700)

    assert marked == filled(scene.sell(ALICE, fill.shares_nano)).net_micro


def test_no_position_is_worth_nothing() -> None:
    scene = Scene.active()

    assert exit_value(scene.config, scene.state, scene.traders[ALICE], 0) == 0


def test_health_of_an_empty_market_has_nothing_to_compare() -> None:
    scene = Scene.active()

    figures = health(scene.config, scene.state, 90)

    assert (figures.coverage_e8, figures.reserve_e8) == (None, None)
    assert (figures.interest_used_e8, figures.capital_used_e8) == (0, 0)
    assert (figures.oracle_age_s, figures.clamped) == (90, False)


def test_health_compares_capital_with_what_longs_hold() -> None:
    scene = Scene.active(k="0")
    scene.buy(ALICE, shares_nano=100 * SHARE)

    figures = health(scene.config, scene.state, 0)

    assert figures.coverage_e8 == 10 * 10**8
    assert figures.reserve_e8 == 11 * 10**8
    assert figures.capital_used_e8 == 10**7
    assert figures.interest_used_e8 == 0


def test_a_cap_without_capital_is_wholly_used() -> None:
    scene = Scene.active()
    scene.buy(ALICE, shares_nano=10 * SHARE)
    drained: MarketState = replace(scene.state, pool_micro=0)

    figures = health(scene.config, drained, 0)

    assert figures.capital_used_e8 == 10**8
    assert figures.coverage_e8 == 0
