"""The engine of outcome markets: the names that the rest of the product may use."""

from exchange.engines.engine import Rejected
from exchange.engines.outcome.basket import Basket, worst_basket
from exchange.engines.outcome.commands import (
    BUY,
    SELL,
    CancelOrder,
    Command,
    Eliminate,
    Gate,
    PlaceOrder,
    Resolve,
    command_of,
)
from exchange.engines.outcome.config import Config, Round
from exchange.engines.outcome.frontier import Frontier, MemoryFrontier
from exchange.engines.outcome.invariants import check_invariants
from exchange.engines.outcome.presets import MODES, preset
from exchange.engines.outcome.reports import Report, report
from exchange.engines.outcome.results import (
    Cancelled,
    Eliminated,
    Fill,
    Gated,
    Placed,
    Posting,
    Resolved,
    Result,
    Settlement,
    Tick,
)
from exchange.engines.outcome.scales import LOT, NO, YES, token_of
from exchange.engines.outcome.settlement import apply, quote
from exchange.engines.outcome.state import (
    CANCELLED,
    ENDED,
    FILLED,
    FROZEN,
    OPEN,
    PARTIAL,
    REDUCING,
    SETTLED,
    TRADING,
    MarketState,
    Order,
    Outcome,
    Trader,
    canonical_bytes,
)
from exchange.engines.variable.parameters import ConfigError

__all__ = [
    "BUY",
    "CANCELLED",
    "ENDED",
    "FILLED",
    "FROZEN",
    "LOT",
    "MODES",
    "NO",
    "OPEN",
    "PARTIAL",
    "REDUCING",
    "SELL",
    "SETTLED",
    "TRADING",
    "YES",
    "Basket",
    "CancelOrder",
    "Cancelled",
    "Command",
    "Config",
    "ConfigError",
    "Eliminate",
    "Eliminated",
    "Fill",
    "Frontier",
    "Gate",
    "Gated",
    "MarketState",
    "MemoryFrontier",
    "Order",
    "Outcome",
    "PlaceOrder",
    "Placed",
    "Posting",
    "Rejected",
    "Report",
    "Resolve",
    "Resolved",
    "Result",
    "Round",
    "Settlement",
    "Tick",
    "Trader",
    "apply",
    "canonical_bytes",
    "check_invariants",
    "command_of",
    "preset",
    "quote",
    "report",
    "token_of",
    "worst_basket",
]
