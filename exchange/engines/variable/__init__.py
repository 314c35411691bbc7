"""The engine of variable markets: the names that the rest of the product may use."""

from exchange.engines.engine import Rejected
from exchange.engines.variable.commands import (
    Buy,
    Claim,
    Command,
    Contribute,
    Heartbeat,
    OracleEvent,
    Refund,
    Report,
    Sell,
)
from exchange.engines.variable.config import Config
from exchange.engines.variable.display import display
from exchange.engines.variable.invariants import check_invariants
from exchange.engines.variable.marks import Health, exit_value, health
from exchange.engines.variable.parameters import ConfigError
from exchange.engines.variable.providers import claimable, vested
from exchange.engines.variable.results import (
    Applied,
    Fill,
    Filled,
    Move,
    Posting,
    Result,
    Settlement,
    Shift,
    Tick,
)
from exchange.engines.variable.settlement import apply, quote
from exchange.engines.variable.state import (
    Cohort,
    MarketState,
    Provider,
    Trader,
    canonical_bytes,
)

__all__ = [
    "Applied",
    "Buy",
    "Claim",
    "Cohort",
    "Command",
    "Config",
    "ConfigError",
    "Contribute",
    "Fill",
    "Filled",
    "Health",
    "Heartbeat",
    "MarketState",
    "Move",
    "OracleEvent",
    "Posting",
    "Provider",
    "Refund",
    "Rejected",
    "Report",
    "Result",
    "Sell",
    "Settlement",
    "Shift",
    "Tick",
    "Trader",
    "apply",
    "canonical_bytes",
    "check_invariants",
    "claimable",
    "display",
    "exit_value",
    "health",
    "quote",
    "vested",
]
