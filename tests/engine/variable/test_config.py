from typing import Any

import pytest

from exchange.engines.variable import Config, ConfigError

DEFAULTS = Config.parse({})


def refused(code: str, field: str, **values: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.parse(values)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_defaults_are_those_of_the_specification() -> None:
    assert DEFAULTS.p0_init_pico == 10 * 10**12
    assert DEFAULTS.k_atto is None
    assert DEFAULTS.fee_e8 == 500_000
    assert DEFAULTS.band_e8 == 1_000_000
    assert DEFAULTS.acct_cap_e8 is None
    assert DEFAULTS.conf_shrink is True
    assert DEFAULTS.vesting == ((7, 25 * 10**6), (30, 50 * 10**6), (90, 75 * 10**6), (180, 10**8))


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"band": None, "acct_cap": "0.3", "k": "0.0025", "conf_shrink": False},
        {"vesting": [[1, "0.5"], ["2", "1"]], "half_life": 0, "P0_init": "0.05"},
    ],
)
def test_text_and_back_gives_the_same_configuration(values: dict[str, Any]) -> None:
    config = Config.parse(values)

    assert Config.parse(config.to_mapping()) == config


@pytest.mark.parametrize("value", ["1e5", "-1", "", None, 0.2, True, ["1"], "0.123456789"])
def test_refuses_what_is_no_plain_number(value: Any) -> None:
    refused("malformed", "beta", beta=value)


@pytest.mark.parametrize("value", ["true", 1, None])
def test_a_switch_is_true_or_false(value: Any) -> None:
    refused("malformed", "conf_shrink", conf_shrink=value)


@pytest.mark.parametrize("value", ["7:0.25", [[7]], [7, 8], None, 5, [["7", 0.5]]])
def test_a_schedule_is_a_list_of_pairs(value: Any) -> None:
    refused("malformed", "vesting", vesting=value)


def test_refuses_a_name_it_does_not_know() -> None:
    refused("unknown", "gravity", gravity="1")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("fee", "0.003", "0.00299999"),
        ("fee", "0.02", "0.02000001"),
        ("depth", "10", "10.00000001"),
        ("interval", "120", "119"),
        ("theta", "0.99999999", "1"),
        ("quorum", "1", "0"),
        ("lp_share", "1", "1.00000001"),
        ("V0", "0.000001", "0"),
        ("band", "0.00000001", "0"),
    ],
)
def test_a_range_holds_both_its_ends(name: str, good: str, bad: str) -> None:
    Config.parse({name: good})

    refused("range", name, **{name: bad})


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("P0_init", {"P0_init": "0.01"}),
        ("fee_max", {"fee_max": "0.004"}),
        ("max_stale", {"max_stale": "599"}),
        ("kappa_keep", {"kappa_keep": "1.1"}),
        ("im", {"mm": "0.5"}),
        ("im", {"im": "0.21", "liq_fee": "0.206"}),
        ("mm", {"step_max": "0.19"}),
        ("w_lo", {"w_lo": "0.96"}),
        ("hard_cap", {"hard_cap": "2499"}),
        ("vesting", {"vesting": [[7, "0.5"], [7, "1"]]}),
        ("vesting", {"vesting": [[7, "0.5"]]}),
        ("vesting", {"vesting": []}),
    ],
)
def test_a_condition_between_parameters_must_hold(name: str, values: dict[str, Any]) -> None:
    refused("condition", name, **values)


def test_the_gap_condition_is_exact() -> None:
    toll = "0.01"
    Config.parse({"mm": "0.2", "step_max": "0.18226600", "fee": "0.005", "liq_fee": toll})

    refused("condition", "mm", mm="0.2", step_max="0.18226601", fee="0.005", liq_fee=toll)


def test_a_replay_may_break_the_ranges() -> None:
    assert Config.parse_unchecked({"theta": "5"}).theta_e8 == 5 * 10**8
