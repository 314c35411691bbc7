"""What a batch brings about: answers, fills, postings and the tick."""

from dataclasses import dataclass
from typing import NamedTuple

from exchange.engines.engine import Rejected
from exchange.engines.outcome.state import MarketState, Order, Trader

CASH = "cash"
RESERVED = "reserved"
POOL = "pool"
PAIRS = "pairs"
FEES = "fees"
SEIGNIORAGE = "seigniorage"
GAS = "gas"

DIRECT = "direct"
MINT = "mint"
MERGE = "merge"
AMM = "amm"
CONVERT = "convert"
AUTO = "auto"


class Fill(NamedTuple):
    """One execution of one leg; the side without an id is the market maker.

    A mint's buyer is the incoming order and its `seller` the counterparty, who receives the
    complement; a merge's seller is the incoming one and its `buyer` the counterparty, who gives the
    complement. `price_pico` and `amount_micro` are the incoming order's, of an auto-fill the
    resting one's. `fee_micro` is what the incoming side pays (of an auto-fill the resting one),
    `other_fee_micro` the counterparty; `maker_micro` is what the market maker took, or paid if
    negative, `seigniorage_micro` the system's part of a surplus.
    """

    seq: int
    kind: str
    token: int
    buyer: int | None
    seller: int | None
    buy_order: int | None
    sell_order: int | None
    size_micro: int
    amount_micro: int
    price_pico: int
    fee_micro: int
    other_fee_micro: int = 0
    maker_micro: int = 0
    rebate_micro: int = 0
    seigniorage_micro: int = 0


class Posting(NamedTuple):
    """One entry: `owner` is an account id, or None for the market's own account of that kind."""

    seq: int
    kind: str
    owner: int | None
    amount_micro: int


@dataclass(frozen=True, slots=True)
class Placed:
    """The answer to an order that was taken: the order as the batch has left it."""

    order: Order


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The answer to a cancellation that went through: the order and what returned."""

    order: Order
    returned_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Eliminated:
    """The answer to an elimination.

    `before_pico` is the sum of published YES prices before it, `factor_e9` the common factor of
    the survivors' YES supply; `paid` has each holder of an eliminated NO with the payment.
    """

    outcomes: tuple[int, ...]
    paid: tuple[tuple[int, int], ...]
    before_pico: int
    factor_e9: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The answer to the final resolution, with each payment."""

    winner: int
    paid: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Gated:
    """The answer to a gate: the mode that holds from now on."""

    mode: str


Result = Placed | Cancelled | Eliminated | Resolved | Gated | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The prices after a batch, one pair of YES and NO per outcome, None for one that is gone.

    `backing_exact` is F in 1e-21 USDC, `redemption_micro` what the worst winner would take out of
    the pool.
    """

    t_ms: int
    z_e9: int
    prices_pico: tuple[tuple[int, int] | None, ...]
    backing_exact: int
    redemption_micro: int
    pool_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Everything that follows from a batch: what to store, what to post, what to answer.

    `orders` has every order that was made, changed or ended, by id; `traders` those that changed.
    """

    state: MarketState
    traders: dict[int, Trader]
    orders: dict[int, Order]
    results: tuple[Result, ...]
    fills: tuple[Fill, ...]
    postings: tuple[Posting, ...]
    tick: Tick
