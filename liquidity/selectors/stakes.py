"""One provider's stake: its value, why it changed, when it vests, what may leave, what waits."""

from dataclasses import dataclass

from exchange import clock
from exchange.engines import variable
from exchange.engines.rounding import div_floor
from exchange.engines.units import RATE
from exchange.engines.variable import Cohort, Config, MarketState, Provider, Withdrawal
from exchange.models import Market, RestingOrder, Stake, User
from exchange.selectors import stakes
from exchange.selectors.configs import config_of
from exchange.selectors.frontier import item_of
from exchange.selectors.stakes import Profit
from liquidity.core import exits, queue
from liquidity.core.exits import DAY_S, AtOnce


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A day on which units vest: how many then, and how many in all from then on."""

    at_s: int
    units_nano: int
    total_nano: int
    is_past: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A withdrawal that waits: what is ahead of it, and when it should be paid."""

    row: RestingOrder
    units_nano: int
    asked_nano: int
    worth_micro: int
    place: int
    ahead_micro: int
    forecast: queue.Forecast


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What holds withdrawals back now."""

    day_room_micro: int
    free_micro: int
    queued_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A stake with everything its page shows; `available_nano` has vested and is not locked."""

    market: Market
    stake: Stake
    config: Config
    state: MarketState
    provider: Provider
    value_micro: int
    claimable_micro: int
    profit: Profit
    available_nano: int
    available_micro: int
    at_once: AtOnce
    limits: Limits
    calendar: tuple[Step, ...]
    queued: tuple[Queued, ...]


def holding(user: User, market: Market) -> Holding | None:
    """Return the user's stake in a market, also where nothing but its history is left."""
    stake = Stake.objects.filter(user=user, market=market).first()
    if stake is None:
        return None
    config = config_of(market.config)
    state = variable.MarketState.from_mapping(market.live.state)
    provider = provider_of(stake)
    now_s = max(clock.now_s(), state.t_s)
    waiting = waiting_in(market)
    limits = limits_of(config, state, now_s, [item for _, item in waiting])
    available = _available(config, state, provider, now_s)
    return Holding(
        market=market,
        stake=stake,
        config=config,
        state=state,
        provider=provider,
        value_micro=stakes.value_micro(stake, state),
        claimable_micro=stakes.claimable_micro(stake, state),
        profit=stakes.profit_of(stake, market.live),
        available_nano=available,
        available_micro=worth(state, available),
        at_once=exits.at_once(config, state, provider, now_s, [item for _, item in waiting]),
        limits=limits,
        calendar=calendar(config, state, provider, now_s),
        queued=_queued(config, state, limits, waiting, user),
    )


def holdings(user: User) -> list[tuple[Stake, int, int, Profit]]:
    """Return the user's stakes with value, fees to claim and profit, by market name."""
    rows = Stake.objects.filter(user=user).select_related("market__live").order_by("market__name")
    found = []
    for row in rows:
        state = variable.MarketState.from_mapping(row.market.live.state)
        figures = stakes.value_micro(row, state), stakes.claimable_micro(row, state)
        if row.units_nano or figures[1]:
            found.append((row, *figures, stakes.profit_of(row, row.market.live)))
    return found


def provider_of(stake: Stake) -> Provider:
    """Return a stake as the engine's value."""
    return Provider(
        id=stake.user_id,
        units_nano=stake.units_nano,
        locked_nano=stake.locked_nano,
        cohorts=tuple(Cohort(*row) for row in stake.cohorts),
        acc_paid=int(stake.acc_paid),
        owed=int(stake.owed),
        claimed_micro=stake.claimed_micro,
        instant_day=stake.instant_day,
        instant_nano=stake.instant_nano,
    )


def waiting_in(market: Market) -> list[tuple[RestingOrder, Withdrawal]]:
    """Return a market's queue of withdrawals, its head first."""
    rows = RestingOrder.objects.filter(
        market=market, place="queue", status=RestingOrder.Status.OPEN
    ).order_by("level", "ref")
    found = []
    for row in rows:
        item = item_of(row.item)
        assert isinstance(item, Withdrawal)
        found.append((row, item))
    return found


