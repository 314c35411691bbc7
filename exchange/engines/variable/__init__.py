"""The engine of variable markets: the names that the rest of the product may use."""

from exchange.engines.engine import Rejected
from exchange.engines.variable.commands import (
    AddCollateral,
    Buy,
    Cancel,
    Claim,
    Command,
    Contribute,
    Heartbeat,
    OracleEvent,
    PlaceLimit,
    ProcessQueue,
    QueueWithdrawal,
    Recalibrate,
    Refund,
    RemoveCollateral,
    Report,
    RunExits,
    Sell,
    SetTargets,
    Settle,
    StartExit,
    WindDown,
    WithdrawNow,
)
from exchange.engines.variable.config import Config
from exchange.engines.variable.display import display
from exchange.engines.variable.frontier import Frontier, MemoryFrontier
from exchange.engines.variable.invariants import check_invariants
from exchange.engines.variable.marks import Health, exit_value, health
from exchange.engines.variable.parameters import ConfigError
from exchange.engines.variable.providers import claimable
from exchange.engines.variable.recalibration import daily_slope
from exchange.engines.variable.resting import (
    CommittedOrder,
    LimitOrder,
    Resting,
    TimedExit,
    Withdrawal,
)
from exchange.engines.variable.results import (
    Applied,
    Fill,
    Filled,
    Move,
    Payout,
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
from exchange.engines.variable.vesting import vested

__all__ = [
    "AddCollateral",
    "Applied",
    "Buy",
    "Cancel",
    "Claim",
    "Cohort",
    "Command",
    "CommittedOrder",
    "Config",
    "ConfigError",
    "Contribute",
    "Fill",
    "Filled",
    "Frontier",
    "Health",
    "Heartbeat",
    "LimitOrder",
    "MarketState",
    "MemoryFrontier",
    "Move",
    "OracleEvent",
    "Payout",
    "PlaceLimit",
    "Posting",
    "ProcessQueue",
    "Provider",
    "QueueWithdrawal",
    "Recalibrate",
    "Refund",
    "Rejected",
    "RemoveCollateral",
    "Report",
    "Resting",
    "Result",
    "RunExits",
    "Sell",
    "SetTargets",
    "Settle",
    "Settlement",
    "Shift",
    "StartExit",
    "Tick",
    "TimedExit",
    "Trader",
    "WindDown",
    "WithdrawNow",
    "Withdrawal",
    "apply",
    "canonical_bytes",
    "check_invariants",
    "claimable",
    "daily_slope",
    "display",
    "exit_value",
    "health",
    "quote",
    "vested",
]
