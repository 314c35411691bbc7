"""What all paths of a simulation say together: the figures behind the plots of its page."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.units import RATE
from liquidity.core.simulation.outcome import Parts, PathReport, Slippage

PERCENTS = (5, 25, 50, 75, 95)
_SUMMED = ("samples", "slippage_sum_e8", "cost_sum_e8")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstDay:
    """The day on which the providers lost most, of all days of all paths; days count from 1."""

    path: int
    day: int
    change_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All paths of a run.

    `profits_micro` and `parts` have one entry per path, in the order of the paths;
    `quantiles_micro` the profits that 5, 25, 50, 75 and 95 of 100 paths do not exceed, and
    `days_micro` the same of what the providers have, by day. `coverage_least_e8` is None where
    nobody was ever long. `people_micro` are means over the paths, rounded down.
    """

    paths: int
    capital_micro: int
    profits_micro: tuple[int, ...]
    parts: tuple[Parts, ...]
    quantiles_micro: tuple[int, ...]
    mean_micro: int
    losing_paths: int
    worst_day: WorstDay
    days_micro: tuple[tuple[int, ...], ...]
    free_least_micro: int
    coverage_least_e8: int | None
    slippage: tuple[Slippage, ...]
    people_micro: dict[str, int]
    orders: int
    fills: int
    liquidations: int
    refusals: dict[str, int]
    breaches: int
    first_breach: str

    def to_mapping(self) -> dict[str, Any]:
        """Return the figures by name, nested as they are here."""
        return asdict(self)


def summarise(paths: Sequence[PathReport]) -> Report:
    """Return what the paths of one run, at least one, say together."""
    profits = tuple(path.profit_micro for path in paths)
    days = zip(*(path.days_micro for path in paths), strict=True)
    worst = min(paths, key=lambda path: (path.worst_day_micro, path.number))
    covered = [least for path in paths if (least := _coverage_least(path)) is not None]
    return Report(
        paths=len(paths),
        capital_micro=paths[0].capital_micro,
        profits_micro=profits,
        parts=tuple(path.parts for path in paths),
        quantiles_micro=quantiles(profits),
        mean_micro=div_floor(sum(profits), len(paths)),
        losing_paths=sum(profit < 0 for profit in profits),
        worst_day=WorstDay(
            path=worst.number, day=worst.worst_day, change_micro=worst.worst_day_micro
        ),
        days_micro=tuple(quantiles(day) for day in days),
        free_least_micro=min(min(path.hours.free_micro) for path in paths),
        coverage_least_e8=min(covered, default=None),
        slippage=tuple(_merged(rows) for rows in zip(*(p.slippage for p in paths), strict=True)),
        people_micro=_means([path.people_micro for path in paths]),
        orders=sum(path.orders for path in paths),
        fills=sum(path.fills for path in paths),
        liquidations=sum(path.liquidations for path in paths),
        refusals=_counted(path.refusals for path in paths),
        breaches=sum(path.breaches for path in paths),
        first_breach=next((path.first_breach for path in paths if path.breaches), ""),
    )


def quantiles(figures: Sequence[int]) -> tuple[int, ...]:
    """Return the least figure that 5, 25, 50, 75 and 95 in a hundred do not exceed."""
    ordered = sorted(figures)
    return tuple(ordered[div_ceil(len(ordered) * part, 100) - 1] for part in PERCENTS)


def mean_e8(total_e8: int, samples: int) -> int | None:
    """Return the mean of a sum of rates, rounded up, or None of no samples."""
    return div_ceil(total_e8, samples) if samples else None


def share_e8(part_micro: int, whole_micro: int) -> int:
    """Return a part of a whole above zero as a rate, rounded down: a loss is never made less."""
    return div_floor(part_micro * RATE, whole_micro)


def _coverage_least(path: PathReport) -> int | None:
    return min((c for c in path.hours.coverage_e8 if c is not None), default=None)


def _merged(rows: Sequence[Slippage]) -> Slippage:
    sums = {name: sum(getattr(row, name) for row in rows) for name in _SUMMED}
    return Slippage(
        side=rows[0].side,
        size_micro=rows[0].size_micro,
        slippage_worst_e8=max(row.slippage_worst_e8 for row in rows),
        cost_worst_e8=max(row.cost_worst_e8 for row in rows),
        refused=_counted(row.refused for row in rows),
        **sums,
    )


def _counted(tables: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for table in tables:
        for name, count in table.items():
            total[name] = total.get(name, 0) + count
    return dict(sorted(total.items()))


def _means(tables: Sequence[dict[str, int]]) -> dict[str, int]:
    return {name: div_floor(total, len(tables)) for name, total in _counted(tables).items()}
