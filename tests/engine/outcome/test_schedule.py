import pytest

from exchange.engines.outcome.config import Config
from exchange.engines.outcome.parameters import Value
from exchange.engines.outcome.schedule import coupling, era_end, rates, reference

MOVING: dict[str, Value] = {
    "n_outcomes": "5",
    "zeta_start": "0.2",
    "zeta_end": "0.02",
    "mu_start": "2",
    "total_duration_ms": "60000",
    "mr_enabled": True,
    "rounds": [["20000", "2000", []], ["40000", "2000", []]],
}


@pytest.mark.parametrize(
    ("at_ms", "zeta"), [(-5, 2 * 10**8), (0, 2 * 10**8), (20_000, 14 * 10**7), (60_000, 2 * 10**7)]
)
def test_parameters_move_over_the_whole_duration(at_ms: int, zeta: int) -> None:
    assert rates(Config.parse(MOVING), 0, at_ms).zeta == zeta


def test_in_mode_reset_they_move_within_each_era() -> None:
    config = Config.parse({**MOVING, "interpolation_mode": "reset"})

    assert [rates(config, 22_000, at).zeta for at in (22_000, 31_000, 40_000, 41_000)] == [
        2 * 10**8,
        11 * 10**7,
        2 * 10**7,
        2 * 10**7,
    ]
    assert rates(config, 42_000, 60_000).zeta == 2 * 10**7


def test_a_path_rounds_down_also_when_it_falls() -> None:
    config = Config.parse({"zeta_start": "0.000000003", "zeta_end": "0.000000001"})

    assert rates(config, 0, 1).zeta == 2


def test_an_era_without_length_has_the_end_values() -> None:
    config = Config.parse({**MOVING, "interpolation_mode": "reset"})

    assert rates(config, 60_000, 0).zeta == 2 * 10**7


def test_eras_end_with_the_next_elimination_or_with_the_market() -> None:
    config = Config.parse(MOVING)

    assert [era_end(config, at) for at in (0, 22_000, 42_000)] == [20_000, 40_000, 60_000]
    assert era_end(Config.parse({**MOVING, "mr_enabled": False}), 0) == 60_000


def test_coupling_is_never_more_than_whole() -> None:
    assert (coupling(4, 2 * 10**8), coupling(4, 3 * 10**8)) == (8 * 10**8, 10**9)


def test_the_reference_is_the_mean_of_an_era_and_never_rises() -> None:
    config = Config.parse({**MOVING, "interpolation_mode": "reset"})

    first = reference(config, 4, 0, None)

    assert first == (8 * 10**8 + 8 * 10**7) // 2
    assert reference(config, 4, 22_000, 1) == 1
    assert reference(config, 4, 22_000, 10**9) == first
