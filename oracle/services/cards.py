"""Judge a played period and keep its report card."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from statistics import median_low

from django.db import transaction

from exchange import clock
from exchange.errors import Malformed
from oracle.analysts.registry import available
from oracle.core import card, outcomes
from oracle.core.card import Claim
from oracle.core.reports import Report
from oracle.models import Card, CardRow, OracleSpec
from oracle.selectors import access
from oracle.services import backtest, courses, lived, numbers, reading, terms
from oracle.services.hashing import sha256_hex
from oracle.services.steps import Step, label_of, path_of

HORIZON_S = 86_400
POINTS_MAX = 400

Key = tuple[str, str]


def card_make(
    *,
    market_id: int,
    start: datetime,
    end: datetime,
    step_s: int,
    horizon_s: int = HORIZON_S,
    spec: OracleSpec | None = None,
    each: Callable[[int], None] = lambda _played: None,
) -> Card:
    """Play a market's oracle from `start` to `end` and keep how right it was.

    Without `spec` it is the version that the market follows, else its newest one. `each` hears
    after every played run how many there are, and may raise to end it.

    Raises:  NotFound without an oracle; Malformed for a senseless period.
    """
    version = spec or access.spec_to_play(market_id)
    check_period(start, end, step_s)
    steps = []
    for step in backtest.play(version, start, end, step_s, horizon_s):
        steps.append(step)
        each(len(steps))
    return _kept(version, steps, step_s, horizon_s, Card.Origin.PLAYED)


def check_period(start: datetime, end: datetime, step_s: int) -> int:
    """Return how many runs a period has. Raises Malformed for a senseless one."""
    if step_s < 1 or not start < end <= clock.now():
        raise Malformed("a period starts before it ends, in the past")
    runs = int((end - start) / timedelta(seconds=step_s)) + 1
    if runs > backtest.STEPS_MAX:
        raise Malformed(f"more than {backtest.STEPS_MAX} runs")
    return runs


def card_of_runs(
    *, market_id: int, start: datetime, end: datetime, horizon_s: int = HORIZON_S
) -> Card:
    """Keep how right the runs were that a market's present specification really made.

    Raises:  NotFound without an oracle; Malformed where there was no run.
    """
    spec = access.spec(market_id)
    steps = lived.steps(spec, start, end)
    if not steps:
        raise Malformed("there was no run of this specification in that period")
    return _kept(spec, steps, spec.interval_s, horizon_s, Card.Origin.LIVED)


def _kept(
    spec: OracleSpec, steps: Sequence[Step], step_s: int, horizon_s: int, origin: str
) -> Card:
    groups = claims(spec, steps, horizon_s)
    with transaction.atomic():
        made = _card(spec, steps, step_s, horizon_s, origin)
        CardRow.objects.bulk_create(
            [_row(made, of, name, group) for (of, name), group in sorted(groups.items())]
        )
    return made


def claims(spec: OracleSpec, steps: Sequence[Step], horizon_s: int) -> dict[Key, list[Claim]]:
    """Return every claim of the steps with its outcome, by whose it is.

    A report is a claim of its seat and reader. What a seat made of one story is a claim, of a
    direction alone, of the sources that told the story.
    """
    groups: defaultdict[Key, list[Claim]] = defaultdict(list)
    topic = ("topic", spec.market.topic[:40])
    for step, truth in zip(steps, _truths(spec, steps, horizon_s), strict=True):
        said = _said(spec, step)
        for report in step.reports:
            claim = _claim(report, truth, said)
            for key in (("all", ""), topic, ("seat", report.seat), ("reader", report.reader)):
                groups[key].append(claim)
            for mark in report.marks:
                told = Claim(
                    sign=mark.sign,
                    confidence_e8=mark.confidence_e8,
                    truth_sign=_sign(truth) if said is None else said,
                    is_labelled=said is not None,
                )
                for name in step.told[mark.cluster]:
                    groups["source", name].append(told)
    return dict(groups)


def _said(spec: OracleSpec, step: Step) -> int | None:
    """Return what a person said that a step meant, where no published number judges it."""
    return None if spec.kind == OracleSpec.Kind.LEVEL else label_of(step, clock.now())


def _truths(spec: OracleSpec, steps: Sequence[Step], horizon_s: int) -> list[int | None]:
    """Return what came after each step: the next number, or F's own later move."""
    path = path_of(steps)
    if spec.kind != OracleSpec.Kind.LEVEL:
        return [outcomes.own_change(path, place, horizon_s) for place in range(len(steps))]
    # Up to now: outcomes may come from after the period.
    known = numbers.released(spec, steps[0].at, clock.now())
    return [
        outcomes.next_change(known, point.at_s, step.before_pico)
        for point, step in zip(path, steps, strict=True)
    ]


def _claim(report: Report, truth: int | None, said: int | None) -> Claim:
    return Claim(
        sign=(report.delta_pico > 0) - (report.delta_pico < 0),
        confidence_e8=report.confidence_e8,
        truth_sign=_sign(truth) if said is None else said,
        is_labelled=said is not None,
        delta_pico=report.delta_pico,
        truth_pico=truth,
        stated_e8=report.stated_e8,
    )


def _sign(truth: int | None) -> int | None:
    return None if truth is None else (truth > 0) - (truth < 0)


def _card(
    spec: OracleSpec, steps: Sequence[Step], step_s: int, horizon_s: int, origin: str
) -> Card:
    readers = {report.reader for step in steps for report in step.reports}
    known = available()
    applied = [step for step in steps if step.applied]
    is_lived = origin == Card.Origin.LIVED
    every = [[step.at.isoformat(), [asdict(one) for one in step.reports]] for step in steps]
    return Card.objects.create(
        market_id=spec.market_id,
        spec=spec,
        origin=origin,
        from_at=steps[0].at,
        to_at=steps[-1].at,
        step_s=step_s,
        horizon_s=horizon_s,
        versions={
            "spec": terms.spec_sha256(spec),
            "readers": {name: known[name].version for name in sorted(readers & known.keys())},
            "code": reading.CODE_VERSION,
        },
        runs=len(steps),
        applied=len(applied),
        moved=sum(step.before_pico != step.after_pico for step in steps),
        labelled=sum(_said(spec, step) is not None for step in steps),
        stories=sum(len(step.told) for step in steps),
        stage_1_only=sum(courses.is_stage_1(step) for step in applied),
        cost_micro_day=courses.cost_micro_day(spec, steps, is_lived=is_lived),
        latency_ms=median_low(step.latency_ms for step in steps),
        reports_sha256=sha256_hex(every),
        path=_path(steps),
        errors=courses.errors(steps, _truths(spec, steps, horizon_s)),
        stages=courses.stages(steps),
        costs=courses.costs(spec, steps, is_lived=is_lived),
    )


def _path(steps: Sequence[Step]) -> list[list[int | str | None]]:
    """Return the way of F, thinned evenly, its last point kept."""
    stride = max(1, -(-len(steps) // POINTS_MAX))
    shown = [*steps[:-1:stride], steps[-1]]
    return [
        [
            int(one.at.timestamp()),
            str(one.after_pico),
            None if one.level_pico is None else str(one.level_pico),
        ]
        for one in shown
    ]


def _row(made: Card, of: str, name: str, group: Sequence[Claim]) -> CardRow:
    figures = asdict(card.score(group))
    bins, stated = (
        [[one["count"], one["hits"], one["confidence_sum_e8"]] for one in figures.pop(which)]
        for which in ("bins", "stated_bins")
    )
    return CardRow(card=made, of=of, name=name, bins=bins, stated_bins=stated, **figures)
