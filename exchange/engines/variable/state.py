"""What a market, a trader and a provider are between two batches: frozen integers, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.variable.config import Config
from exchange.engines.variable.curve import PRICE, TWICE, price_exact, value_exact, worst_exact

FUNDING = "funding"
ACTIVE = "active"
WINDING = "winding"
SETTLED = "settled"
CANCELLED = "cancelled"

Window = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketState:
    """The whole of a market's scalars (specification, section 4).

    `acc` counts fees per unit and `owed` all fees owed to providers, both in 1e-18 micro-USDC (per
    1e-9 unit); `window` holds the traded value of each second that is younger than vol_window.
    `last_id` is the youngest id of a position or resting item.
    """

    status: str
    t_s: int
    opened_s: int
    deadline_s: int
    activated_s: int = 0
    p0_pico: int
    k_atto: int
    f_pico: int
    target_pico: int
    long_nano: int = 0
    short_nano: int = 0
    last_oracle_s: int = 0
    day: int = 0
    f_day_pico: int = 0
    e_day_micro: int = 0
    paid_day_micro: int = 0
    units_nano: int = 0
    acc: int = 0
    acc_rem: int = 0
    owed: int = 0
    clamped: bool = False
    backlog: bool = False
    pool_micro: int = 0
    funding_micro: int = 0
    lp_fees_micro: int = 0
    insurance_micro: int = 0
    treasury_micro: int = 0
    window: Window = ()
    last_id: int = 0
    settle_at_s: int = 0

    @classmethod
    def opened(cls, config: Config, now_s: int) -> "MarketState":
        """Return a market that starts to collect contributions now."""
        return cls(
            status=FUNDING,
            t_s=now_s,
            opened_s=now_s,
            deadline_s=now_s + config.funding_s,
            p0_pico=config.p0_init_pico,
            k_atto=config.k_atto or 0,
            f_pico=config.p0_init_pico,
            target_pico=config.p0_init_pico,
            f_day_pico=config.p0_init_pico,
        )

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> "MarketState":
        """Return the state that `to_mapping` wrote, whatever JSON did to its tuples."""
        window = tuple((at, micro) for at, micro in mapping["window"])
        return cls(**{**mapping, "window": window})

    def to_mapping(self) -> dict[str, Any]:
        """Return the fields by name: integers, booleans, text and lists of pairs."""
        mapping = {name: getattr(self, name) for name in _STATE_FIELDS}
        mapping["window"] = [list(pair) for pair in self.window]
        return mapping

    @property
    def supply_nano(self) -> int:
        """Return S, the net shares outstanding."""
        return self.long_nano - self.short_nano

    @property
    def price_exact(self) -> int:
        """Return M as a count of 1e-27."""
        return price_exact(self.p0_pico, self.k_atto, self.supply_nano)

    @property
    def market_pico(self) -> int:
        """Return M, rounded down."""
        return div_floor(self.price_exact, PRICE)

    @property
    def liability_exact(self) -> int:
        """Return twice V(S) as a count of 1e-36."""
        return value_exact(self.p0_pico, self.k_atto, self.supply_nano)

    @property
    def payout_exact(self) -> int:
        """Return twice A, what the longs can take if no short covers, as a count of 1e-36."""
        return self.liability_exact + worst_exact(self.p0_pico, self.k_atto, self.short_nano)

    @property
    def equity_exact(self) -> int:
        """Return twice E as a count of 1e-36."""
        return self.pool_micro * TWICE - self.liability_exact

    @property
    def free_capital_exact(self) -> int:
        """Return twice Phi as a count of 1e-36."""
        return self.pool_micro * TWICE - self.payout_exact

    @property
    def liability_micro(self) -> int:
        """Return V(S), rounded up: never less than is owed."""
        return div_ceil(self.liability_exact, TWICE)

    @property
    def payout_micro(self) -> int:
        """Return A, rounded up: never less than may be asked for."""
        return div_ceil(self.payout_exact, TWICE)

    @property
    def equity_micro(self) -> int:
        """Return E, rounded down: never more than the providers have."""
        return div_floor(self.equity_exact, TWICE)

    @property
    def free_capital_micro(self) -> int:
        """Return Phi, rounded down: never more than is free."""
        return div_floor(self.free_capital_exact, TWICE)

    @property
    def close_out_exact(self) -> int:
        """Return p_req as a count of 1e-27."""
        on_curve = self.p0_pico * PRICE + self.k_atto * self.long_nano
        return max(on_curve, self.f_pico * PRICE + self.k_atto * self.short_nano)

    @property
    def close_out_pico(self) -> int:
        """Return p_req, rounded up: never below what a cover may cost."""
        return div_ceil(self.close_out_exact, PRICE)


_STATE_FIELDS = tuple(f.name for f in fields(MarketState))


def canonical_bytes(state: MarketState) -> bytes:
    """Return the one spelling of a state that its hash is taken of: fields in order, as text.

    Keeps:   equal states have equal bytes on every machine and in every process.
    """
    lines = [f"{name}={getattr(state, name)!r}" for name in _STATE_FIELDS]
    return ("variable 1\n" + "\n".join(lines)).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trader:
    """One account in one market: its free money and its net position.

    `shares_nano` is negative for a short. `opens_barred` refuses what would open or enlarge a
    position; closing is never barred. `position_id` tells the age of the position; stop, target
    and the timed exit belong to it and end with it. `parked` says that limit orders may be
    waiting for the position to change sides.
    """

    id: int
    cash_micro: int = 0
    reserved_micro: int = 0
    shares_nano: int = 0
    entry_micro: int = 0
    escrow_micro: int = 0
    realised_micro: int = 0
    opens_barred: bool = False
    position_id: int = 0
    stop_pico: int | None = None
    target_pico: int | None = None
    exit_id: int = 0
    parked: bool = False


@dataclass(frozen=True, slots=True)
class Cohort:
    """Units that vest on one clock; no start means the market's activation."""

    units_nano: int
    start_s: int | None
    taken_nano: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider's units in one market, with what the fee accumulator has counted for them.

    Keeps:   the units of all cohorts less what was taken of them, and the locked units, sum to
             `units_nano`; `instant_nano` were withdrawn at once on `instant_day`.
    """

    id: int
    units_nano: int = 0
    locked_nano: int = 0
    cohorts: tuple[Cohort, ...] = ()
    acc_paid: int = 0
    owed: int = 0
    claimed_micro: int = 0
    instant_day: int = 0
    instant_nano: int = 0

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> "Provider":
        """Return the provider that `to_mapping` wrote."""
        cohorts = tuple(Cohort(*row) for row in mapping["cohorts"])
        return cls(**{**mapping, "cohorts": cohorts})

    def to_mapping(self) -> dict[str, Any]:
        """Return the fields by name; a cohort is a list of units, start and units taken."""
        mapping = {name: getattr(self, name) for name in _PROVIDER_FIELDS}
        mapping["cohorts"] = [[c.units_nano, c.start_s, c.taken_nano] for c in self.cohorts]
        return mapping


_PROVIDER_FIELDS = tuple(f.name for f in fields(Provider))
