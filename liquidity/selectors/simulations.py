"""What a page shows of simulations. `simulation_of` is the one door from an outside id to a run."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from exchange.engines.rounding import div_floor
from exchange.errors import NotFound
from exchange.ids import key_of
from exchange.models import Market, User
from liquidity.core.simulation import PERCENTS, PathReport, mean_e8, share_e8
from liquidity.models import OPEN, SimulationPath, SimulationRun
from liquidity.models.simulations import PREFIX

BINS = 10
RECENT = 20
MEDIAN = PERCENTS.index(50)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRow:
    """How orders of one size fared; means are None where none passed."""

    side: str
    size_micro: int
    samples: int
    slippage_mean_e8: int | None
    slippage_worst_e8: int
    cost_mean_e8: int | None
    cost_worst_e8: int
    refused: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """One bar of the distribution of results: from `low` up to the next bar's."""

    low_micro: int
    high_micro: int
    paths: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The plots of a finished run; `report` has the rest of its figures by name.

    `worst_day_e8` is the worst day's change over the capital, `days_micro` has the quantiles 5,
    25, 50, 75 and 95 of what providers have at each day's end.
    """

    report: dict[str, Any]
    sizes: list[SizeRow]
    bins: list[Bin]
    days_micro: list[list[int]]
    worst_day_e8: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What funders read first of a pinned run; rates are over the simulated capital."""

    run: SimulationRun
    days: int
    paths: int
    losing_paths: int
    capital_micro: int
    median_micro: int
    median_e8: int
    worst_day_micro: int
    worst_day_e8: int
    worst_micro: int


def simulation_of(user: User | None, run_id: str) -> SimulationRun:
    """Return a run of the user's own, any run for staff, and a pinned one for everybody."""
    may = Q(market__isnull=False)
    if user is not None and user.is_authenticated:
        may = Q() if user.is_staff else may | Q(requester=user)
    found = SimulationRun.objects.filter(may, pk=key_of(PREFIX, run_id))
    run = found.select_related("market").first()
    if run is None:
        raise NotFound(f"there is no simulation {run_id[:40]!r}")
    return run


def simulations_of(
    user: User, limit: int = RECENT, *, before: int | None = None
) -> QuerySet[SimulationRun]:
    """Return the user's own runs, the newest first, without the weight of their reports."""
    own = SimulationRun.objects.filter(requester=user).select_related("market")
    if before is not None:
        own = own.filter(pk__lt=before)
    return own.defer("report").order_by("-pk")[:limit]


def open_run_of(user: User) -> SimulationRun | None:
    """Return the user's run that is queued or running."""
    return SimulationRun.objects.filter(requester=user, state__in=OPEN).first()


def being_funded() -> QuerySet[Market]:
    """Return the markets that can still be tried before they are funded, by name."""
    return Market.objects.filter(status=Market.Status.FUNDING).order_by("name")


def fitting(user: User | None, run: SimulationRun) -> list[Market]:
    """Return the markets to which this user may pin the run as it stands."""
    if user is None or run.state != SimulationRun.State.DONE or run.market_id is not None:
        return []
    if run.requester_id != user.pk and not user.is_staff:
        return []
    free = being_funded().filter(config=run.config, simulation=None)
    return list(free if user.is_staff else free.filter(_chosen_by(user)))


def may_choose(user: User, market: Market) -> bool:
    """Return whether the user decides which run funders of a market read."""
    mine = Market.objects.filter(_chosen_by(user), pk=market.pk)
    return user.is_staff or mine.exists()


def pinned_to(market_id: int) -> SimulationRun | None:
    """Return the run that is pinned to a market."""
    return SimulationRun.objects.filter(market_id=market_id).first()


def headline(market_id: int) -> Headline | None:
    """Return the figures of the run that is pinned to a market, for its funders."""
    run = pinned_to(market_id)
    shown = overview(run) if run else None
    if run is None or shown is None:
        return None
    capital, median = shown.report["capital_micro"], shown.report["quantiles_micro"][MEDIAN]
    return Headline(
        run=run,
        days=len(shown.days_micro),
        paths=shown.report["paths"],
        losing_paths=shown.report["losing_paths"],
        capital_micro=capital,
        median_micro=median,
        median_e8=share_e8(median, capital),
        worst_day_micro=shown.report["worst_day"]["change_micro"],
        worst_day_e8=shown.worst_day_e8,
        worst_micro=min(shown.report["profits_micro"]),
    )


def overview(run: SimulationRun) -> Overview | None:
    """Return what to plot of a run, or None until it is done."""
    if run.state != SimulationRun.State.DONE:
        return None
    report = run.report
    return Overview(
        report=report,
        sizes=[_size_row(row) for row in report["slippage"]],
        bins=_bins(report["profits_micro"]),
        days_micro=report["days_micro"],
        worst_day_e8=share_e8(report["worst_day"]["change_micro"], report["capital_micro"]),
    )


def path_of(run: SimulationRun, number: int) -> PathReport:
    """Return one path of a run the caller may read; its hours are the reserve's course."""
    row = SimulationPath.objects.filter(run=run, number=number).first()
    if row is None:
        raise NotFound(f"there is no path {number}")
    return PathReport.from_mapping(row.report)


def _chosen_by(user: User) -> Q:
    """Whoever proposed a market chooses; for one that nobody proposed, whoever ran it."""
    return Q(request=None) | Q(request__requester=user)


def _size_row(row: dict[str, Any]) -> SizeRow:
    return SizeRow(
        side=row["side"],
        size_micro=row["size_micro"],
        samples=row["samples"],
        slippage_mean_e8=mean_e8(row["slippage_sum_e8"], row["samples"]),
        slippage_worst_e8=row["slippage_worst_e8"],
        cost_mean_e8=mean_e8(row["cost_sum_e8"], row["samples"]),
        cost_worst_e8=row["cost_worst_e8"],
        refused=row["refused"],
    )


def _bins(profits: list[int]) -> list[Bin]:
    """Return bars of equal width from the worst result to the best."""
    low = min(profits)
    width = div_floor(max(profits) - low, BINS) + 1
    counts = [0] * BINS
    for profit in profits:
        counts[div_floor(profit - low, width)] += 1
    return [
        Bin(low_micro=low + n * width, high_micro=low + (n + 1) * width, paths=count)
        for n, count in enumerate(counts)
    ]
