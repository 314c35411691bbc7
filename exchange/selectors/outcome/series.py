"""A session over time: its ticks as they were kept, and the trades between."""

from django.db.models import QuerySet

from exchange.models import OutcomeFill, OutcomeTick, Participant, Session
from exchange.selectors.outcome.own_side import OwnFill, own_fill


def ticks(session: Session, *, after: int = 0) -> QuerySet[OutcomeTick]:
    """Return the ticks that left a trace, in order, from behind a number on."""
    rows = OutcomeTick.objects.filter(market_id=session.market_id, number__gt=after)
    return rows.order_by("number")


def trades(session: Session, *, before: int | None = None, limit: int = 50) -> list[OutcomeFill]:
    """Return executions, the newest first, one more than `limit` where there are more."""
    rows = OutcomeFill.objects.filter(market_id=session.market_id)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return list(rows.order_by("-id")[: limit + 1])


def trades_of(
    participant: Participant, *, before: int | None = None, limit: int = 50
) -> list[OwnFill]:
    """Return the executions somebody was part of from their own side, the newest first."""
    user, rows = participant.user_id, OutcomeFill.objects.filter(market_id=participant.session_id)
    if before is not None:
        rows = rows.filter(id__lt=before)
    bought, sold = rows.filter(buyer=user), rows.filter(seller=user)
    newest = [*bought.order_by("-id")[: limit + 1], *sold.order_by("-id")[: limit + 1]]
    latest = sorted({row.pk: row for row in newest}.values(), key=lambda r: -r.pk)[: limit + 1]
    return [own_fill(row, user) for row in latest]


def fills_of_tick(session: Session, seq: int) -> list[OutcomeFill]:
    """Return what was traded in one batch, in order."""
    rows = OutcomeFill.objects.filter(market_id=session.market_id, batch_seq=seq)
    return list(rows.order_by("fill_no"))
