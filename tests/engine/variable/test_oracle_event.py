from typing import Any

import pytest

from exchange.engines.variable import Config
from exchange.engines.variable.oracle_event import filtered, read
from tests.engine.scene import (
    ALICE,
    DOLLAR,
    SHARE,
    USDC,
    Scene,
    applied,
    rejected,
    report,
)

PERCENT = 10**10


def event(scene: Scene, *deltas: str, confidence: str = "1") -> Any:
    return applied(scene.oracle(*deltas, confidence=confidence), "oracle")


def test_agreement_moves_f_by_beta_times_confidence() -> None:
    scene = Scene.active()
    scene.now_s = 600

    figures = event(scene, "0.05", "0.05", "0.05", confidence="0.8")

    assert figures["delta_eff_pico"] == 4 * PERCENT
    assert scene.state.f_pico == 10 * DOLLAR + 8 * DOLLAR // 100
    assert scene.state.target_pico == 10 * DOLLAR + 40 * DOLLAR // 100
    assert scene.state.last_oracle_s == 600
    assert figures["clamps"] == ()


def test_disagreement_at_mad0_counts_half() -> None:
    scene = Scene.active()

    figures = event(scene, "0.01", "0.04", "0.07")

    assert figures["mad_pico"] == 2 * PERCENT
    assert figures["delta_eff_pico"] == 2 * PERCENT


def test_an_even_set_takes_the_mean_of_the_two_in_the_middle() -> None:
    reading = read(Config.parse({}), tuple(report(d) for d in ("0.04", "0.01", "0.1", "0.02")))

    assert reading.median_pico == 3 * PERCENT
    assert reading.spread_pico == 275 * PERCENT // 100


def test_shrinkage_can_be_switched_off() -> None:
    scene = Scene.active(conf_shrink=False)

    assert event(scene, "0", "0.04", "0.3", confidence="0.5")["delta_eff_pico"] == 4 * PERCENT


@pytest.mark.parametrize(("confidence", "accepted"), [("0.39999999", False), ("0.4", True)])
def test_a_report_needs_its_confidence(confidence: str, accepted: bool) -> None:
    scene = Scene.active()
    before = scene.state

    result = scene.oracle("0.01", "0.01", "0.01", confidence=confidence)

    if accepted:
        applied(result, "oracle")
    else:
        assert rejected(result, "no_quorum") == {"reports": 0, "reports_min": 3}
        assert scene.state == before


def test_a_confidence_outside_its_range_is_malformed() -> None:
    scene = Scene.active()

    rejected(scene.oracle("0", "0", "0", confidence="1.00000001"), "args")


def test_one_liar_of_three_moves_nothing() -> None:
    scene = Scene.active()

    assert event(scene, "0", "0", "0.3")["wanted_pico"] == 0


@pytest.mark.parametrize(
    ("params", "deltas", "clamps"),
    [
        ({}, ["0.31", "0.3", "0.3"], ("report", "step")),
        ({"beta": "1"}, ["0.05", "0.05", "0.05"], ()),
        ({"beta": "1"}, ["0.06", "0.06", "0.06"], ("step",)),
        ({"beta": "1", "day_max": "0.04"}, ["-0.05", "-0.05", "-0.05"], ("day",)),
        ({"p_min": "9.9", "beta": "1"}, ["-0.05", "-0.05", "-0.05"], ("floor",)),
    ],
)
def test_the_rule_that_held_f_back_is_named(
    params: dict[str, Any], deltas: list[str], clamps: tuple[str, ...]
) -> None:
    scene = Scene.active(**params)

    assert event(scene, *deltas)["clamps"] == clamps


def test_a_day_moves_f_at_most_its_share_of_midnight() -> None:
    scene = Scene.active(beta="1")
    for scene.now_s in range(600, 6600, 600):
        event(scene, "0.3", "0.3", "0.3")
    assert scene.state.f_pico == 12 * DOLLAR

    scene.now_s = 86_400
    event(scene, "0.3", "0.3", "0.3")

    assert scene.state.f_pico == 12 * DOLLAR + 6 * DOLLAR // 10


def test_filter_rounds_half_to_even() -> None:
    config = Config.parse({"conf_shrink": False, "beta": "1", "p_min": "0.000000000001"})
    half_up = read(config, (report("0.05"),) * 3)

    assert filtered(config, 10, 10, half_up) == (10, [])
    assert filtered(config, 30, 30, half_up) == (32, [])


def test_news_already_in_the_price_moves_nothing() -> None:
    scene = Scene.active()
    scene.buy(ALICE, shares_nano=40 * SHARE)

    figures = event(scene, "0.02", "0.02", "0.02")

    assert (figures["wanted_pico"], figures["applied_pico"]) == (0, 0)
    assert scene.state.p0_pico == 10 * DOLLAR


def test_news_partly_in_the_price_moves_the_curve_to_f_only() -> None:
    scene = Scene.active(half_life="0")
    scene.buy(ALICE, shares_nano=4 * SHARE)

    figures = event(scene, "0.02", "0.02", "0.02")

    assert figures["applied_pico"] == 3 * DOLLAR // 100
    assert scene.state.market_pico == scene.state.f_pico == 10 * DOLLAR + 4 * DOLLAR // 100


def test_the_solvency_clamp_is_named_and_kept_in_the_state() -> None:
    scene = Scene(
        unchecked=True, theta="5", kappa_open="0.05", band=None, impact_cap="1", step_max="0.3",
        beta="1", day_max="9", half_life="0",
    )  # fmt: skip
    scene.contribute(ALICE, 10_000 * USDC)
    scene.buy(ALICE, 40_000 * USDC)
    event(scene, "0.3", "0.3", "0.3")
    event(scene, "0.3", "0.3", "0.3")

    figures = event(scene, "0.3", "0.3", "0.3")

    assert figures["clamps"] == ("solvency",)
    assert figures["applied_pico"] < figures["wanted_pico"]
    assert scene.state.clamped


def test_no_oracle_before_activation() -> None:
    scene = Scene()

    assert rejected(scene.oracle("0", "0", "0"), "not_active") == {"status": "funding"}
