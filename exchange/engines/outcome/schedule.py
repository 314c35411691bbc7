"""How parameters move in time: eras between eliminations, and the coupling each of them keeps."""

from typing import NamedTuple

from exchange.engines.outcome.config import Config
from exchange.engines.outcome.parameters import CONTINUE
from exchange.engines.outcome.scales import RATE
from exchange.engines.rounding import div_floor


class Rates(NamedTuple):
    """The moving parameters at one instant."""

    mu: int
    nu: int
    kappa: int
    zeta: int


def era_end(config: Config, start_ms: int) -> int:
    """Return when the era that starts then ends: at the next elimination, or with the market."""
    if config.mr_enabled:
        for scheduled in config.rounds:
            if scheduled.at_ms > start_ms:
                return scheduled.at_ms
    return config.total_duration_ms


def rates(config: Config, era_start_ms: int, at_ms: int) -> Rates:
    """Return mu, nu, kappa and zeta at an instant of the era that started then.

    Source:  specification, section 8.
    """
    start, end = 0, config.total_duration_ms
    if config.interpolation_mode != CONTINUE:
        start, end = era_start_ms, era_end(config, era_start_ms)
    return Rates(
        _between(config.mu_start_e9, config.mu_end_e9, start, end, at_ms),
        _between(config.nu_start_e9, config.nu_end_e9, start, end, at_ms),
        _between(config.kappa_start_e9, config.kappa_end_e9, start, end, at_ms),
        _between(config.zeta_start_e9, config.zeta_end_e9, start, end, at_ms),
    )


def _between(first: int, last: int, start_ms: int, end_ms: int, at_ms: int) -> int:
    if end_ms <= start_ms or at_ms >= end_ms:
        return last
    if at_ms <= start_ms:
        return first
    return first + div_floor((last - first) * (at_ms - start_ms), end_ms - start_ms)


def coupling(n_active: int, zeta: int) -> int:
    """Return z, the weight of the common pool."""
    return min(RATE, n_active * zeta)


def reference(config: Config, n_active: int, era_start_ms: int, previous: int | None) -> int:
    """Return z_ref of an era: the mean of its first and last z, never above the era before.

    Rounds:  down.
    Source:  specification, section 8.
    """
    first = rates(config, era_start_ms, era_start_ms).zeta
    last = rates(config, era_start_ms, era_end(config, era_start_ms)).zeta
    mean = div_floor(coupling(n_active, first) + coupling(n_active, last), 2)
    return mean if previous is None else min(previous, mean)
