"""What one user has: cash, positions at their exit value, stakes, orders and fills."""

from dataclasses import dataclass

from exchange import clock
from exchange.engines import variable
from exchange.engines.units import PRICE_OF_VALUE, RATE
from exchange.models import (
    Account,
    AccountKind,
    Command,
    Fill,
    Market,
    Position,
    RestingOrder,
    Stake,
    User,
)
from exchange.selectors import stakes as stakes_
from exchange.selectors.configs import config_of
from exchange.selectors.frontier import NEVER_HELD, row_of, trader_of

ORDER_KINDS = (
    "buy",
    "sell",
    "limit",
    "targets",
    "timed_exit",
    "cancel",
    "add_collateral",
    "remove_collateral",
    "contribute",
    "withdraw",
    "queue_withdrawal",
    "claim",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """A user's money in micro-USDC: free cash at its version, set aside for orders and shorts."""

    cash_micro: int
    reserved_micro: int
    escrow_micro: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """One position: what leaving now would pay after fees, and what that is more than it cost.

    A short is worth its escrow less the cost of covering; what it cost is the margin put in.
    `liquidation_pico` is the close-out price below which it keeps its maintenance margin.
    """

    market: Market
    position: Position
    average_pico: int
    exit_micro: int
    unrealised_micro: int
    at_market_micro: int
    margin_micro: int = 0
    liquidation_pico: int | None = None
    close_out_pico: int = 0

    @property
    def is_short(self) -> bool:
        """Whether it gains when the price falls."""
        return self.position.shares_nano < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeView:
    """A stake in a pool: units, their net asset value, and fees that can be claimed.

    `available_nano` are the units that have vested and are not locked in the queue.
    """

    market: Market
    stake: Stake
    value_micro: int
    claimable_micro: int
    available_nano: int = 0


def money(user: User) -> Money:
    """Return free cash, and what is set aside over all markets; zeros before the first deposit."""
    rows = Account.objects.filter(user=user).values_list("kind", "balance_micro", "version")
    cash = version = 0
    aside = {AccountKind.RESERVED.value: 0, AccountKind.ESCROW.value: 0}
    for kind, balance, at in rows:
        if kind == AccountKind.CASH:
            cash, version = balance, at
        elif kind in aside:
            aside[kind] += balance
    return Money(
        cash_micro=cash,
        reserved_micro=aside[AccountKind.RESERVED],
        escrow_micro=aside[AccountKind.ESCROW],
        version=version,
    )


def position(user: User, market: Market) -> PositionView | None:
    """Return the user's open position in one market."""
    row = Position.objects.filter(user=user, market=market).exclude(shares_nano=0).first()
    return _position_view(row, market) if row else None


def positions(user: User) -> list[PositionView]:
    """Return the open positions, by market name."""
    rows = (
        Position.objects.filter(user=user)
        .exclude(shares_nano=0)
        .select_related("market__live")
        .order_by("market__name")
    )
    return [_position_view(row, row.market) for row in rows]


def realised_micro(user: User) -> int:
    """Return the realised result over all markets."""
    return sum(Position.objects.filter(user=user).values_list("realised_micro", flat=True))


def stakes(user: User) -> list[StakeView]:
    """Return the user's stakes in pools, by market name."""
    rows = Stake.objects.filter(user=user).exclude(units_nano=0).select_related("market__live")
    return [_stake_view(row) for row in rows.order_by("market__name")]


def orders(user: User, market: Market | None = None, limit: int = 50) -> list[Command]:
    """Return what the user asked for, newest first, refused requests included."""
    mine = Command.objects.filter(user=user, market__kind=Market.Kind.VARIABLE)
    rows = mine.filter(kind__in=ORDER_KINDS).select_related("market")
    if market:
        rows = rows.filter(market=market)
    return list(rows.order_by("-id")[:limit])


def resting(user: User, market: Market | None = None) -> list[RestingOrder]:
    """Return what waits for the user as a trader, newest first."""
    rows = RestingOrder.objects.filter(user=user, status=RestingOrder.Status.OPEN)
    rows = rows.exclude(kind=RestingOrder.Kind.WITHDRAWAL).select_related("market")
    if market:
        rows = rows.filter(market=market)
    return list(rows.order_by("-id"))


def withdrawals(user: User, market: Market | None = None) -> list[RestingOrder]:
    """Return the user's requests in the providers' queues, oldest first."""
    rows = RestingOrder.objects.filter(
        user=user, status=RestingOrder.Status.OPEN, kind=RestingOrder.Kind.WITHDRAWAL
    ).select_related("market")
    if market:
        rows = rows.filter(market=market)
    return list(rows.order_by("id"))


def fills(user: User, limit: int = 50) -> list[Fill]:
    """Return the user's executions, newest first."""
    rows = Fill.objects.filter(user=user).select_related("market")
    return list(rows.order_by("-id")[:limit])


def trader(user: User, market: Market, *, barred: bool) -> variable.Trader:
    """Return the user as the engine sees them, for quotes; `barred` is what bars everybody."""
    row = Position.objects.filter(user=user, market=market).first()
    aside = Account.objects.filter(user=user, market=market, kind=AccountKind.RESERVED).first()
    return trader_of(
        row_of(row) if row else (user.pk, *NEVER_HELD),
        cash_micro=money(user).cash_micro,
        reserved_micro=aside.balance_micro if aside else 0,
        opens_barred=user.opens_barred or barred,
    )


def level_of(config: variable.Config, shares_nano: int, escrow_micro: int) -> int | None:
    """Return the close-out price above which a short is liquidated; None for who is not short."""
    if shares_nano >= 0:
        return None
    return escrow_micro * RATE * PRICE_OF_VALUE // ((RATE + config.mm_e8) * -shares_nano)


def provider(user: User, market: Market) -> variable.Provider:
    """Return the user as the engine sees them on the providers' side, for quotes."""
    row = Stake.objects.filter(user=user, market=market).first()
    return provider_of(row) if row else variable.Provider(id=user.pk)


def provider_of(row: Stake) -> variable.Provider:
    """Return a stake's row as the engine's value."""
    return variable.Provider(
        id=row.user_id,
        units_nano=row.units_nano,
        locked_nano=row.locked_nano,
        cohorts=tuple(variable.Cohort(*cohort) for cohort in row.cohorts),
        acc_paid=int(row.acc_paid),
        owed=int(row.owed),
        claimed_micro=row.claimed_micro,
        instant_day=row.instant_day,
        instant_nano=row.instant_nano,
    )


def _position_view(row: Position, market: Market) -> PositionView:
    config = config_of(market.config)
    state = variable.MarketState.from_mapping(market.live.state)
    exit_micro = variable.exit_value(config, state, trader_of(row_of(row)), clock.now_s())
    size, is_short = abs(row.shares_nano), row.shares_nano < 0
    cost = row.escrow_micro - row.entry_micro if is_short else row.entry_micro
    return PositionView(
        market=market,
        position=row,
        average_pico=row.entry_micro * PRICE_OF_VALUE // size,
        exit_micro=exit_micro,
        unrealised_micro=exit_micro - cost,
        at_market_micro=size * state.market_pico // PRICE_OF_VALUE,
        margin_micro=cost if is_short else 0,
        liquidation_pico=level_of(config, row.shares_nano, row.escrow_micro),
        close_out_pico=state.close_out_pico,
    )


def _stake_view(row: Stake) -> StakeView:
    state = variable.MarketState.from_mapping(row.market.live.state)
    return StakeView(
        market=row.market,
        stake=row,
        value_micro=stakes_.value_micro(row, state),
        claimable_micro=stakes_.claimable_micro(row, state),
        available_nano=_available_nano(row, state),
    )


def _available_nano(row: Stake, state: variable.MarketState) -> int:
    if state.status == variable.SETTLED:
        return row.units_nano - row.locked_nano
    config = config_of(row.market.config)
    return variable.vested(config, state, provider_of(row), clock.now_s())
