from typing import Any

import pytest

from exchange.engines.outcome import BUY, MODES, Config, ConfigError, Placed, Round, preset, quote
from tests.engine.outcome.scene import ALICE, YES, Scene


def test_defaults_are_those_of_the_specification() -> None:
    config = Config.parse({})

    assert (config.n_outcomes, config.z_micro, config.q0_micro) == (3, 10**10, 1_666_666_666)
    assert config.initial_price_e9 == (500_000_000,) * 3
    assert (config.p_max_pico, config.e2, config.tick_micro) == (99 * 10**10, 4, 10_000)
    assert (config.zeta_end_e9, config.kappa_end_e9) == (10**8, 10**4)
    assert config.default_max_slippage_e9 is None


def test_text_of_a_configuration_gives_it_back() -> None:
    rounds = [["20000", "500", ["3"]], ["40000", "0", []]]
    config = Config.parse(
        {"n_outcomes": 5, "mr_enabled": True, "rounds": rounds, "eta": "2.5", "gamma": "0"}
    )

    assert Config.parse(config.to_mapping()) == config
    assert config.rounds == (Round(20_000, 500, (3,)), Round(40_000, 0))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_outcomes", "2"),
        ("n_outcomes", "11"),
        ("z", "0"),
        ("q0", "1666.666667"),
        ("initial_price", "0"),
        ("initial_price", "1"),
        ("initial_price", "0.991"),
        ("initial_price", ["0.5", "0.5"]),
        ("gamma", "0.500000001"),
        ("mu_start", "0"),
        ("zeta_start", "0.5"),
        ("zeta_end", "0.5"),
        ("interpolation_mode", "restart"),
        ("f", "0.051"),
        ("f_match", "0.021"),
        ("p_max", "0.5"),
        ("p_max", "1"),
        ("p_min", "0"),
        ("p_min", "0.5"),
        ("eta", "0.5"),
        ("eta", "1.2"),
        ("eta", "10.5"),
        ("tick_size", "0.03"),
        ("tick_size", "0.00005"),
        ("sigma", "1.1"),
        ("af_cap_frac", "0.21"),
        ("af_max_pools", "6"),
        ("af_max_surplus", "0"),
        ("rounds", [["1", "0", ["0"]], ["2", "0", ["1"]]]),
        ("rounds", [["1", "0", ["7"]]]),
        ("total_duration_ms", "0"),
    ],
)
def test_refuses_what_is_out_of_range(name: str, value: Any) -> None:
    with pytest.raises(ConfigError) as raised:
        Config.parse({name: value})

    assert raised.value.field == name


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("zeta_start", "0.1234567891", "malformed"),
        ("z", "1.0000001", "malformed"),
        ("cm_enabled", "yes", "malformed"),
        ("rounds", "never", "malformed"),
        ("initial_price", [True], "malformed"),
        ("depth", "1", "unknown"),
    ],
)
def test_refuses_what_is_not_exact_or_not_known(name: str, value: Any, code: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Config.parse({name: value})

    assert (raised.value.code, raised.value.field) == (code, name)


def test_no_outcome_is_launched_at_a_price_of_nothing() -> None:
    thin = {"q0": "0.000001", "z": "0.00001", "initial_price": "0.5"}
    assert min(row.yes_pico for row in Scene(thin).state.outcomes) > 0

    with pytest.raises(ConfigError) as raised:
        Config.parse({**thin, "initial_price": ["0.5", "0.5", "0.000000001"]})

    assert (raised.value.code, raised.value.field) == ("condition", "initial_price")


@pytest.mark.parametrize(
    ("mode", "own", "other"),
    [
        ("high_own_low_cross", 0.786, -0.39),
        ("low_own_high_cross", 0.720, -2.77),
        ("high_own_high_cross", 0.936, -6.66),
        ("low_own_low_cross", 0.661, -0.15),
    ],
)
def test_modes_of_impact_move_prices_as_they_say(mode: str, own: float, other: float) -> None:
    scene = Scene(preset(mode, n_outcomes=5, z_micro=10**10))
    tokens = next(t for t in range(350, 600) if _cost(scene, t) > 300 * 10**6)

    scene.buy(ALICE, YES, tokens)

    mine, others = (scene.state.outcomes[i].yes_pico / 10**12 for i in (0, 1))
    assert round(mine, 3) == pytest.approx(own, abs=0.003)
    assert round(200 * others - 100, 2) == pytest.approx(other, abs=0.03)


def _cost(scene: Scene, tokens: int) -> int:
    trader = scene.frontier.traders[ALICE]
    order = scene.order(ALICE, BUY, YES, tokens)
    (result,) = quote(scene.config, scene.state, trader, order, 0).results
    assert isinstance(result, Placed)
    return result.order.amount_micro


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("count", [3, 10])
def test_every_mode_suits_every_number_of_outcomes(mode: str, count: int) -> None:
    config = Config.parse(preset(mode, n_outcomes=count, z_micro=7_777_777))

    assert 2 * count * config.q0_micro <= config.z_micro
