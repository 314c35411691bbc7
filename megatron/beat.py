"""Celery's scheduler over the database, which tells that its loop turns."""

from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from exchange import live
from megatron.celery import BEAT


class LiveScheduler(DatabaseScheduler):  # type: ignore[misc]
    """The database's schedule; each turn of the loop is a sign of life."""

    def tick(self, *args: object, **kwargs: object) -> float:
        """Send what is due and return the seconds until the next turn."""
        live.mark("beat")
        return float(super().tick(*args, **kwargs))


@transaction.atomic
def install_schedule() -> int:
    """Add the rows of the beat table that are missing and return how many there were.

    Rows that exist are staff's to change, so they are left alone.
    """
    added = 0
    for duty in BEAT:
        every, _ = IntervalSchedule.objects.get_or_create(
            every=duty.period_s, period=IntervalSchedule.SECONDS
        )
        _, created = PeriodicTask.objects.get_or_create(
            name=duty.task,
            defaults={
                "task": duty.task,
                "interval": every,
                "queue": duty.queue,
                # A run that could not start before the next one is due has lost its point.
                "expire_seconds": duty.period_s,
                "description": f"If it never runs: {duty.if_never}.",
            },
        )
        added += created
    return added
