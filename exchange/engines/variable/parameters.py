"""The table of parameters as the specification has it: name, scale, default and range."""

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.engines.units import parse_fixed

Value = str | int | bool | None | Sequence[Sequence[str | int]]

COUNT = 0
MONEY = 6
RATIO = 8
PRICE = 12
SLOPE = 18

# The least positive number of a scale stands for "above zero", its complement for "below one".
OVER_0_MONEY = "0.000001"
OVER_0 = "0.00000001"
UNDER_1 = "0.99999999"


class ConfigError(Exception):
    """A configuration the system must refuse: what is wrong, where, and the value there."""

    def __init__(self, code: str, field: str, value: str) -> None:
        super().__init__(f"{code}: {field} = {value}")
        self.code = code
        self.field = field
        self.value = value


@dataclass(frozen=True, slots=True)
class Parameter:
    """One row: text under `name` is kept as a count of 10**-places in `field`, from low to high."""

    name: str
    field: str
    places: int
    default: Value
    low: str = "0"
    high: str | None = None
    optional: bool = False

    def check_range(self, value: object) -> None:
        """Raise ConfigError for a number outside the range, both ends of which belong to it."""
        if not isinstance(value, int) or isinstance(value, bool):
            return
        low = parse_fixed(self.low, self.places)
        high = value if self.high is None else parse_fixed(self.high, self.places)
        if not low <= value <= high:
            raise ConfigError("range", self.name, str(value))


PARAMETERS = (
    Parameter("P0_init", "p0_init_pico", PRICE, "10", low="0.000000000001"),
    Parameter("k", "k_atto", SLOPE, None, optional=True),
    Parameter("depth", "depth_e8", RATIO, "0.25", "0.02", "10"),
    Parameter("p_min", "p_min_pico", PRICE, "0.01", low="0.000000000001"),
    Parameter("fee", "fee_e8", RATIO, "0.005", "0.003", "0.02"),
    Parameter("lp_share", "lp_share_e8", RATIO, "0.90", "0", "1"),
    Parameter("fee_max", "fee_max_e8", RATIO, "0.05", "0", UNDER_1),
    Parameter("lag_gamma", "lag_gamma_e8", RATIO, "1"),
    Parameter("lag_free", "lag_free_e8", RATIO, "0.01"),
    Parameter("stale_eta", "stale_eta_e8", RATIO, "1"),
    Parameter("stale_cap", "stale_cap_e8", RATIO, "0.01"),
    Parameter("sigma_ref", "sigma_ref_e8", RATIO, "0.03"),
    Parameter("conf_min", "conf_min_e8", RATIO, "0.4", "0", "1"),
    Parameter("quorum", "quorum", COUNT, "3", "1"),
    Parameter("delta_max", "delta_max_e8", RATIO, "0.30", "0", "1"),
    Parameter("mad0", "mad0_e8", RATIO, "0.02", OVER_0),
    Parameter("conf_shrink", "conf_shrink", COUNT, default=True),
    Parameter("beta", "beta_e8", RATIO, "0.2", "0", "1"),
    Parameter("step_max", "step_max_e8", RATIO, "0.05", "0", "1"),
    Parameter("day_max", "day_max_e8", RATIO, "0.20", "0", "1"),
    Parameter("interval", "interval_s", COUNT, "600", "120", "1800"),
    Parameter("max_stale", "max_stale_s", COUNT, "1800"),
    Parameter("half_life", "half_life_s", COUNT, "1800"),
    Parameter("band", "band_e8", RATIO, "0.01", OVER_0, optional=True),
    Parameter("impact_cap", "impact_cap_e8", RATIO, "0.10", "0", "1"),
    Parameter("commit_ttl", "commit_ttl_s", COUNT, "1800", "1"),
    Parameter("kappa_open", "kappa_open_e8", RATIO, "1.0", OVER_0),
    Parameter("kappa_keep", "kappa_keep_e8", RATIO, "0.5"),
    Parameter("theta", "theta_e8", RATIO, "0.5", "0", UNDER_1),
    Parameter("phi_short", "phi_short_e8", RATIO, "0.5", "0", "1"),
    Parameter("acct_cap", "acct_cap_e8", RATIO, None, "0", "1", optional=True),
    Parameter("min_open", "min_open_micro", MONEY, "1"),
    Parameter("m_open", "m_open_e8", RATIO, "1.0", OVER_0),
    Parameter("im", "im_e8", RATIO, "0.5", OVER_0),
    Parameter("mm", "mm_e8", RATIO, "0.2", OVER_0),
    Parameter("liq_fee", "liq_fee_e8", RATIO, "0.01"),
    Parameter("liq_dust", "liq_dust_micro", MONEY, "5"),
    Parameter("w_base", "w_base_e8", RATIO, "0.2", "0", "1"),
    Parameter("w_span", "w_span_e8", RATIO, "0.75", "0", "1"),
    Parameter("w_lo", "w_lo_e8", RATIO, "0.2", "0", "1"),
    Parameter("w_hi", "w_hi_e8", RATIO, "0.95", "0", "1"),
    Parameter("V0", "v0_micro", MONEY, "1000", OVER_0_MONEY),
    Parameter("vol_window", "vol_window_s", COUNT, "300", "1"),
    Parameter("soft_cap", "soft_cap_micro", MONEY, "2500", OVER_0_MONEY),
    Parameter("hard_cap", "hard_cap_micro", MONEY, "25000", OVER_0_MONEY),
    Parameter("min_lp", "min_lp_micro", MONEY, "10", OVER_0_MONEY),
    Parameter("funding_seconds", "funding_s", COUNT, "604800", "1"),
    Parameter(
        "vesting",
        "vesting",
        COUNT,
        ((7, "0.25"), (30, "0.50"), (90, "0.75"), (180, "1")),
    ),
    Parameter("instant_frac", "instant_frac_e8", RATIO, "0.25", "0", "1"),
    Parameter("daily_cap", "daily_cap_e8", RATIO, "0.10", "0", "1"),
    Parameter("queue_delay", "queue_delay_s", COUNT, "86400"),
    Parameter("nav_min", "nav_min_e8", RATIO, "0.01", OVER_0),
    Parameter("max_events", "max_events", COUNT, "60", "1"),
)
