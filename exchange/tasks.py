"""What the worker does for the core on the beat's word. Tasks carry no facts."""

from celery import shared_task

from exchange import clock
from exchange.selectors import candles
from exchange.services import audit, metrics, ticks


@shared_task
def audit_run() -> bool:
    """Examine the books; the alarm is a gauge above zero."""
    run = audit.run()
    metrics.AUDIT_FINDINGS.set(len(run.findings))
    metrics.AUDIT_AT.set(clock.now_s())
    return run.ok


@shared_task
def candles_roll() -> None:
    """Roll minutes into hours and hours into days."""
    candles.roll_up(clock.now_s())


@shared_task
def ticks_maintain() -> None:
    """Make and drop daily partitions of ticks."""
    ticks.maintain()
