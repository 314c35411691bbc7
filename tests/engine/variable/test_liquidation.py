from typing import Any

from tests.engine.scene import ALICE, BOB, SHARE, Scene, filled


def risen(scene: Scene, times: int) -> None:
    for _ in range(times):
        scene.now_s += 600
        scene.oracle("0.3", "0.3", "0.3")


def test_a_partial_liquidation_leaves_the_initial_margin() -> None:
    scene = Scene.active(day_max="1")
    filled(scene.sell(ALICE, 40 * SHARE))

    while not any(fill.leg == "liquidation" for fill in scene.last.fills):
        risen(scene, 1)

    alice = scene.traders[ALICE]
    owed = -alice.shares_nano * scene.state.close_out_exact
    assert alice.shares_nano < 0
    assert alice.escrow_micro * 10**30 * 2 >= owed * 3
    assert scene.state.insurance_micro > 0
    assert scene.last.bad_debt_micro == 0


def test_the_weakest_short_goes_first_and_the_loop_ends_at_its_limit() -> None:
    scene = Scene.active(day_max="1", max_events="1", half_life="0")
    filled(scene.sell(ALICE, 20 * SHARE))
    filled(scene.sell(BOB, 20 * SHARE, extra_micro=10_000_000))

    while not scene.last.fills or scene.last.fills[0].leg != "liquidation":
        risen(scene, 1)

    assert [fill.trader for fill in scene.last.fills] == [ALICE]
    assert scene.state.backlog
    scene.beat()
    assert not scene.state.backlog or scene.last.fills[0].trader == BOB


def test_insurance_pays_before_the_providers_do() -> None:
    loose: dict[str, Any] = {
        "band": None, "impact_cap": "1", "theta": "5", "beta": "1", "step_max": "0.3",
        "day_max": "9", "half_life": "0", "m_open": "0.2", "im": "0.1", "mm": "0.05",
        "kappa_open": "0.05", "kappa_keep": "0", "phi_short": "1",
    }  # fmt: skip
    scene = Scene(unchecked=True, **loose)
    scene.contribute(9, 10_000 * 10**6)
    filled(scene.sell(ALICE, 100 * SHARE))
    filled(scene.sell(BOB, 50 * SHARE, extra_micro=30_000_000))

    risen(scene, 2)

    assert scene.state.short_nano == 0
    assert scene.last.bad_debt_micro == 0 or scene.state.insurance_micro == 0
