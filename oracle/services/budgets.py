"""Every request to a source is paid for first, and refused when the day's money is gone."""

from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Sum

from exchange import clock
from oracle.models import CostEntry, Run, Source
from oracle.sources.base import OverBudget

# Two workers that look at what is left at the same time would both find it enough.
ONE_SPENDER = "SELECT pg_advisory_xact_lock(hashtext('oracle.costs'))"


def spender(source: Source, run: Run) -> Callable[[], None]:
    """Return what books one request to `source` for `run`, in a transaction of its own.

    Raises:  OverBudget, when called, before the day's requests of the source or the day's money
             of the market would be exceeded.
    Locks:   one spender at a time.
    """

    def spend() -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(ONE_SPENDER)
            _check(source, run)
            CostEntry.objects.create(
                source=source, market_id=run.market_id, run=run, cost_micro=source.cost_micro
            )

    return spend


def spent_micro(run: Run) -> int:
    """Return what the run has cost so far, in micro-USD."""
    total = CostEntry.objects.filter(run=run).aggregate(sum=Sum("cost_micro"))["sum"]
    return int(total or 0)


def today(market_id: int) -> int:
    """Return what a market's oracle has cost since midnight, in micro-USD."""
    paid = CostEntry.objects.filter(at__gte=_midnight(), market_id=market_id)
    return int(paid.aggregate(sum=Sum("cost_micro"))["sum"] or 0)


def _midnight() -> datetime:
    return clock.now().replace(hour=0, minute=0, second=0, microsecond=0)


def _check(source: Source, run: Run) -> None:
    since = CostEntry.objects.filter(at__gte=_midnight())
    asked = since.filter(source=source).aggregate(sum=Sum("requests"))["sum"] or 0
    if asked >= source.requests_per_day_max:
        raise OverBudget(f"{source.requests_per_day_max} requests a day are used up")
    if today(run.market_id) + source.cost_micro > run.spec.daily_budget_micro:
        raise OverBudget("the market's money for today is used up")
