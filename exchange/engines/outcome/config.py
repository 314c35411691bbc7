"""The parameters of an outcome market, as integers at their scales, parsed and checked once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exchange.engines.outcome.parameters import (
    CONTINUE,
    MOVING,
    PARAMETERS,
    RATIO,
    RESET,
    Value,
)
from exchange.engines.outcome.scales import RATE
from exchange.engines.rounding import div_floor
from exchange.engines.units import MICRO, format_fixed, parse_fixed
from exchange.engines.variable.parameters import ConfigError, Parameter

_TEXTS = {"interpolation_mode"}
# Limit prices are whole multiples of this, so that price x lot is a whole micro-USDC.
_GRID_MICRO = 100


@dataclass(frozen=True, slots=True)
class Round:
    """One scheduled elimination; without outcomes, they are named when it comes."""

    at_ms: int
    freeze_ms: int
    outcomes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every parameter of the specification, section 2; the suffix names the scale."""

    n_outcomes: int
    z_micro: int
    q0_micro: int
    initial_price_e9: tuple[int, ...]
    gamma_e9: int
    mu_start_e9: int
    mu_end_e9: int
    nu_start_e9: int
    nu_end_e9: int
    kappa_start_e9: int
    kappa_end_e9: int
    zeta_start_e9: int
    zeta_end_e9: int
    interpolation_mode: str
    fee_e9: int
    match_fee_e9: int
    p_max_pico: int
    p_min_pico: int
    eta_e1: int
    tick_micro: int
    cm_enabled: bool
    af_enabled: bool
    sigma_e9: int
    af_cap_frac_e9: int
    af_max_pools: int
    af_max_surplus_e9: int
    mr_enabled: bool
    rounds: tuple[Round, ...]
    vc_enabled: bool
    gas_fee_micro: int
    default_max_slippage_e9: int | None
    allow_above_par: bool
    starting_balance_micro: int
    total_duration_ms: int
    batch_ms: int

    @classmethod
    def parse(cls, values: Mapping[str, Value]) -> "Config":
        """Return the configuration that `values`, text by the specification's names, describes.

        A name left out has its default; null is "as the start" for an end, floor(Z/(2N)) for q0
        and "none" for default_max_slippage.

        Raises:  ConfigError for an unknown name, for text that is not exact at its scale, and for
                 whatever section 2 says must be refused.
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
            except (ValueError, TypeError, KeyError) as error:
                raise ConfigError("malformed", p.name, str(value)) from error
        return cls(**_completed(parsed))

    @property
    def depth_micro(self) -> int:
        """Return S, the launch depth of every pool."""
        return 2 * self.q0_micro

    @property
    def e2(self) -> int:
        """Return twice the penalty exponent."""
        return div_floor(self.eta_e1, 5)

    def check(self) -> None:
        """Raise ConfigError if a range or a condition of section 2 does not hold."""
        for p in PARAMETERS:
            p.check_range(getattr(self, p.field))
        for holds, name in self._conditions():
            if not holds:
                value = next(getattr(self, p.field) for p in PARAMETERS if p.name == name)
                raise ConfigError("condition", name, str(value))

    def _conditions(self) -> Iterator[tuple[bool, str]]:
        n, prices = self.n_outcomes, self.initial_price_e9
        yield 2 * n * self.q0_micro <= self.z_micro, "q0"
        yield len(prices) == n, "initial_price"
        for price in prices:
            fits = 0 < price < RATE and price * 1000 <= self.p_max_pico
            # a launch supply below 1e-6 tokens would be published as a price of nothing
            yield fits and self.depth_micro * price >= RATE, "initial_price"
        yield self.zeta_start_e9 * (n - 1) < RATE, "zeta_start"
        yield self.zeta_end_e9 * (n - 1) < RATE, "zeta_end"
        yield self.interpolation_mode in {CONTINUE, RESET}, "interpolation_mode"
        yield self.eta_e1 % 5 == 0, "eta"
        on_grid = self.tick_micro % _GRID_MICRO == 0 and MICRO % self.tick_micro == 0
        yield on_grid, "tick_size"
        yield self._rounds_fit(), "rounds"

    def _rounds_fit(self) -> bool:
        gone = [outcome for r in self.rounds for outcome in r.outcomes]
        count = sum(max(1, len(r.outcomes)) for r in self.rounds)
        times = [r.at_ms for r in self.rounds]
        return (
            all(0 <= outcome < self.n_outcomes for outcome in gone)
            and len(set(gone)) == len(gone)
            and count <= self.n_outcomes - 2
            and times == sorted(set(times))
        )

    def to_mapping(self) -> dict[str, Value]:
        """Return text by the specification's names; parsing it gives an equal configuration."""
        return {p.name: _text_of(p, getattr(self, p.field)) for p in PARAMETERS}


def _completed(parsed: dict[str, Any]) -> dict[str, Any]:
    """Fill in what follows from other parameters: the ends, q0, one price for all outcomes."""
    for name in MOVING:
        if parsed[f"{name}_end_e9"] is None:
            parsed[f"{name}_end_e9"] = parsed[f"{name}_start_e9"]
    if parsed["q0_micro"] is None:
        parsed["q0_micro"] = div_floor(parsed["z_micro"], 2 * max(1, parsed["n_outcomes"]))
    if isinstance(parsed["initial_price_e9"], int):
        parsed["initial_price_e9"] = (parsed["initial_price_e9"],) * parsed["n_outcomes"]
    return parsed


def _parsed(parameter: Parameter, value: Value) -> object:
    if value is None and parameter.optional:
        return None
    if isinstance(parameter.default, bool):
        if not isinstance(value, bool):
            raise TypeError("expected true or false")
        return value
    if parameter.name in _TEXTS:
        return _text(value)
    if parameter.name == "rounds":
        return tuple(_round(row) for row in _list(value))
    if parameter.name == "initial_price" and isinstance(value, list | tuple):
        return tuple(parse_fixed(_text(price), RATIO) for price in value)
    return parse_fixed(_text(value), parameter.places)


def _round(row: object) -> Round:
    at_ms, freeze_ms, outcomes = _list(row)
    return Round(
        parse_fixed(_text(at_ms), 0),
        parse_fixed(_text(freeze_ms), 0),
        tuple(parse_fixed(_text(outcome), 0) for outcome in _list(outcomes)),
    )


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise TypeError("expected a list")
    return value


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError("expected text or a whole number")
    return str(value)


def _text_of(parameter: Parameter, value: object) -> Value:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return format_fixed(value, parameter.places)
    assert isinstance(value, tuple)
    if parameter.name == "rounds":
        return [[str(r.at_ms), str(r.freeze_ms), [str(o) for o in r.outcomes]] for r in value]
    return [format_fixed(price, parameter.places) for price in value]
