"""Who may move a run: one worker at a time, for a while, and only from the state it saw.

No lock is held while a worker fetches and reads. Each step is a conditional update, and its row
count says whether the lease was still ours.

Steps do not wait for the disk: the log of the database is written in order, so whatever the
market's event rests on is safe before the event is, and a step that a crash forgot is made again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from exchange import clock
from exchange.errors import Unavailable
from oracle.models import OPEN, Run

LEASE = timedelta(seconds=180)
# A lease younger than this is not extended: nobody can have taken the run.
YOUNG = timedelta(seconds=30)


UNHURRIED = "SET LOCAL synchronous_commit = off"


class LeaseLost(Unavailable):
    """Another worker has the run now. Whoever meets this stops and leaves everything as it is."""

    code = "lease_lost"


@contextmanager
def unhurried() -> Iterator[None]:
    """Give one transaction whose commit does not wait for the disk.

    Only for what is made again if a crash forgets it: never for money or an answer given outside.
    """
    is_ours = not connection.in_atomic_block
    with transaction.atomic():
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute(UNHURRIED)
        yield


def take(run_id: int) -> Run | None:
    """Return the run with a lease for the caller, or nothing if it is held or at its end."""
    now = clock.now()
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    with unhurried():
        won = Run.objects.filter(free, pk=run_id, state__in=OPEN).update(
            attempt=F("attempt") + 1, lease_until=now + LEASE
        )
        if not won:
            return None
        return Run.objects.select_related("spec", "market").get(pk=run_id)


def keep(run: Run) -> None:
    """Extend the lease unless it is young. Raises LeaseLost."""
    until = clock.now() + LEASE
    if run.lease_until is None or run.lease_until < until - YOUNG:
        step(run, lease_until=until)


def step(run: Run, **changes: Any) -> None:
    """Write `changes` if the run is still ours and where we left it. Raises LeaseLost."""
    mine = Run.objects.filter(pk=run.pk, attempt=run.attempt, state=run.state)
    if not mine.update(**changes):
        raise LeaseLost(f"run {run.pk} was taken over")
    for name, value in changes.items():
        setattr(run, name, value)


def give_up(run: Run) -> None:
    """Leave an open run to whoever sweeps next; nothing happens if it was taken over."""
    Run.objects.filter(pk=run.pk, attempt=run.attempt, state__in=OPEN).update(lease_until=None)
