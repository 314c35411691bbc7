"""What became of one order: its executions, and the tick that took it."""

from django.db.models import Q

from exchange.models import OutcomeFill, OutcomeTick, Session

FILLS_MAX = 200


def fills_of_order(session: Session, ref: int) -> list[OutcomeFill]:
    """Return the executions of an order, the first ones first."""
    rows = OutcomeFill.objects.filter(market_id=session.market_id)
    mine = Q(buy_order=ref) | Q(sell_order=ref)
    return list(rows.filter(mine, seq__gte=ref).order_by("batch_seq", "fill_no")[:FILLS_MAX])


def number_of(session: Session, seq: int) -> int | None:
    """Return the number of the tick that a batch was."""
    rows = OutcomeTick.objects.filter(market_id=session.market_id, seq=seq)
    return rows.values_list("number", flat=True).first()


def last_number(session: Session) -> int:
    """Return the number of the newest tick that left a trace."""
    rows = OutcomeTick.objects.filter(market_id=session.market_id)
    return rows.order_by("-number").values_list("number", flat=True).first() or 0
