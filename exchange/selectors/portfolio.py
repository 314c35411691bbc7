"""What one user has: cash, positions at their exit value, stakes, orders and fills."""

from dataclasses import dataclass

from exchange import clock
from exchange.engines import variable
from exchange.models import Account, AccountKind, Command, Fill, Market, Position, Stake, User
from exchange.selectors.configs import config_of

ORDER_KINDS = ("buy", "sell", "contribute", "claim")


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """A user's cash in micro-USDC: free, set aside, and the version both were read at."""

    cash_micro: int
    reserved_micro: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """One position: what it cost, what leaving now would pay after fees, and the difference."""

    market: Market
    position: Position
    average_pico: int
    exit_micro: int
    unrealised_micro: int
    at_market_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeView:
    """A stake in a pool: units, their net asset value, and fees that can be claimed."""

    market: Market
    stake: Stake
    value_micro: int
    claimable_micro: int


def money(user: User) -> Money:
    """Return free and reserved cash; zeros before the first deposit."""
    rows = Account.objects.filter(user=user, market=None).values_list(
        "kind", "balance_micro", "version"
    )
    found = {kind: (balance, version) for kind, balance, version in rows}
    cash = found.get(AccountKind.CASH, (0, 0))
    return Money(
        cash_micro=cash[0],
        reserved_micro=found.get(AccountKind.RESERVED, (0, 0))[0],
        version=cash[1],
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
    rows = Command.objects.filter(user=user, kind__in=ORDER_KINDS).select_related("market")
    if market:
        rows = rows.filter(market=market)
    return list(rows.order_by("-id")[:limit])


def fills(user: User, limit: int = 50) -> list[Fill]:
    """Return the user's executions, newest first."""
    rows = Fill.objects.filter(user=user).select_related("market")
    return list(rows.order_by("-id")[:limit])


def trader(user: User, market: Market) -> variable.Trader:
    """Return the user as the engine sees them, for quotes."""
    row = Position.objects.filter(user=user, market=market).first()
    live = market.live
    return variable.Trader(
        id=user.pk,
        cash_micro=money(user).cash_micro,
        shares_nano=row.shares_nano if row else 0,
        entry_micro=row.entry_micro if row else 0,
        escrow_micro=row.escrow_micro if row else 0,
        realised_micro=row.realised_micro if row else 0,
        opens_barred=user.opens_barred or live.reduce_only_since is not None,
    )


def _position_view(row: Position, market: Market) -> PositionView:
    config = config_of(market.config)
    state = variable.MarketState.from_mapping(market.live.state)
    holder = variable.Trader(
        id=row.user_id,
        cash_micro=0,
        shares_nano=row.shares_nano,
        entry_micro=row.entry_micro,
        escrow_micro=row.escrow_micro,
        realised_micro=row.realised_micro,
    )
    exit_micro = variable.exit_value(config, state, holder, clock.now_s())
    size = abs(row.shares_nano)
    return PositionView(
        market=market,
        position=row,
        average_pico=row.entry_micro * 10**15 // size,
        exit_micro=exit_micro,
        unrealised_micro=exit_micro - row.entry_micro,
        at_market_micro=size * state.market_pico // 10**15,
    )


def _stake_view(row: Stake) -> StakeView:
    state = variable.MarketState.from_mapping(row.market.live.state)
    total = state.units_nano
    value = row.units_nano * state.equity_micro // total if total else row.units_nano // 1000
    owed = int(row.owed) + row.units_nano * (state.acc - int(row.acc_paid))
    return StakeView(
        market=row.market,
        stake=row,
        value_micro=value,
        claimable_micro=owed // 10**18,
    )
