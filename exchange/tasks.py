"""What the worker does for the core on the beat's word. Tasks carry no facts."""

from celery import shared_task

from exchange import clock
from exchange.selectors import candles
from exchange.services import audit, ticks

FULL_AUDIT_S_MAX = 6 * 3600


@shared_task
def audit_run() -> bool:
    """Examine what is new in the books; the result is kept, and the alarm reads it."""
    return audit.run().ok


# Acknowledged when it starts: what takes longer than the broker waits would be started twice.
@shared_task(acks_late=False, time_limit=FULL_AUDIT_S_MAX)
def audit_full() -> bool:
    """Once a day, examine the books from their first entry and settle every log again."""
    return not audit.full_is_due() or audit.run(full=True).ok


@shared_task
def candles_roll() -> None:
    """Roll minutes into hours and hours into days."""
    candles.roll_up(clock.now_s())


@shared_task
def ticks_maintain() -> None:
    """Make and drop daily partitions of ticks."""
    ticks.maintain()
