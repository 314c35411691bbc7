"""Everything that can be asked of a variable market, each with its place in the log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Buy:
    """Buy for an amount of USDC or a number of shares, exactly one of the two.

    A short is covered first, the rest opens a long; `reduce_only` refuses to open one, `commit`
    lets an opening leg that only the band refuses wait for the next oracle event.
    """

    seq: int
    trader: int
    amount_micro: int | None = None
    shares_nano: int | None = None
    min_shares_nano: int | None = None
    max_cost_micro: int | None = None
    commit: bool = False
    reduce_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sell:
    """Sell a number of shares, or as few as reach a gross amount; exactly one of the two.

    A long is closed first, the rest opens a short with `extra_micro` on top of its margin.
    """

    seq: int
    trader: int
    shares_nano: int | None = None
    target_micro: int | None = None
    min_out_micro: int | None = None
    max_margin_micro: int | None = None
    extra_micro: int = 0
    commit: bool = False
    reduce_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribute:
    """Put money into a market that is being funded, or mint units of an active one.

    `funding_only` refuses the latter.
    """

    seq: int
    trader: int
    amount_micro: int
    funding_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Take the fees a provider has earned."""

    seq: int
    trader: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One analyst's estimate of the relative change of the variable, and its confidence."""

    delta_pico: int
    confidence_e8: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleEvent:
    """The reports of one oracle round."""

    seq: int
    reports: tuple[Report, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The empty operation: time passes, and whatever hangs on time happens."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Give contributions back after a funding window that missed its goal.

    The market is cancelled by the first one. Each pays the providers it is given together with
    their traders, so that a long list can be paid in slices.
    """

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCollateral:
    """Put money into the escrow of a short."""

    seq: int
    trader: int
    amount_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveCollateral:
    """Take money out of the escrow of a short, down to the initial margin."""

    seq: int
    trader: int
    amount_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceLimit:
    """Leave a limit order; an order that opens a short brings its margin, fee included."""

    seq: int
    trader: int
    intent: str
    shares_nano: int
    price_pico: int
    margin_micro: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTargets:
    """Set the stop-loss and the take-profit of a position; None takes one away."""

    seq: int
    trader: int
    stop_pico: int | None = None
    target_pico: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartExit:
    """Close shares in chunks, the first as soon as exits are run."""

    seq: int
    trader: int
    shares_nano: int
    chunks: int
    interval_s: int
    guard_pico: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Take back a limit order, a committed order, a timed exit or a queued withdrawal."""

    seq: int
    trader: int
    ref: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunExits:
    """Close the chunks of the timed exits that are due."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawNow:
    """Burn vested units at once, within the limits of the day."""

    seq: int
    trader: int
    units_nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueWithdrawal:
    """Lock vested units and have them burned after the notice period."""

    seq: int
    trader: int
    units_nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessQueue:
    """Pay queued withdrawals from the head, as far as the day and the free capital go."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WindDown:
    """End trading but for closing; all positions may be settled from `settle_at_s` on."""

    seq: int
    settle_at_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Close all positions of a market in wind-down at one price."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibrate:
    """Give the curve a new slope at the same price."""

    seq: int
    k_atto: int


Command = (
    Buy
    | Sell
    | Contribute
    | Claim
    | OracleEvent
    | Heartbeat
    | Refund
    | AddCollateral
    | RemoveCollateral
    | PlaceLimit
    | SetTargets
    | StartExit
    | Cancel
    | RunExits
    | WithdrawNow
    | QueueWithdrawal
    | ProcessQueue
    | WindDown
    | Settle
    | Recalibrate
)

# The one word for each command, in the log and in the answers.
KINDS: Mapping[str, type[Command]] = {
    "buy": Buy,
    "sell": Sell,
    "limit": PlaceLimit,
    "targets": SetTargets,
    "timed_exit": StartExit,
    "cancel": Cancel,
    "add_collateral": AddCollateral,
    "remove_collateral": RemoveCollateral,
    "contribute": Contribute,
    "withdraw": WithdrawNow,
    "queue_withdrawal": QueueWithdrawal,
    "claim": Claim,
    "refund": Refund,
    "oracle": OracleEvent,
    "heartbeat": Heartbeat,
    "run_exits": RunExits,
    "process_queue": ProcessQueue,
    "wind_down": WindDown,
    "settle": Settle,
    "recalibrate": Recalibrate,
}


def command_of(kind: str, payload: Mapping[str, Any], seq: int, trader: int | None) -> Command:
    """Return the command that a line of the log describes; the house's have no trader.

    Raises:  KeyError for an unknown kind, TypeError for a payload that is not of that kind.
    """
    if kind == "oracle":
        reports = tuple(Report(**report) for report in payload["reports"])
        return OracleEvent(seq=seq, reports=reports)
    build: Callable[..., Command] = KINDS[kind]
    if trader is None:
        return build(seq=seq, **payload)
    return build(seq=seq, trader=trader, **payload)
