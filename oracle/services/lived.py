"""Runs that really happened, as the steps that a report card judges."""

from collections.abc import Sequence
from datetime import datetime

from exchange.models import OracleMove
from oracle.models import HumanLabel, OracleSpec, Run
from oracle.models import Report as ReportRow
from oracle.services import reading
from oracle.services.steps import Step

MILLISECONDS = 1_000


def steps(spec: OracleSpec, start: datetime, end: datetime) -> list[Step]:
    """Return the applied runs of one version of a specification, in order.

    Runs without an event made no claim that the market heard, and are left out.
    """
    runs = Run.objects.filter(
        spec=spec,
        is_dry=False,
        state=Run.State.APPLIED,
        fetched_at__gte=start,
        fetched_at__lte=end,
    ).order_by("number")
    moves = {
        move.ref: move for move in OracleMove.objects.filter(ref__in=[run.ref for run in runs])
    }
    rows = ReportRow.objects.filter(run__in=runs).order_by("run_id", "seat")
    made: dict[int, list[ReportRow]] = {}
    for row in rows:
        made.setdefault(row.run_id, []).append(row)
    given: dict[int, list[tuple[datetime, int]]] = {}
    for run_id, at, sign in (
        HumanLabel.objects.filter(run__in=runs).order_by("id").values_list("run_id", "at", "sign")
    ):
        given.setdefault(run_id, []).append((at, sign))
    return [
        _step(run, moves[run.ref], made.get(run.pk, []), given.get(run.pk, []))
        for run in runs
        if run.ref in moves and run.fetched_at
    ]


Labels = Sequence[tuple[datetime, int]]


def _step(run: Run, move: OracleMove, rows: Sequence[ReportRow], labels: Labels) -> Step:
    assert run.fetched_at is not None
    levels = [int(row.level_pico) for row in rows if row.level_pico is not None]
    read_at = run.read_at or run.fetched_at
    return Step(
        at=run.fetched_at,
        reports=tuple(reading.report_of(row) for row in rows),
        told={cluster: tuple(names) for cluster, _, names in run.inputs.get("stories", [])},
        applied=True,
        before_pico=int(move.fundamental_before_pico),
        after_pico=int(move.fundamental_pico),
        level_pico=levels[0] if levels else None,
        latency_ms=max(0, int((read_at - run.fetched_at).total_seconds() * MILLISECONDS)),
        cost_micro=run.cost_micro,
        run=run.pk,
        labels=tuple(labels),
        versions=run.versions.get("readers", {}),
    )
