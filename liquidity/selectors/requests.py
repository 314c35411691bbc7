"""Lists of proposals, newest first."""

from exchange.models import Command, User
from exchange.selectors import access
from liquidity.models import MarketRequest


def requests_of(user: User, *, before: int | None = None, limit: int) -> list[MarketRequest]:
    """Return the user's own requests; one more than `limit` where there is another page."""
    rows = MarketRequest.objects.filter(requester=user).select_related("market", "hold")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[: limit + 1])


def first_contribution(request: MarketRequest) -> Command | None:
    """Return the order that made the stake a contribution, once it is there."""
    if request.market is None:
        return None
    return access.order_by_key(request.requester, request.market, request.stake_key)
