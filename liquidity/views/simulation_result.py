"""Everything the page of a finished simulation shows, put together from its report."""

from dataclasses import dataclass
from typing import Any

from exchange import figures
from exchange.engines.rounding import div_floor
from exchange.engines.variable import Config
from liquidity.core.simulation import PathReport, Scenario, share_e8
from liquidity.models import SimulationRun
from liquidity.selectors import simulations
from liquidity.selectors.simulations import MEDIAN, Overview, SizeRow
from liquidity.views import simulation_plots as plots
from liquidity.views import simulation_words as words

SAMPLES = 10
HOURS_A_DAY = 24
RESERVES = (("pool", "pool_micro"), ("equity", "equity_micro"), ("free", "free_micro"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeShown:
    """One row of the sizes' table."""

    row: SizeRow
    asked: int
    refused: list[tuple[str, str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathShown:
    """The course of one path: its plot, its table, and what stands out."""

    title: str
    path: PathReport
    plot: plots.Course
    rows: list[tuple[int, int, int, int]]
    free_least_micro: int


def result_of(run: SimulationRun) -> dict[str, Any] | None:
    """Return the context of a finished run, or None of one that is not."""
    shown = simulations.overview(run)
    if shown is None:
        return None
    report, scenario = shown.report, Scenario.parse(run.scenario)
    profits = report["profits_micro"]
    median = report["quantiles_micro"][MEDIAN]
    numbers = (profits.index(median), profits.index(min(profits)))
    paths = [simulations.path_of(run, number) for number in numbers]
    return {
        "shown": shown,
        "report": report,
        "median_micro": median,
        "median_e8": share_e8(median, report["capital_micro"]),
        "worst_micro": min(profits),
        "worst_e8": share_e8(min(profits), report["capital_micro"]),
        "best_micro": max(profits),
        "slippage": plots.slippage_plot(shown.sizes),
        "sizes": [_size(row) for row in shown.sizes],
        "results": plots.result_plot(shown.bins, median) if len(profits) > 1 else None,
        "days": plots.days_plot(shown.days_micro, report["capital_micro"]),
        "days_rows": _days_rows(shown),
        "parts": _parts(paths),
        "parts_rows": _parts_rows(report, paths),
        "paths": _paths(paths, scenario.days),
        "refusals": words.counted(report["refusals"]),
        "people": [(label, report["people_micro"].get(name, 0)) for name, label in words.PEOPLE],
        "assumptions": words.assumptions(scenario, Config.parse(run.config)),
    }


def _size(row: SizeRow) -> SizeShown:
    refused = words.counted(row.refused)
    return SizeShown(row=row, refused=refused, asked=row.samples + sum(n for _, _, n in refused))


def _sampled(days: int) -> list[int]:
    """Return at most SAMPLES days, evenly apart, with the last among them."""
    count = min(days, SAMPLES)
    return [div_floor(days * n, count) for n in range(1, count + 1)]


def _days_rows(shown: Overview) -> list[tuple[int, list[int]]]:
    return [(day, shown.days_micro[day - 1]) for day in _sampled(len(shown.days_micro))]


def _parts(paths: list[PathReport]) -> list[plots.Lying]:
    tones = ("median", "worst")
    rows = []
    for name, label in words.PARTS[:-1]:
        bars = [(tone, getattr(path.parts, name)) for tone, path in zip(tones, paths, strict=True)]
        rows.append((label, bars))
    return plots.parts_plot(rows)


def _parts_rows(report: dict[str, Any], paths: list[PathReport]) -> list[tuple[str, int, int, str]]:
    """Return by part what it was on the median and the worst path, and in the mean of all."""
    rows = []
    for name, label in words.PARTS:
        mean = div_floor(sum(part[name] for part in report["parts"]), report["paths"])
        of = [getattr(path.parts, name) for path in paths]
        rows.append((label, *of, figures.usdc_signed(mean)))
    return rows


def _paths(paths: list[PathReport], days: int) -> list[PathShown]:
    median, worst = paths
    if median.number == worst.number:
        return [_path("The median path, and the worst", median, days)]
    return [_path("The median path", median, days), _path("The worst path", worst, days)]


def _path(title: str, path: PathReport, days: int) -> PathShown:
    columns = [(tone, getattr(path.hours, name)) for tone, name in RESERVES]
    last = len(path.hours.pool_micro) - 1
    rows = []
    for day in (0, *_sampled(days)):
        hour = min(day * HOURS_A_DAY, last)
        pool, equity, free = (column[hour] for _, column in columns)
        rows.append((day, pool, equity, free))
    return PathShown(
        title=title,
        path=path,
        plot=plots.reserve_plot(columns, days),
        rows=rows,
        free_least_micro=min(path.hours.free_micro),
    )
