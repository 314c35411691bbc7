"""The one way from an outside id to a request. Raises NotFound and leaks nothing else."""

from exchange.errors import NotFound
from exchange.ids import key_of
from exchange.models import User
from liquidity.models import MarketRequest
from liquidity.models.requests import PREFIX


def request_of(user: User, request_id: str) -> MarketRequest:
    """Return the user's own request; somebody else's does not exist for them."""
    rows = MarketRequest.objects.select_related("market", "hold")
    row = rows.filter(pk=key_of(PREFIX, request_id), requester=user).first()
    if row is None:
        raise NotFound(f"there is no request {request_id[:40]!r}")
    return row
