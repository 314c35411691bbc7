"""How error, share of stage 1 and cost went over a card's period, part by part."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet, Sum

from oracle.core.reports import NOTE_LARGE
from oracle.models import CostEntry, OracleSpec, Source
from oracle.services import fetching
from oracle.services.steps import Step
from oracle.sources import registry

PARTS = 32
DAY = timedelta(days=1)
DAY_S = 86_400
DAY_MICRO = DAY_S * 10**6

Course = list[list[int]]


class _Parts:
    """A period in equal parts."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.first = steps[0].at
        self.span = steps[-1].at - self.first + timedelta(microseconds=1)

    def place(self, at: datetime) -> int:
        return min(PARTS - 1, max(0, (at - self.first) * PARTS // self.span))

    def middle_s(self, place: int) -> int:
        return int((self.first + self.span * (2 * place + 1) / (2 * PARTS)).timestamp())


def errors(steps: Sequence[Step], truths: Sequence[int | None]) -> Course:
    """Return [middle of the part in seconds, mean error in 1e-12, claims] where one was judged."""
    parts, found = _Parts(steps), defaultdict[int, list[int]](list)
    for step, truth in zip(steps, truths, strict=True):
        if truth is not None:
            found[parts.place(step.at)] += [abs(one.delta_pico - truth) for one in step.reports]
    return [
        [parts.middle_s(place), sum(part) // len(part), len(part)]
        for place, part in sorted(found.items())
        if part
    ]


def is_stage_1(step: Step) -> bool:
    """Return whether no report of a run came of the text model."""
    return not any(NOTE_LARGE in report.notes for report in step.reports)


def stages(steps: Sequence[Step]) -> Course:
    """Return [middle of the part in seconds, events, those of stage 1 alone] where one was."""
    parts, found = _Parts(steps), defaultdict[int, list[bool]](list)
    for step in steps:
        if step.applied:
            found[parts.place(step.at)].append(is_stage_1(step))
    return [[parts.middle_s(place), len(part), sum(part)] for place, part in sorted(found.items())]


def costs(spec: OracleSpec, steps: Sequence[Step], *, is_lived: bool) -> Course:
    """Return [middle of the part in seconds, micro-USD a day, runs] of each part with a run."""
    parts, found = _Parts(steps), defaultdict[int, list[Step]](list)
    for step in steps:
        found[parts.place(step.at)].append(step)
    paid = _booked(spec, steps, parts) if is_lived else {}
    # as for a day's cost: what ran for less than a day is not multiplied up to one
    span_micro = max(parts.span, DAY) // timedelta(microseconds=1)
    return [
        [
            parts.middle_s(place),
            paid.get(place, 0) * PARTS * DAY_MICRO // span_micro
            if is_lived
            else _at_most(spec, part),
            len(part),
        ]
        for place, part in sorted(found.items())
    ]


def cost_micro_day(spec: OracleSpec, steps: Sequence[Step], *, is_lived: bool) -> int:
    """Return what a day cost by the ledger, or would cost at most at the version's interval."""
    if not is_lived:
        return _at_most(spec, steps)
    booked = _entries(spec, steps).aggregate(sum=Sum("cost_micro"))["sum"]
    return int(booked or 0) // max(1, (steps[-1].at - steps[0].at) // DAY)


def run_cost_micro(spec: OracleSpec, rows: Iterable[Source]) -> int:
    """Return what one run's questions cost at most: none answered from the cache, none repeated."""
    return sum(row.cost_micro * _requests(spec, row) for row in rows)


def _requests(spec: OracleSpec, row: Source) -> int:
    if row.kind == Source.Kind.ARCHIVE or not row.is_enabled:
        return 0
    searches = row.kind in registry.WEB and registry.WEB[row.kind].searches
    texts = len(spec.queries) if searches else 1
    return texts * fetching.is_read_for(spec, row.name, numbers=False) + fetching.is_read_for(
        spec, row.name, numbers=True
    )


def _at_most(spec: OracleSpec, steps: Sequence[Step]) -> int:
    """Return the mean run's cost over a day at the version's interval, within its budget."""
    a_day = sum(step.cost_micro for step in steps) * DAY_S // (len(steps) * spec.interval_s)
    return min(a_day, spec.daily_budget_micro)


def _booked(spec: OracleSpec, steps: Sequence[Step], parts: _Parts) -> dict[int, int]:
    paid = defaultdict[int, int](int)
    for at, cost_micro in _entries(spec, steps).values_list("at", "cost_micro"):
        paid[parts.place(at)] += cost_micro
    return paid


def _entries(spec: OracleSpec, steps: Sequence[Step]) -> QuerySet[CostEntry]:
    return CostEntry.objects.filter(
        market_id=spec.market_id, at__gte=steps[0].at, at__lte=steps[-1].at
    )
