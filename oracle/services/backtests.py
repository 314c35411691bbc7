"""Report cards that were asked for: any worker plays one, says how far it is, and may die."""

from datetime import datetime, timedelta

import structlog
from django.db.models import F, Q

from exchange import clock
from exchange.errors import MegatronError, Unavailable
from exchange.models import User
from oracle.models import Backtest, OracleSpec
from oracle.services import cards

LEASE = timedelta(seconds=60)
TELL_S = 1.0
ATTEMPTS_MAX = 3
State = Backtest.State
OPEN = (State.QUEUED, State.PLAYING)

log = structlog.get_logger()


class TakenOver(Unavailable):
    """Another worker plays it now."""

    code = "lease_lost"


def ask(
    *,
    spec: OracleSpec,
    start: datetime,
    end: datetime,
    step_s: int,
    horizon_s: int = cards.HORIZON_S,
    asked_by: User | None,
) -> Backtest:
    """Queue a card of a version. Raises Malformed for a senseless period."""
    runs = cards.check_period(start, end, step_s)
    return Backtest.objects.create(
        spec=spec,
        from_at=start,
        to_at=end,
        step_s=step_s,
        horizon_s=horizon_s,
        runs=runs,
        asked_by=asked_by,
    )


def advance() -> Backtest | None:
    """Play the oldest card that nobody plays, to its end; return it, or nothing if none waits.

    Keeps:   one card per job: whoever lost the lease keeps nothing.
    """
    now = clock.now()
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    job = Backtest.objects.filter(free, state__in=OPEN).order_by("id").first()
    if job is None:
        return None
    won = Backtest.objects.filter(free, pk=job.pk, state__in=OPEN).update(
        state=State.PLAYING, attempt=F("attempt") + 1, lease_until=now + LEASE, played=0
    )
    if not won:
        return None
    job.refresh_from_db()
    if job.attempt > ATTEMPTS_MAX:
        _step(job, state=State.FAILED, error="no worker finished it", lease_until=None)
        return job
    try:
        _play(job)
    except TakenOver:
        log.warning("oracle.backtest_taken_over", backtest=job.pk)
    except MegatronError as fault:
        _step(job, state=State.FAILED, error=fault.message[:200], lease_until=None)
    job.refresh_from_db()
    return job


def _play(job: Backtest) -> None:
    told = clock.monotonic()

    def each(played: int) -> None:
        nonlocal told
        if clock.monotonic() - told > TELL_S:
            told = clock.monotonic()
            _step(job, played=played, lease_until=clock.now() + LEASE)

    card = cards.card_make(
        market_id=job.spec.market_id,
        start=job.from_at,
        end=job.to_at,
        step_s=job.step_s,
        horizon_s=job.horizon_s,
        spec=job.spec,
        each=each,
    )
    _step(job, state=State.DONE, card=card, played=job.runs, lease_until=None)


def _step(job: Backtest, **changes: object) -> None:
    """Write `changes` if the job is still ours. Raises TakenOver."""
    mine = Backtest.objects.filter(pk=job.pk, attempt=job.attempt, state=State.PLAYING)
    if not mine.update(**changes):
        raise TakenOver(f"backtest {job.pk} was taken over")
