"""Everything that can be asked of an outcome market, each with its place in the log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

BUY = "buy"
SELL = "sell"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """Buy or sell tokens: without a price at the market, with one up to that limit.

    `side` is BUY or SELL, `token` YES or NO; `auto_fill` lets what rests of a limit order be
    filled by the market maker when others move the prices. Orders of one batch are processed by
    (ts_ms, seq); `seq` is the id of the order.
    """

    seq: int
    trader: int
    ts_ms: int
    side: str
    outcome: int
    token: int
    size_micro: int
    price_micro: int | None = None
    max_slippage_e9: int | None = None
    auto_fill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """Take back what rests of a limit order."""

    seq: int
    trader: int
    ts_ms: int
    ref: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Eliminate:
    """End some outcomes; the others go on at `resume_ms`."""

    seq: int
    outcomes: tuple[int, ...]
    resume_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve:
    """End the market: one outcome has won."""

    seq: int
    winner: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Let trading go on, only reduce, stand still or end: TRADING, REDUCING, FROZEN or ENDED.

    What stands still goes on only with an elimination, what has ended not at all.
    The mode that holds already lets time pass and prices be published, and nothing else.
    """

    seq: int
    mode: str


Message = PlaceOrder | CancelOrder
Command = PlaceOrder | CancelOrder | Eliminate | Resolve | Gate

# The one word for each command, in the log and in the answers.
KINDS: Mapping[str, type[Command]] = {
    "order": PlaceOrder,
    "cancel": CancelOrder,
    "eliminate": Eliminate,
    "resolve": Resolve,
    "gate": Gate,
}


def command_of(kind: str, payload: Mapping[str, Any], seq: int, trader: int | None) -> Command:
    """Return the command that a line of the log describes; the house's have no trader.

    Raises:  KeyError for an unknown kind, TypeError for a payload that is not of that kind.
    """
    if kind == "eliminate":
        return Eliminate(**{**payload, "seq": seq, "outcomes": tuple(payload["outcomes"])})
    build: Callable[..., Command] = KINDS[kind]
    if trader is None:
        return build(seq=seq, **payload)
    return build(seq=seq, trader=trader, **payload)
