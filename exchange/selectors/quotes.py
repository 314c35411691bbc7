"""What an order would do now: the engine itself, run on the newest state and thrown away."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from django.db import connection

from exchange import clock
from exchange.engines import variable
from exchange.models import Market, User
from exchange.selectors import bars, portfolio
from exchange.selectors.configs import config_of
from exchange.selectors.frontier import StoredFrontier
from exchange.selectors.raw import Raw

VISITOR_CASH_MICRO = 10**12
VALID_S = 10
OF_PROVIDERS = (
    variable.Contribute,
    variable.Claim,
    variable.WithdrawNow,
    variable.QueueWithdrawal,
    variable.Cancel,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A preview: either what would happen, or the refusal with its numbers.

    `after` is the trader after the order, `state` the market; `exit_micro` is what leaving at once
    would pay. `fills` are the trader's own, `resting` what the order leaves or changes, by its id.
    """

    result: variable.Result
    state: variable.MarketState
    before: variable.Trader
    after: variable.Trader
    exit_micro: int
    exit_before_micro: int
    batch_seq: int
    now_s: int
    fills: tuple[variable.Fill, ...] = ()
    resting: Mapping[int, variable.Resting] = field(default_factory=dict)

    @property
    def refused(self) -> variable.Rejected | None:
        """The refusal, if the order would be refused."""
        return self.result if isinstance(self.result, variable.Rejected) else None


def quote(
    user: User | None,
    market: Market,
    *commands: variable.Command,
    banded: bool = True,
    before: variable.Trader | None = None,
) -> Quote:
    """Preview a command for a user, or for a visitor who is lent play money to look.

    Of several commands each sees what those before it did, and the last one's answer is told
    unless one before was refused. Without `banded` the band does not refuse: what an order would
    do that waits for the oracle. `before` is the trader where it has been read already.
    """
    config = config_of(market.config)
    if not banded:
        config = replace(config, band_e8=None)
    state = variable.MarketState.from_mapping(market.live.state)
    now_s = max(clock.now_s(), state.t_s)
    before = before or trader_in(user, market)
    connection.ensure_connection()
    frontier = StoredFrontier(cast("Raw", connection.connection), market.pk)
    is_providers = any(isinstance(command, OF_PROVIDERS) for command in commands)
    stakes = {before.id: portfolio.provider(user, market)} if user and is_providers else {}
    done = variable.apply(
        config, state, {before.id: before}, stakes, commands, now_s, frontier=frontier
    )
    after = done.traders.get(before.id, before)
    refused = (result for result in done.results if isinstance(result, variable.Rejected))
    return Quote(
        result=bars.explained(next(refused, done.results[-1]), market.live, now_s),
        state=done.state,
        before=before,
        after=after,
        exit_micro=variable.exit_value(config, done.state, after, now_s),
        exit_before_micro=variable.exit_value(config, state, before, now_s),
        batch_seq=market.live.batch_seq,
        now_s=now_s,
        fills=tuple(fill for fill in done.fills if fill.trader == before.id),
        resting=done.resting,
    )


def trader_in(user: User | None, market: Market) -> variable.Trader:
    """Return the user as the engine sees them in a market, or a visitor."""
    if user is None:
        return visitor(market)
    return portfolio.trader(user, market, barred=opens_paused(market))


def visitor(market: Market) -> variable.Trader:
    """Return somebody without an account: enough cash to preview, and nothing held."""
    return variable.Trader(id=0, cash_micro=VISITOR_CASH_MICRO, opens_barred=opens_paused(market))


def opens_paused(market: Market) -> bool:
    """Return whether a rule or staff bars everybody from opening in a market now."""
    live = market.live
    return live.reduce_only_since is not None or clock.now_s() < live.pause_until_s


def build(kind: str, payload: Mapping[str, Any], trader: int) -> variable.Command:
    """Return the engine's command for what a ticket or a program asks."""
    return variable.command_of(kind, payload, 0, trader)
