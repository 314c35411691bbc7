"""The table of parameters as the specification has it: name, scale, default and range."""

from collections.abc import Sequence

from exchange.engines.variable.parameters import COUNT, MONEY, PRICE, Parameter

Value = str | int | bool | None | Sequence[object]

# rates count 1e-9, the exponent halves
RATIO = 9
HALVES = 1

CONTINUE = "continue"
RESET = "reset"

OVER_0_RATIO = "0.000000001"
OVER_0_MONEY = "0.000001"
OVER_0_PRICE = "0.000000000001"
UNDER_1_PRICE = "0.999999999999"

# Parameters that move in time: each has a start and an end, which is the start unless it is given.
MOVING = ("mu", "nu", "kappa", "zeta")


def _moving(name: str, default: str, low: str) -> tuple[Parameter, Parameter]:
    return (
        Parameter(f"{name}_start", f"{name}_start_e9", RATIO, default, low),
        Parameter(f"{name}_end", f"{name}_end_e9", RATIO, None, low, optional=True),
    )


PARAMETERS = (
    Parameter("n_outcomes", "n_outcomes", COUNT, "3", "3", "10"),
    Parameter("z", "z_micro", MONEY, "10000", OVER_0_MONEY),
    Parameter("q0", "q0_micro", MONEY, None, OVER_0_MONEY, optional=True),
    Parameter("initial_price", "initial_price_e9", RATIO, "0.5"),
    Parameter("gamma", "gamma_e9", RATIO, "0.0001", "0", "0.5"),
    *_moving("mu", "1", OVER_0_RATIO),
    *_moving("nu", "1", OVER_0_RATIO),
    *_moving("kappa", "0.00001", "0"),
    *_moving("zeta", "0.1", OVER_0_RATIO),
    Parameter("interpolation_mode", "interpolation_mode", COUNT, CONTINUE),
    Parameter("f", "fee_e9", RATIO, "0.01", "0", "0.05"),
    Parameter("f_match", "match_fee_e9", RATIO, "0.005", "0", "0.02"),
    Parameter("p_max", "p_max_pico", PRICE, "0.99", "0.500000000001", UNDER_1_PRICE),
    Parameter("p_min", "p_min_pico", PRICE, "0.01", OVER_0_PRICE, "0.499999999999"),
    Parameter("eta", "eta_e1", HALVES, "2", "1", "10"),
    Parameter("tick_size", "tick_micro", MONEY, "0.01", "0.0001", "1"),
    Parameter("cm_enabled", "cm_enabled", COUNT, default=True),
    Parameter("af_enabled", "af_enabled", COUNT, default=True),
    Parameter("sigma", "sigma_e9", RATIO, "0.5", "0", "1"),
    Parameter("af_cap_frac", "af_cap_frac_e9", RATIO, "0.1", "0", "0.2"),
    Parameter("af_max_pools", "af_max_pools", COUNT, "3", "1", "5"),
    Parameter("af_max_surplus", "af_max_surplus_e9", RATIO, "0.05", OVER_0_RATIO),
    Parameter("mr_enabled", "mr_enabled", COUNT, default=False),
    Parameter("rounds", "rounds", COUNT, ()),
    Parameter("vc_enabled", "vc_enabled", COUNT, default=True),
    Parameter("gas_fee", "gas_fee_micro", MONEY, "0"),
    Parameter("default_max_slippage", "default_max_slippage_e9", RATIO, None, optional=True),
    Parameter("allow_above_par", "allow_above_par", COUNT, default=False),
    Parameter("starting_balance", "starting_balance_micro", MONEY, "1000"),
    Parameter("total_duration_ms", "total_duration_ms", COUNT, "600000", "1"),
    Parameter("batch_ms", "batch_ms", COUNT, "1000", "1"),
)
