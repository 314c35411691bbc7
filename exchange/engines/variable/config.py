"""The parameters of a variable market, as integers at their scales, parsed and checked once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exchange.engines.units import RATE, format_fixed, parse_fixed
from exchange.engines.variable.parameters import (
    PARAMETERS,
    RATIO,
    ConfigError,
    Parameter,
    Value,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every parameter of the specification, section 3; the suffix names the scale."""

    p0_init_pico: int
    k_atto: int | None
    depth_e8: int
    p_min_pico: int
    fee_e8: int
    lp_share_e8: int
    fee_max_e8: int
    lag_gamma_e8: int
    lag_free_e8: int
    stale_eta_e8: int
    stale_cap_e8: int
    sigma_ref_e8: int
    conf_min_e8: int
    quorum: int
    delta_max_e8: int
    mad0_e8: int
    conf_shrink: bool
    beta_e8: int
    step_max_e8: int
    day_max_e8: int
    interval_s: int
    max_stale_s: int
    half_life_s: int
    band_e8: int | None
    impact_cap_e8: int
    commit_ttl_s: int
    kappa_open_e8: int
    kappa_keep_e8: int
    theta_e8: int
    phi_short_e8: int
    acct_cap_e8: int | None
    min_open_micro: int
    m_open_e8: int
    im_e8: int
    mm_e8: int
    liq_fee_e8: int
    liq_dust_micro: int
    w_base_e8: int
    w_span_e8: int
    w_lo_e8: int
    w_hi_e8: int
    v0_micro: int
    vol_window_s: int
    soft_cap_micro: int
    hard_cap_micro: int
    min_lp_micro: int
    funding_s: int
    vesting: tuple[tuple[int, int], ...]
    instant_frac_e8: int
    daily_cap_e8: int
    queue_delay_s: int
    nav_min_e8: int
    max_events: int

    @classmethod
    def parse(cls, values: Mapping[str, Value]) -> "Config":
        """Return the configuration that `values`, text by the specification's names, describes.

        A name left out has its default; null is "none" for k, band and acct_cap.

        Raises:  ConfigError for an unknown name, for text outside the grammar, and for whatever
                 section 3 says must be refused.
        """
        config = cls.parse_unchecked(values)
        config.check()
        return config

    @classmethod
    def parse_unchecked(cls, values: Mapping[str, Value]) -> "Config":
        """Parse without ranges and conditions: for replaying cases that break them on purpose."""
        unknown = sorted(set(values) - {p.name for p in PARAMETERS})
        if unknown:
            raise ConfigError("unknown", unknown[0], "")
        parsed: dict[str, Any] = {}
        for p in PARAMETERS:
            value = values.get(p.name, p.default)
            try:
                parsed[p.field] = _parsed(p, value)
            except (ValueError, TypeError) as error:
                raise ConfigError("malformed", p.name, str(value)) from error
        return cls(**parsed)

    def check(self) -> None:
        """Raise ConfigError if a range or a condition of section 3 does not hold."""
        for p in PARAMETERS:
            p.check_range(getattr(self, p.field))
        for holds, name in self._conditions():
            if not holds:
                value = next(getattr(self, p.field) for p in PARAMETERS if p.name == name)
                raise ConfigError("condition", name, str(value))

    def _conditions(self) -> tuple[tuple[bool, str], ...]:
        jump_e8 = RATE + max(self.step_max_e8, self.impact_cap_e8)
        toll_e8 = RATE + self.fee_e8 + self.liq_fee_e8
        days = [day for day, _ in self.vesting]
        shares = [share for _, share in self.vesting]
        rising = days == sorted(set(days)) and shares == sorted(set(shares))
        return (
            (self.p0_init_pico > self.p_min_pico, "P0_init"),
            (self.fee_max_e8 >= self.fee_e8, "fee_max"),
            (self.max_stale_s >= self.interval_s, "max_stale"),
            (self.kappa_keep_e8 <= self.kappa_open_e8, "kappa_keep"),
            (self.im_e8 > self.mm_e8, "im"),
            (self.im_e8 >= self.fee_e8 + self.liq_fee_e8, "im"),
            # no gap between two margin checks can outrun the maintenance margin
            ((RATE + self.mm_e8) * RATE >= jump_e8 * toll_e8, "mm"),
            (self.w_lo_e8 <= self.w_hi_e8, "w_lo"),
            (self.soft_cap_micro <= self.hard_cap_micro, "hard_cap"),
            (rising and shares[-1:] == [RATE], "vesting"),
        )

    def to_mapping(self) -> dict[str, Value]:
        """Return text by the specification's names; parsing it gives an equal configuration."""
        return {p.name: _text_of(p, getattr(self, p.field)) for p in PARAMETERS}


def _parsed(parameter: Parameter, value: Value) -> object:
    if value is None and parameter.optional:
        return None
    if isinstance(parameter.default, bool):
        if not isinstance(value, bool):
            raise TypeError("expected true or false")
        return value
    if isinstance(parameter.default, tuple):
        return _schedule(value)
    return parse_fixed(_text(value), parameter.places)


def _schedule(value: Value) -> tuple[tuple[int, int], ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise TypeError("expected pairs of a day and a fraction")
    return tuple((parse_fixed(_text(day), 0), parse_fixed(_text(f), RATIO)) for day, f in value)


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError("expected text or a whole number")
    return str(value)


def _text_of(parameter: Parameter, value: object) -> Value:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return format_fixed(value, parameter.places)
    assert isinstance(value, tuple)
    return [[day, format_fixed(share, RATIO)] for day, share in value]
