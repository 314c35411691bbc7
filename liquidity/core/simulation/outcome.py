"""What one simulated path has brought, as plain figures that JSON can keep."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

BOUGHT, SOLD = "bought", "sold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Where the providers' result comes from; the parts sum to it, to the micro.

    `fees` is their part of the base fees, `surcharges` what late or lagging opens paid into the
    pool, `inventory` what the curve's way back to F has brought on the net position that the
    providers stand against, `oracle` what news has brought on it, `bad_debt` what liquidations
    could not collect (never above zero), `rounding` the dust that always falls to the pool.
    """

    fees_micro: int
    surcharges_micro: int
    inventory_micro: int
    oracle_micro: int
    bad_debt_micro: int
    rounding_micro: int

    @property
    def total_micro(self) -> int:
        """Return the sum."""
        return sum(asdict(self).values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Slippage:
    """How an order of one size fared, asked for once a day by somebody who holds nothing.

    Figures are sums over the samples that passed, and the worst of them, relative to the price
    before: along the curve alone, and with fees and surcharges. A sale opens a short, which meets
    the same curve as the sale of a long and stricter limits. `refused` counts by code.
    """

    side: str
    size_micro: int
    samples: int
    slippage_sum_e8: int
    slippage_worst_e8: int
    cost_sum_e8: int
    cost_worst_e8: int
    refused: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The market by the hour, one column each; the first row is the opening.

    `coverage_e8` is Phi/(L*M), None where nobody is long.
    """

    market_pico: tuple[int, ...]
    fundamental_pico: tuple[int, ...]
    value_pico: tuple[int, ...]
    pool_micro: tuple[int, ...]
    equity_micro: tuple[int, ...]
    free_micro: tuple[int, ...]
    coverage_e8: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhaleExit:
    """The whale's one sale."""

    shares_nano: int
    net_micro: int
    before_pico: int
    after_pico: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PathReport:
    """Everything about one path. `days_micro` is what the providers have at each day's end."""

    number: int
    capital_micro: int
    profit_micro: int
    parts: Parts
    days_micro: tuple[int, ...]
    worst_day: int
    worst_day_micro: int
    slippage: tuple[Slippage, ...]
    hours: Hours
    people_micro: dict[str, int]
    treasury_micro: int
    insurance_micro: int
    orders: int
    fills: int
    liquidations: int
    refusals: dict[str, int]
    breaches: int
    first_breach: str
    whale_exit: WhaleExit | None

    def to_mapping(self) -> dict[str, Any]:
        """Return the figures by name, nested as they are here."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> "PathReport":
        """Return the report that `to_mapping` wrote, whatever JSON did to its tuples."""
        hours = {name: tuple(column) for name, column in mapping["hours"].items()}
        whale = mapping["whale_exit"]
        return cls(
            **{
                **mapping,
                "parts": Parts(**mapping["parts"]),
                "days_micro": tuple(mapping["days_micro"]),
                "slippage": tuple(Slippage(**row) for row in mapping["slippage"]),
                "hours": Hours(**hours),
                "whale_exit": WhaleExit(**whale) if whale else None,
            }
        )
