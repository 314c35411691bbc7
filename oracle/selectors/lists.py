"""Pages of the oracle's rows for programs, newest first."""

from exchange.models import Market, User
from oracle.models import Forecast, Report, Run


def runs(*, market: Market | None, before: int | None, limit: int) -> list[Run]:
    """Return one more than `limit` runs that anyone may see, older than the key `before`."""
    rows = Run.objects.filter(is_dry=False).select_related("market", "spec")
    if market is not None:
        rows = rows.filter(market=market)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-id")[: limit + 1])


def reports(run: Run) -> list[Report]:
    """Return the reports of a run in the order of their seats."""
    return list(Report.objects.filter(run=run).order_by("seat"))


def forecasts(
    *, user: User, market: Market | None, before: int | None, limit: int
) -> list[Forecast]:
    """Return one more than `limit` of a user's own forecasts, older than the key `before`."""
    rows = Forecast.objects.filter(forecaster_id=user.pk).select_related("market", "used__run")
    if market is not None:
        rows = rows.filter(market=market)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-id")[: limit + 1])
