from exchange.engines import variable
from tests.engine.scene import (
    ALICE,
    BOB,
    LOOSE,
    PLENTY,
    SHARE,
    USDC,
    Scene,
    applied,
    filled,
    rejected,
)


def test_a_short_has_its_proceeds_and_its_margin_in_escrow() -> None:
    scene = Scene.active()

    result = filled(scene.sell(ALICE, 10 * SHARE))

    assert result.margin_micro == 99_875_000
    alice = scene.traders[ALICE]
    assert (alice.shares_nano, alice.escrow_micro, alice.entry_micro) == (
        -10 * SHARE, 199_750_000, 99_875_000,
    )  # fmt: skip
    assert alice.cash_micro == PLENTY - 99_875_000 - 499_375


def test_a_partial_cover_frees_its_part_of_the_escrow() -> None:
    scene = Scene.active()
    scene.sell(ALICE, 10 * SHARE)

    cover = filled(scene.buy(ALICE, shares_nano=4 * SHARE)).legs[0]

    assert (cover.leg, cover.escrow_micro) == ("cover_short", -79_900_000)
    assert scene.traders[ALICE].escrow_micro == 119_850_000


def test_an_amount_below_the_whole_cover_opens_nothing() -> None:
    scene = Scene.active()
    scene.sell(ALICE, 10 * SHARE)

    result = filled(scene.buy(ALICE, 50 * USDC))

    assert [leg.leg for leg in result.legs] == ["cover_short"]
    assert result.net_micro <= 50 * USDC


def test_an_amount_beyond_the_cover_opens_a_long() -> None:
    scene = Scene.active()
    scene.sell(ALICE, SHARE)

    result = filled(scene.buy(ALICE, 50 * USDC))

    assert [leg.leg for leg in result.legs] == ["cover_short", "open_long"]
    assert result.net_micro == 50 * USDC


def test_margin_guard_is_compared_with_the_margin() -> None:
    scene = Scene.active()

    numbers = rejected(scene.sell(ALICE, 10 * SHARE, max_margin_micro=99_874_999), "margin_limit")

    assert numbers["margin_micro"] == 99_875_000
    filled(scene.sell(ALICE, 10 * SHARE, max_margin_micro=99_875_000))


def test_the_largest_short_passes_and_one_more_quantum_does_not() -> None:
    scene = Scene.active(**LOOSE)

    most = rejected(scene.sell(ALICE, 5000 * SHARE), "impact_cap")["shares_max_nano"]

    rejected(Scene.of(scene).sell(ALICE, most + 1), "capital_short")
    filled(scene.sell(ALICE, most))


def test_a_short_may_not_exceed_its_part_of_the_equity() -> None:
    scene = Scene.active(band=None, impact_cap="0.18")
    filled(scene.sell(ALICE, 500 * SHARE))

    most = rejected(scene.sell(BOB, 200 * SHARE), "capital_short")["shares_max_nano"]

    filled(scene.sell(BOB, most))


def test_collateral_leaves_only_down_to_the_initial_margin() -> None:
    scene = Scene.active()
    scene.sell(ALICE, 10 * SHARE)

    most = rejected(
        scene.do(variable.RemoveCollateral, trader=ALICE, amount_micro=150 * USDC), "margin_low"
    )["amount_max_micro"]

    rejected(scene.do(variable.RemoveCollateral, trader=ALICE, amount_micro=most + 1), "margin_low")
    applied(
        scene.do(variable.RemoveCollateral, trader=ALICE, amount_micro=most), "remove_collateral"
    )


def test_collateral_needs_a_short() -> None:
    scene = Scene.active()

    rejected(scene.do(variable.AddCollateral, trader=ALICE, amount_micro=USDC), "no_short")


def test_an_exit_value_of_a_short_is_its_escrow_less_the_cover() -> None:
    scene = Scene.active()
    scene.sell(ALICE, 10 * SHARE)

    value = variable.exit_value(scene.config, scene.state, scene.traders[ALICE], scene.now_s)
    cash = scene.traders[ALICE].cash_micro
    scene.buy(ALICE, shares_nano=10 * SHARE)

    assert scene.traders[ALICE].cash_micro == cash + value
