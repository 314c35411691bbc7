"""What a batch brings about: answers, fills, postings, the tick and the causes of the move."""

from dataclasses import dataclass, field
from typing import NamedTuple

from exchange.engines.engine import Rejected
from exchange.engines.variable.resting import Resting
from exchange.engines.variable.state import MarketState, Provider, Trader

Value = int | str | bool | tuple[str, ...]

BUY = "buy"
SELL = "sell"
OPEN_LONG = "open_long"
CLOSE_LONG = "close_long"
OPEN_SHORT = "open_short"
COVER_SHORT = "cover_short"
LIQUIDATION = "liquidation"

CASH = "cash"
RESERVED = "reserved"
ESCROW = "escrow"
POOL = "pool"
FUNDS = "funding"
LP_FEES = "lp_fees"
INSURANCE = "insurance"
TREASURY = "treasury"

ORACLE = "oracle"
RECENTRING = "recentring"

# what brought a fill about
COMMAND = "command"
COMMIT = "commit"
LIMIT = "limit"
STOP = "stop"
TARGET = "target"
TIMED_EXIT = "exit"
MARGIN = "margin"


class Fill(NamedTuple):
    """One execution of one leg against the curve.

    `value_micro` is the value along the curve, `price_pico` that value per share, rounded down,
    `market_pico` M after the leg; `realised_micro` is before fees. `escrow_micro` is the change of
    the trader's escrow, `penalty_micro` the liquidation fee, `cause` what brought the fill about
    and `ref` the id of the resting item or position it served.
    """

    seq: int
    trader: int
    side: str
    leg: str
    shares_nano: int
    value_micro: int
    fee_micro: int
    surcharge_micro: int
    lp_fee_micro: int
    price_pico: int
    realised_micro: int
    market_pico: int
    escrow_micro: int = 0
    penalty_micro: int = 0
    cause: str = COMMAND
    ref: int = 0


class Posting(NamedTuple):
    """One entry: `owner` is an account id, or None for the market's own account of that kind."""

    seq: int
    kind: str
    owner: int | None
    amount_micro: int


class Shift(NamedTuple):
    """One move of the curve and the net supply it met; it costs the providers supply x delta."""

    seq: int | None
    reason: str
    delta_pico: int
    supply_nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The answer to a buy or a sell that went through.

    `net_micro` is all a buyer pays, or what a seller's legs bring after fees; `price_pico` is the
    average along the curve, rounded down. `margin_micro` went from the trader into the escrow,
    `committed` is the id of the order that waits for the next oracle event.
    """

    side: str
    legs: tuple[Fill, ...]
    shares_nano: int
    value_micro: int
    net_micro: int
    fee_micro: int
    surcharge_micro: int
    price_pico: int
    realised_micro: int
    market_before_pico: int
    market_pico: int
    margin_micro: int = 0
    committed: int | None = None


class Payout(NamedTuple):
    """Units burned and what was paid for them; `ref` is the queued request, if there was one."""

    seq: int
    provider: int
    ref: int | None
    units_nano: int
    amount_micro: int


@dataclass(frozen=True, slots=True)
class Applied:
    """The answer to any other command that went through: its kind and the figures it brought."""

    kind: str
    fields: dict[str, Value]


Result = Filled | Applied | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The prices after a batch. D and its weight are rounded half to even, the rest as in the
    state: M, E and Phi down, the close-out price up.
    """

    t_s: int
    market_pico: int
    fundamental_pico: int
    display_pico: int
    weight_e8: int
    volume_micro: int
    supply_nano: int
    close_out_pico: int
    pool_micro: int
    equity_micro: int
    free_capital_micro: int
    clamped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Why M and D are not what they were: parts that sum exactly to the change of each."""

    market_trades_pico: int = 0
    market_oracle_pico: int = 0
    market_recentring_pico: int = 0
    display_trades_pico: int = 0
    display_oracle_pico: int = 0
    display_recentring_pico: int = 0
    display_window_pico: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Everything that follows from a batch: what to store, what to post, what to answer.

    `resting` has every item that was made, changed or ended, by id; one that has ended says so in
    its status. `capital_micro` is what providers put in less what they took out, `bad_debt_micro`
    what liquidations cost them, `revalued_exact` the change of twice E in 1e-36 by a new slope or
    by the settlement.
    """

    state: MarketState
    traders: dict[int, Trader]
    providers: dict[int, Provider]
    results: tuple[Result, ...]
    fills: tuple[Fill, ...]
    postings: tuple[Posting, ...]
    shifts: tuple[Shift, ...]
    tick: Tick
    move: Move
    resting: dict[int, Resting] = field(default_factory=dict)
    payouts: tuple[Payout, ...] = ()
    capital_micro: int = 0
    bad_debt_micro: int = 0
    revalued_exact: int = 0
