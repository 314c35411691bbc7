"""When units may be withdrawn: each cohort by its own clock."""

from exchange.engines.rounding import div_floor
from exchange.engines.units import RATE
from exchange.engines.variable.config import Config
from exchange.engines.variable.state import FUNDING, Cohort, MarketState, Provider

DAY_S = 86_400


def vested_fraction(config: Config, elapsed_s: int) -> int:
    """Return the highest fraction of the schedule whose day count has passed.

    Units:   seconds in, 1e-8 out.
    """
    days = div_floor(elapsed_s, DAY_S)
    return max((share for day, share in config.vesting if days >= day), default=0)


def vested_of(config: Config, activated_s: int, cohort: Cohort, now_s: int) -> int:
    """Return the units of one cohort that have vested and were not taken.

    Units:   nano units.
    Rounds:  down.
    """
    start_s = activated_s if cohort.start_s is None else cohort.start_s
    if now_s < start_s:
        return 0
    fraction = vested_fraction(config, now_s - start_s)
    return max(0, div_floor(cohort.units_nano * fraction, RATE) - cohort.taken_nano)


def vested(config: Config, state: MarketState, provider: Provider, now_s: int) -> int:
    """Return the units that have vested and were not taken, over all cohorts.

    Units:   nano units.
    Rounds:  down, per cohort.
    """
    if state.status == FUNDING:
        return 0
    activated_s = state.activated_s
    return sum(vested_of(config, activated_s, cohort, now_s) for cohort in provider.cohorts)
