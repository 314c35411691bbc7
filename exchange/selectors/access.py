"""The one way from an outside id to a row. Raises NotFound and leaks nothing else."""

from exchange.errors import NotFound
from exchange.ids import key_of
from exchange.models import ApiToken, Command, Fill, LiveState, Market, RestingOrder, User


def market(slug: str) -> Market:
    """Return the market anyone may read, with its live row. Sessions have doors of their own."""
    rows = Market.objects.select_related("live").filter(kind=Market.Kind.VARIABLE)
    row = rows.filter(slug=slug).first()
    if row is None:
        raise NotFound(f"there is no market {slug[:60]!r}")
    return row


def live(market_id: int) -> LiveState:
    """Return where a market stands, as of the last batch."""
    row = LiveState.objects.select_related("market").filter(market_id=market_id).first()
    if row is None:
        raise NotFound(f"there is no market {market_id}")
    return row


def order_of(user: User, order_id: str) -> Command:
    """Return the user's own order; somebody else's does not exist for them."""
    key = key_of("ord", order_id)
    row = Command.objects.select_related("market").filter(id=key, user=user).first()
    if row is None:
        raise NotFound(f"there is no order {order_id[:40]!r}")
    return row


def order_by_key(user: User, market: Market, key: str) -> Command | None:
    """Return the user's order under an idempotency key, or None if it never arrived."""
    return Command.objects.filter(market=market, user=user, key=key).first()


def resting_of(user: User, resting_id: str) -> RestingOrder:
    """Return what rests, or rested, for the user; somebody else's does not exist for them."""
    key = key_of("rst", resting_id)
    row = RestingOrder.objects.select_related("market").filter(id=key, user=user).first()
    if row is None:
        raise NotFound(f"there is no resting order {resting_id[:40]!r}")
    return row


def resting_at(user: User, market: Market, ref: int) -> RestingOrder:
    """Return what the user left in a market under the engine's number, open or ended."""
    row = RestingOrder.objects.filter(market=market, user=user, ref=ref).first()
    if row is None:
        raise NotFound(f"there is no order {ref} of yours")
    return row


def fill_of(user: User, fill_id: str) -> Fill:
    """Return one of the user's own executions."""
    key = key_of("fil", fill_id)
    row = Fill.objects.select_related("market__live").filter(id=key, user=user).first()
    if row is None:
        raise NotFound(f"there is no fill {fill_id[:40]!r}")
    return row


def token_of(user: User, token_id: str) -> ApiToken:
    """Return the user's own API token."""
    row = ApiToken.objects.filter(id=key_of("tok", token_id), user=user).first()
    if row is None:
        raise NotFound(f"there is no token {token_id[:40]!r}")
    return row