def limits_of(config: Config, state: MarketState, now_s: int, waiting: list[Withdrawal]) -> Limits:
    """Return what holds withdrawals back now; nothing does in a settled market."""
    if state.status not in (variable.ACTIVE, variable.WINDING):
        whole = max(0, state.equity_micro)
        return Limits(day_room_micro=whole, free_micro=whole, queued_micro=0)
    room, free = exits.rooms(config, state, now_s)
    queued = sum(worth(state, item.units_nano) for item in waiting)
    return Limits(day_room_micro=room, free_micro=free, queued_micro=queued)


def worth(state: MarketState, units_nano: int) -> int:
    """Return units at net asset value, rounded down; at par before activation."""
    if not state.units_nano:
        return div_floor(units_nano, stakes.UNITS_AT_PAR)
    return div_floor(units_nano * max(0, state.equity_micro), state.units_nano)


def calendar(
    config: Config, state: MarketState, provider: Provider, now_s: int
) -> tuple[Step, ...]:
    """Return the days on which units vest, cohorts together; none before activation."""
    if state.status == variable.FUNDING:
        return ()
    days: dict[int, int] = {}
    for cohort in provider.cohorts:
        start = state.activated_s if cohort.start_s is None else cohort.start_s
        before = 0
        for day, share in config.vesting:
            vested = div_floor(cohort.units_nano * share, RATE)
            at = start + day * DAY_S
            days[at] = days.get(at, 0) + vested - before
            before = vested
    steps, total = [], 0
    for at, units in sorted(days.items()):
        total += units
        steps.append(Step(at_s=at, units_nano=units, total_nano=total, is_past=at <= now_s))
    return tuple(steps)


def _available(config: Config, state: MarketState, provider: Provider, now_s: int) -> int:
    if state.status == variable.SETTLED:
        return provider.units_nano - provider.locked_nano
    return variable.vested(config, state, provider, now_s)


def _queued(
    config: Config,
    state: MarketState,
    limits: Limits,
    waiting: list[tuple[RestingOrder, Withdrawal]],
    user: User,
) -> tuple[Queued, ...]:
    pool = _pool(config, state, limits, max(clock.now_s(), state.t_s))
    line = [
        queue.Waiting(units_nano=item.units_nano, placed_s=item.placed_s) for _, item in waiting
    ]
    return tuple(
        Queued(
            row=row,
            units_nano=item.units_nano,
            asked_nano=row.asked["units_nano"],
            worth_micro=worth(state, item.units_nano),
            place=n + 1,
            ahead_micro=sum(worth(state, other.units_nano) for _, other in waiting[:n]),
            forecast=queue.forecast(pool, line[: n + 1]),
        )
        for n, (row, item) in enumerate(waiting)
        if row.user_id == user.pk
    )


def queue_forecast(held: Holding, units_nano: int) -> queue.Forecast:
    """Return when units would be paid that are put into the queue now."""
    waiting = [item for _, item in waiting_in(held.market)]
    now_s = max(clock.now_s(), held.state.t_s)
    line = [queue.Waiting(units_nano=item.units_nano, placed_s=item.placed_s) for item in waiting]
    pool = _pool(held.config, held.state, held.limits, now_s)
    return queue.forecast(pool, [*line, queue.Waiting(units_nano=units_nano, placed_s=now_s)])


def _pool(config: Config, state: MarketState, limits: Limits, now_s: int) -> queue.Pool:
    return queue.Pool(
        now_s=now_s,
        equity_micro=max(0, state.equity_micro),
        units_nano=state.units_nano,
        room_micro=limits.day_room_micro,
        free_micro=limits.free_micro,
        daily_cap_e8=config.daily_cap_e8,
        delay_s=0 if state.status == variable.SETTLED else config.queue_delay_s,
    )
