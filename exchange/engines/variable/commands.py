"""Everything that can be asked of a variable market, each with its place in the log."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Buy:
    """Buy for an amount of USDC or a number of shares, exactly one of the two."""

    seq: int
    trader: int
    amount_micro: int | None = None
    shares_nano: int | None = None
    min_shares_nano: int | None = None
    max_cost_micro: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sell:
    """Sell a number of shares, or as few as reach a gross amount; exactly one of the two."""

    seq: int
    trader: int
    shares_nano: int | None = None
    target_micro: int | None = None
    min_out_micro: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribute:
    """Put money into a market that is being funded."""

    seq: int
    trader: int
    amount_micro: int


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


Command = Buy | Sell | Contribute | Claim | OracleEvent | Heartbeat | Refund
