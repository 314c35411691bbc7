"""What a market, a trader and an order are between two batches: frozen integers, nothing else."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from exchange.engines.outcome.amm import Amm
from exchange.engines.outcome.config import Config
from exchange.engines.outcome.scales import RATE
from exchange.engines.outcome.schedule import rates, reference
from exchange.engines.rounding import div_floor
from exchange.engines.units import MICRO

TRADING = "trading"
# Only selling what is held, and taking orders back.
REDUCING = "reduce_only"
# Only taking orders back, until an elimination or the host opens trading again.
FROZEN = "frozen"
# Trading is over for good; only the resolution is left.
ENDED = "ended"
SETTLED = "settled"

OPEN = "open"
PARTIAL = "partial"
FILLED = "filled"
CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One outcome: what the market maker issued, virtual supplies, pairs, published prices."""

    active: bool = True
    yes_micro: int = 0
    no_micro: int = 0
    virtual_yes_micro: int
    virtual_no_micro: int
    pairs_micro: int = 0
    yes_pico: int = 0
    no_pico: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketState:
    """The whole of a market's scalars (specification, section 3.1).

    `t_ms` counts from the opening; trading is frozen before `era_start_ms`, the time at which it
    started or resumed. `energy` is the base energy a in micro squared, `z_e9` the coupling that
    the published prices were worked out with, `last_joined` the youngest place in a pool of orders.
    """

    status: str = TRADING
    t_ms: int = 0
    era_start_ms: int = 0
    z_e9: int
    z_ref_e9: int
    energy: int = 0
    outcomes: tuple[Outcome, ...]
    pool_micro: int
    fees_micro: int = 0
    seigniorage_micro: int = 0
    gas_micro: int = 0
    last_joined: int = 0
    winner: int | None = None

    @classmethod
    def opened(cls, config: Config) -> "MarketState":
        """Return a market at its launch, with the launch prices published.

        Source:  specification, section 3.1.
        """
        depth = config.depth_micro
        virtual = []
        for launch in config.initial_price_e9:
            yes = div_floor(depth * launch, RATE)
            virtual += [yes, depth - yes]
        count = config.n_outcomes
        amm = Amm(config, [0] * (2 * count), virtual, range(count), 0)
        amm.set_time(rates(config, 0, 0), reference(config, count, 0, None))
        outcomes = tuple(
            Outcome(
                virtual_yes_micro=virtual[2 * i],
                virtual_no_micro=virtual[2 * i + 1],
                yes_pico=amm.published(2 * i),
                no_pico=amm.published(2 * i + 1),
            )
            for i in range(count)
        )
        return cls(z_e9=amm.z, z_ref_e9=amm.z_ref, outcomes=outcomes, pool_micro=config.z_micro)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> "MarketState":
        """Return the state that `to_mapping` wrote; the base energy may exceed 64 bits."""
        outcomes = tuple(Outcome(**row) for row in mapping["outcomes"])
        return cls(**{**mapping, "outcomes": outcomes, "energy": int(mapping["energy"])})

    def to_mapping(self) -> dict[str, Any]:
        """Return the fields by name; the base energy is text, for it may exceed 64 bits."""
        mapping = {name: getattr(self, name) for name in _STATE_FIELDS}
        mapping["outcomes"] = [asdict(outcome) for outcome in self.outcomes]
        mapping["energy"] = str(self.energy)
        return mapping

    @property
    def active(self) -> tuple[int, ...]:
        """Return the outcomes still in play."""
        return tuple(i for i, outcome in enumerate(self.outcomes) if outcome.active)

    @property
    def pairs_micro(self) -> int:
        """Return the cash behind all pairs."""
        return sum(outcome.pairs_micro for outcome in self.outcomes)

    def is_open(self, at_ms: int) -> bool:
        """Return whether orders are taken at an instant."""
        return self.status in {TRADING, REDUCING} and at_ms >= self.era_start_ms


_STATE_FIELDS = tuple(f.name for f in fields(MarketState))


def canonical_bytes(state: MarketState) -> bytes:
    """Return the one spelling of a state that its hash is taken of: fields in order, as text.

    Keeps:   equal states have equal bytes on every machine and in every process.
    """
    lines = [f"{name}={getattr(state, name)!r}" for name in _STATE_FIELDS]
    return ("outcome 1\n" + "\n".join(lines)).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trader:
    """One account in one market: free and reserved money, free and locked tokens by token index."""

    id: int
    cash_micro: int = 0
    reserved_micro: int = 0
    held_micro: tuple[int, ...]
    locked_micro: tuple[int, ...]

    @classmethod
    def joined(cls, config: Config, key: int, cash_micro: int | None = None) -> "Trader":
        """Return a trader who has nothing but money: the starting balance unless told."""
        none = (0,) * (2 * config.n_outcomes)
        cash = config.starting_balance_micro if cash_micro is None else cash_micro
        return cls(id=key, cash_micro=cash, held_micro=none, locked_micro=none)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order and what has become of it.

    `token` is the index over all outcomes; `price_micro` is None for a market order. The principal
    lock of a resting buy is always price x remaining, `reserve_micro` what is left of its fee
    reserve. `amount_micro` was paid or received for tokens before fees; `joined` is the place in
    its pool, 0 for an order that never rested.
    """

    id: int
    trader: int
    buys: bool
    token: int
    size_micro: int
    price_micro: int | None
    auto_fill: bool = False
    status: str = OPEN
    remaining_micro: int
    reserve_micro: int = 0
    amount_micro: int = 0
    fee_micro: int = 0
    rebate_micro: int = 0
    gas_micro: int = 0
    joined: int = 0

    @property
    def rests(self) -> bool:
        """Return whether the order is in its pool."""
        return self.joined > 0 and self.status in {OPEN, PARTIAL}

    @property
    def filled_micro(self) -> int:
        """Return how much was filled."""
        return self.size_micro - self.remaining_micro

    @property
    def escrow_micro(self) -> int:
        """Return the money a resting order holds: principal and what is left of the reserve."""
        if not self.rests or not self.buys or self.price_micro is None:
            return 0
        return div_floor(self.price_micro * self.remaining_micro, MICRO) + self.reserve_micro
