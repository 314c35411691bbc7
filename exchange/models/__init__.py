"""The tables of the core, one file per concept."""

from exchange.models.audit import AccountMark, AuditRun, MarketMark
from exchange.models.events import MarketEvent, OutboxEvent, StaffAction
from exchange.models.ledger import Account, AccountKind, Entry, Hold, Transfer
from exchange.models.markets import LiveState, Market
from exchange.models.orders import Command, Fill, RestingOrder
from exchange.models.outcomes import OutcomeFill, OutcomeOrder, OutcomeTick
from exchange.models.positions import Position, Stake
from exchange.models.sessions import Holding, Participant, Picture, Session
from exchange.models.ticks import Candle, OracleMove, Tick
from exchange.models.users import ApiToken, User

__all__ = [
    "Account",
    "AccountKind",
    "AccountMark",
    "ApiToken",
    "AuditRun",
    "Candle",
    "Command",
    "Entry",
    "Fill",
    "Hold",
    "Holding",
    "LiveState",
    "Market",
    "MarketEvent",
    "MarketMark",
    "OracleMove",
    "OutboxEvent",
    "OutcomeFill",
    "OutcomeOrder",
    "OutcomeTick",
    "Participant",
    "Picture",
    "Position",
    "RestingOrder",
    "Session",
    "StaffAction",
    "Stake",
    "Tick",
    "Transfer",
    "User",
]
