"""What waits in a market: one user's orders as pages read them, and who stands before an order."""

from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, Count, Q, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from exchange.engines.variable import LimitOrder
from exchange.engines.variable.frontier import resting_key
from exchange.engines.variable.resting import BUY_INTENTS, SELL_INTENTS
from exchange.models import Fill, Market, RestingOrder, User
from exchange.selectors import portfolio


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One order that waits: shares are zero where it names an amount, a price may be missing.

    `due_s` is when the next part of a timed exit acts; what is `parked` cannot fill at any price
    until its owner's position changes sides.
    """

    row: RestingOrder
    intent: str
    side: str
    asked_nano: int
    left_nano: int
    amount_micro: int
    price_pico: int | None
    chunks_asked: int
    chunks_left: int
    interval_s: int
    due_s: int
    parked: bool

    @property
    def done_nano(self) -> int:
        """How much of it has been filled."""
        return self.asked_nano - self.left_nano


def waiting(row: RestingOrder) -> Waiting:
    """Return a stored order as pages read it."""
    item: dict[str, Any] = row.item
    asked: dict[str, Any] = row.asked
    intent = str(item.get("intent", ""))
    price = item.get("price_pico", item.get("guard_pico"))
    return Waiting(
        row=row,
        intent=intent,
        side="buy" if intent in BUY_INTENTS else "sell" if intent else "",
        asked_nano=int(asked.get("shares_nano") or 0),
        left_nano=int(item.get("shares_nano") or 0),
        amount_micro=int(item.get("amount_micro") or 0),
        price_pico=None if price is None else int(price),
        chunks_asked=int(asked.get("chunks") or 0),
        chunks_left=int(item.get("chunks") or 0),
        interval_s=int(item.get("interval_s") or 0),
        due_s=int(item.get("due_s") or 0),
        parked=bool(item.get("parked")),
    )


def of_user(user: User, market: Market | None = None) -> list[Waiting]:
    """Return the user's open orders, newest first."""
    return [waiting(row) for row in portfolio.resting(user, market)]


def fills_of(row: RestingOrder) -> list[Fill]:
    """Return the executions that served an order, oldest first."""
    rows = Fill.objects.filter(market_id=row.market_id, user_id=row.user_id, ref=row.ref)
    causes = {"limit": "limit", "commit": "commit", "exit": "exit"}
    return list(rows.filter(cause=causes.get(row.kind, "")).select_related("market").order_by("id"))


def ahead(market: Market, order: LimitOrder) -> tuple[int, int]:
    """Return how many limit orders fill before one, and their shares."""
    if order.parked:
        return 0, 0
    level = resting_key(order)[1][0]
    side = BUY_INTENTS if order.intent in BUY_INTENTS else SELL_INTENTS
    rows = RestingOrder.objects.filter(
        market=market, status=RestingOrder.Status.OPEN, place__in=side
    ).filter(Q(level__lt=level) | Q(level=level, ref__lt=order.id))
    shares = Cast(KeyTextTransform("shares_nano", "item"), BigIntegerField())
    found = rows.aggregate(orders=Count("id"), shares=Sum(shares))
    return int(found["orders"]), int(found["shares"] or 0)
