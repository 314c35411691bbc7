"""What an order would do now: the engine itself, run on the newest state and thrown away."""

from dataclasses import dataclass
from typing import Any

from exchange import clock
from exchange.engines import variable
from exchange.models import Market, User
from exchange.selectors import portfolio
from exchange.selectors.configs import config_of

VISITOR_CASH_MICRO = 10**12
VALID_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A preview: either what would happen, or the refusal with its numbers.

    `after` is the trader after the order; `exit_micro` what leaving at once would pay.
    """

    result: variable.Result
    before: variable.Trader
    after: variable.Trader
    exit_micro: int
    exit_before_micro: int
    batch_seq: int
    now_s: int

    @property
    def refused(self) -> variable.Rejected | None:
        """The refusal, if the order would be refused."""
        return self.result if isinstance(self.result, variable.Rejected) else None


def quote(user: User | None, market: Market, command: variable.Command) -> Quote:
    """Preview `command` for a user, or for a visitor who is lent play money to look."""
    config = config_of(market.config)
    state = variable.MarketState.from_mapping(market.live.state)
    now_s = max(clock.now_s(), state.t_s)
    before = portfolio.trader(user, market) if user else visitor(market)
    done = variable.quote(config, state, before, command, now_s)
    after = done.traders.get(before.id, before)
    return Quote(
        result=done.results[0],
        before=before,
        after=after,
        exit_micro=variable.exit_value(config, done.state, after, now_s),
        exit_before_micro=variable.exit_value(config, state, before, now_s),
        batch_seq=market.live.batch_seq,
        now_s=now_s,
    )


def visitor(market: Market) -> variable.Trader:
    """Return somebody without an account: enough cash to preview, and nothing held."""
    barred = market.live.reduce_only_since is not None
    return variable.Trader(id=0, cash_micro=VISITOR_CASH_MICRO, opens_barred=barred)


def build(side: str, payload: dict[str, Any], trader: int) -> variable.Command:
    """Return the engine's command for a ticket of that side."""
    if side == "buy":
        return variable.Buy(seq=0, trader=trader, **payload)
    return variable.Sell(seq=0, trader=trader, reduce_only=True, **payload)
