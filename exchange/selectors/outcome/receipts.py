"""What became of one order: its executions, and the tick that took it."""

from django.db.models import Q

from exchange.models import OutcomeFill, OutcomeOrder, OutcomeTick, Session
from exchange.selectors.outcome.own_side import OwnFill, own_fill

FILLS_MAX = 200


def fills_of_order(order: OutcomeOrder) -> list[OwnFill]:
    """Return the executions of an order from its own side, the first ones first."""
    rows = OutcomeFill.objects.filter(market_id=order.market_id, seq__gte=order.ref)
    mine = rows.filter(Q(buy_order=order.ref) | Q(sell_order=order.ref))
    found = mine.order_by("batch_seq", "fill_no")[:FILLS_MAX]
    return [own_fill(row, order.user_id) for row in found]


def number_of(session: Session, seq: int) -> int | None:
    """Return the number of the tick that a batch was."""
    rows = OutcomeTick.objects.filter(market_id=session.market_id, seq=seq)
    return rows.values_list("number", flat=True).first()


def last_number(session: Session) -> int:
    """Return the number of the newest tick that left a trace."""
    rows = OutcomeTick.objects.filter(market_id=session.market_id)
    return rows.order_by("-number").values_list("number", flat=True).first() or 0


def batches(session: Session) -> int:
    """Return how many ticks left a trace; a quiet one leaves none."""
    return OutcomeTick.objects.filter(market_id=session.market_id).count()
