"""Which sessions anyone may find without an invitation: those of the demonstration."""

from django.db.models import QuerySet

from exchange.models import Market, Session

OPEN = (
    Market.Status.LOBBY, Market.Status.RUNNING, Market.Status.ENDED, Market.Status.RESOLVED,
)  # fmt: skip
SHOWN_MAX = 6


def open_to_all() -> QuerySet[Session]:
    """Return the demonstration's sessions, the newest first."""
    rows = Session.objects.select_related("market__live", "host")
    found = rows.filter(market__is_demo=True, market__status__in=OPEN)
    return found.order_by("-created_at")[:SHOWN_MAX]
