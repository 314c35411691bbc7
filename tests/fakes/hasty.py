"""The site's Celery application with little patience: a dead worker's run is soon free again."""

from datetime import timedelta
from typing import Any

from celery.signals import worker_process_init

from megatron.celery import app

__all__ = ["app"]

LEASE = timedelta(seconds=4)
NUDGE_AGAIN = timedelta(seconds=2)


@worker_process_init.connect
def _patience_is_short(**_: Any) -> None:
    # a child has its settings by now; this module itself is read before them
    from oracle.services import leases, sweep

    leases.LEASE, sweep.NUDGE_AGAIN = LEASE, NUDGE_AGAIN
