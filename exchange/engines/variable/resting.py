"""What rests in a market until its time comes: limit orders, commits, exits, withdrawals."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

OPEN = "open"
FILLED = "filled"
CANCELLED = "cancelled"
EXPIRED = "expired"
FAILED = "failed"

OPEN_LONG = "open_long"
CLOSE_LONG = "close_long"
OPEN_SHORT = "open_short"
CLOSE_SHORT = "close_short"
BUY_INTENTS = (OPEN_LONG, CLOSE_SHORT)
SELL_INTENTS = (CLOSE_LONG, OPEN_SHORT)
OPEN_INTENTS = (OPEN_LONG, OPEN_SHORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOrder:
    """An order that fills while M stays on the good side of its price; `shares_nano` are left.

    One that cannot fill at any price is `parked` until its owner's position changes sides.
    """

    id: int
    trader: int
    intent: str
    shares_nano: int
    price_pico: int
    reserved_micro: int = 0
    placed_s: int = 0
    status: str = OPEN
    parked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedOrder:
    """An opening leg that waits for the next oracle event, with its whole cost set aside."""

    id: int
    trader: int
    intent: str
    amount_micro: int | None
    shares_nano: int | None
    reserved_micro: int
    shares_min_nano: int = 0
    extra_micro: int = 0
    placed_s: int = 0
    status: str = OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedExit:
    """A position that is closed in chunks; `position` is the one it was made for."""

    id: int
    trader: int
    position: int
    shares_nano: int
    chunks: int
    interval_s: int
    due_s: int
    guard_pico: int | None = None
    status: str = OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A provider's locked units in the queue; `trader` is the provider's account."""

    id: int
    trader: int
    units_nano: int
    placed_s: int
    status: str = OPEN


Resting = LimitOrder | CommittedOrder | TimedExit | Withdrawal

_KINDS: Mapping[str, type[Resting]] = {
    "limit": LimitOrder,
    "commit": CommittedOrder,
    "exit": TimedExit,
    "withdrawal": Withdrawal,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def blocked(intent: str, shares_nano: int) -> bool:
    """Return whether a net position alone keeps an intent from filling, at any price.

    Source:  specification, section 13.
    """
    if intent in OPEN_INTENTS:
        return shares_nano < 0 if intent == OPEN_LONG else shares_nano > 0
    return shares_nano <= 0 if intent == CLOSE_LONG else shares_nano >= 0


def kind_of(item: Resting) -> str:
    """Return the one word for what an item is."""
    return _NAMES[type(item)]


def to_mapping(item: Resting) -> dict[str, Any]:
    """Return an item as JSON-safe values; `kind` tells which it is."""
    return {"kind": kind_of(item), **{f.name: getattr(item, f.name) for f in fields(item)}}


def from_mapping(mapping: Mapping[str, Any]) -> Resting:
    """Return the item that `to_mapping` wrote."""
    values = dict(mapping)
    return _KINDS[values.pop("kind")](**values)
