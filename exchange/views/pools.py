"""A pool as providers read it: what is in it, who may leave when, how full the caps are."""

from dataclasses import dataclass
from datetime import datetime

from exchange import clock
from exchange.engines import variable
from exchange.engines.units import RATE
from exchange.models import Market
from exchange.selectors.markets import MarketView

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Vesting:
    """One step of the schedule: from when on, and how much of a contribution."""

    days: int
    share_e8: int
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The figures of the liquidity tab."""

    funded_e8: int
    goal_micro: int
    left_micro: int
    room_micro: int
    deadline: datetime
    unit_value_e8: int | None
    health: variable.Health
    vesting: tuple[Vesting, ...]


def pool_of(view: MarketView) -> Pool:
    """Return the pool's figures from the market's state."""
    state, config = view.state, view.config
    funding = state.status == Market.Status.FUNDING
    start_s = clock.now_s() if funding else state.activated_s
    collected = state.funding_micro if funding else state.equity_micro
    return Pool(
        funded_e8=min(RATE, state.funding_micro * RATE // config.soft_cap_micro),
        goal_micro=config.soft_cap_micro,
        left_micro=max(0, config.soft_cap_micro - state.funding_micro),
        room_micro=max(0, config.hard_cap_micro - collected),
        deadline=clock.at(state.deadline_s),
        unit_value_e8=_unit_value(view),
        health=variable.health(config, state, clock.now_s()),
        vesting=tuple(
            Vesting(
                days=days,
                share_e8=share,
                at=None if funding else clock.at(start_s + days * DAY_S),
            )
            for days, share in config.vesting
        ),
    )


def _unit_value(view: MarketView) -> int | None:
    """Return what one unit is worth, in 1e-8 of the USDC it was paid in at."""
    units = view.state.units_nano
    return view.state.equity_micro * RATE * 1000 // units if units else None
