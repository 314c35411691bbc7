"""What the worker does for the core on the beat's word. Tasks carry no facts."""

from celery import shared_task

from exchange import clock
from exchange.selectors import candles
from exchange.services import audit, ticks


@shared_task
def audit_run() -> bool:
    """Examine the books; the result is kept, and the alarm reads it."""
    return audit.run().ok


@shared_task
def candles_roll() -> None:
    """Roll minutes into hours and hours into days."""
    candles.roll_up(clock.now_s())


@shared_task
def ticks_maintain() -> None:
    """Make and drop daily partitions of ticks."""
    ticks.maintain()
