"""What a provider's stake is worth and why: parts that sum to the profit exactly."""

from dataclasses import dataclass

from exchange.engines import variable
from exchange.models import LiveState, Stake

SCALE = 10**18
UNITS_AT_PAR = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Profit:
    """A stake's profit so far in micro-USDC, and its parts.

    Keeps:   total = fees + surcharges + oracle + trading, to the micro.

    `fees` are claimed and claimable; `surcharges` what late takers paid the pool; `oracle` what
    shifts of the curve by oracle events cost the net position the pool carries; `trading` is the
    inventory: what recentring, bad debt and new slopes did, and rounding.
    """

    total_micro: int
    fees_micro: int
    surcharges_micro: int
    oracle_micro: int
    trading_micro: int


def value_micro(stake: Stake, state: variable.MarketState) -> int:
    """Return a stake at net asset value, rounded down; at par before activation."""
    if not state.units_nano:
        return int(stake.units_nano) // UNITS_AT_PAR
    return max(0, int(stake.units_nano) * state.equity_micro // state.units_nano)


def claimable_micro(stake: Stake, state: variable.MarketState) -> int:
    """Return the fees that a claim would pay now, rounded down."""
    owed = int(stake.owed) + stake.units_nano * (state.acc - int(stake.acc_paid))
    return owed // SCALE


def profit_of(stake: Stake, live: LiveState) -> Profit:
    """Return what a stake has gained since its first contribution, and by what."""
    state = variable.MarketState.from_mapping(live.state)
    fees = stake.claimed_micro + claimable_micro(stake, state)
    held = value_micro(stake, state) + stake.withdrawn_micro - stake.contributed_micro
    surcharges, oracle = (_gained(stake, live, cause) for cause in ("surcharges", "oracle"))
    return Profit(
        total_micro=held + fees,
        fees_micro=fees,
        surcharges_micro=surcharges,
        oracle_micro=oracle,
        trading_micro=held - surcharges - oracle,
    )


def _gained(stake: Stake, live: LiveState, cause: str) -> int:
    now = live.pool_sums.get(cause, 0)
    had, read_at = stake.gained.get(cause, (0, now))
    total: int = had + stake.units_nano * (now - read_at)
    return total // SCALE
