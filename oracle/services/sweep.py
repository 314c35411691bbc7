"""Find what is due, claim it once, and find what a dead worker left behind.

Any number of sweeps may run at the same time: each claim is a conditional update, and its row
count says who won. Nothing here is remembered outside of Postgres.
"""

from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError
from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Q

from exchange import clock
from exchange.models import Command, Market
from exchange.services.batch import Receipt
from oracle.models import OPEN, Run, Schedule
from oracle.selectors import health
from oracle.services import cycle, leases

NUDGE_AGAIN = timedelta(seconds=60)
RUN_MAX = timedelta(seconds=900)
ATTEMPTS_MAX = 3
LATE = timedelta(days=1)
INTERVAL = ExpressionWrapper(F("interval_s") * timedelta(seconds=1), DurationField())

log = structlog.get_logger()


def sweep() -> list[int]:
    """Return the markets whose open run wants a worker now: newly due ones and abandoned ones."""
    now = clock.now()
    _correct(now)
    for run in _abandoned(now):
        _end_if_hopeless(run, now)
    if health.disabled():
        return []
    claimed = [market_id for market_id in _due(now) if claim(market_id, now)]
    return claimed + _nudged(now, set(claimed))


def claim(market_id: int, now: datetime) -> Run | None:
    """Start the market's next run, unless somebody else just did or it is not due.

    Keeps:   one open run per market; numbers without gap or repeat.
    """
    free = ~Exists(Run.objects.filter(market=OuterRef("pk"), is_dry=False, state__in=OPEN))
    try:
        with leases.unhurried():
            due = Schedule.objects.filter(free, pk=market_id, next_at__lte=now, paused_at=None)
            if not due.update(runs=F("runs") + 1, next_at=now + INTERVAL):
                return None
            schedule = Schedule.objects.get(pk=market_id)
            return Run.objects.create(
                market_id=market_id,
                spec_id=schedule.spec_id,
                number=schedule.runs,
                ref=f"oracle:{market_id}:{schedule.runs}",
                started_at=now,
                nudged_at=now,
            )
    except IntegrityError:
        return None


def run_due() -> list[Run]:
    """Sweep and finish everything in this very thread: for the demonstration and for tests."""
    runs = [cycle.run_market(market_id) for market_id in sweep()]
    return [run for run in runs if run]


def _due(now: datetime) -> list[int]:
    rows = Schedule.objects.filter(
        next_at__lte=now,
        paused_at=None,
        market__status=Market.Status.ACTIVE,
        market__live__halt_rule="",
    )
    return list(rows.order_by("next_at").values_list("market_id", flat=True))


def _nudged(now: datetime, claimed: set[int]) -> list[int]:
    """Return the markets whose open run nobody works on, each at most once a minute."""
    waiting = [
        run
        for run in _abandoned(now)
        if run.market_id not in claimed and run.nudged_at <= now - NUDGE_AGAIN
    ]
    return [
        run.market_id
        for run in waiting
        if Run.objects.filter(pk=run.pk, nudged_at=run.nudged_at).update(nudged_at=now)
    ]


def _abandoned(now: datetime) -> list[Run]:
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    rows = Run.objects.filter(free, is_dry=False, state__in=OPEN)
    return list(rows.order_by("id"))


def _end_if_hopeless(run: Run, now: datetime) -> None:
    """Expire a run that is too old or was tried too often, unless the market has its event."""
    if run.attempt < ATTEMPTS_MAX and run.started_at > now - RUN_MAX:
        return
    taken = leases.take(run.pk)
    if taken is None:
        return
    answer = _answer(taken)
    if answer:
        cycle.record(taken, answer)
        return
    log.warning("oracle.run_expired", run=taken.ref, state=taken.state, attempts=taken.attempt)
    leases.step(
        taken, state=Run.State.EXPIRED, finished_at=now, lease_until=None, reason="too_late"
    )


def _correct(now: datetime) -> None:
    """Make right a run that expired while its worker, thought dead, was handing it in."""
    expired = Run.objects.filter(
        state=Run.State.EXPIRED, finished_at__gte=now - LATE, decided_at__isnull=False
    )
    for run in expired.order_by("id"):
        if answer := _answer(run):
            log.warning("oracle.run_was_late", run=run.ref)
            cycle.record(run, answer)


def _answer(run: Run) -> Receipt | None:
    """Return what the market's log has under the run's key, if it accepted it."""
    row = Command.objects.filter(
        market_id=run.market_id, user=None, key=run.ref, accepted=True
    ).first()
    if row is None or row.seq is None or row.batch_seq is None or row.settled_s is None:
        return None
    answer = row.result if isinstance(row.result, dict) else {}
    return Receipt(row.pk, row.seq, row.batch_seq, row.kind, True, answer, row.settled_s, True)
