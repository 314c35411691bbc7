"""A session over time: ticks as they were kept, thinned out for a graph, and the trades between."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from exchange.models import OutcomeFill, OutcomeTick, Participant, Session

POINTS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What held from a tick on; volume is all of it up to then."""

    number: int
    t_ms: int
    prices: list[list[int] | None]
    volume_micro: int
    risk_micro: int
    profit_micro: int
    status: str


def ticks(session: Session, *, after: int = 0) -> QuerySet[OutcomeTick]:
    """Return the ticks that left a trace, in order, from behind a number on."""
    rows = OutcomeTick.objects.filter(market_id=session.market_id, number__gt=after)
    return rows.order_by("number")


def points(session: Session, most: int = POINTS_MAX) -> list[Point]:
    """Return prices, volume, the maker's risk and result over time, at most `most` of them.

    The last one is always there; those in between are thinned out evenly.
    """
    found = list(_summed(ticks(session)))
    step = -(-len(found) // most) if found else 1
    kept = found[::step]
    if found and kept[-1] is not found[-1]:
        kept.append(found[-1])
    return kept


def trades(session: Session, *, before: int | None = None, limit: int = 50) -> list[OutcomeFill]:
    """Return executions, the newest first, one more than `limit` where there are more."""
    rows = OutcomeFill.objects.filter(market_id=session.market_id)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return list(rows.order_by("-id")[: limit + 1])


def trades_of(
    participant: Participant, *, before: int | None = None, limit: int = 50
) -> list[OutcomeFill]:
    """Return the executions somebody was part of, the newest first."""
    user, rows = participant.user_id, OutcomeFill.objects.filter(market_id=participant.session_id)
    if before is not None:
        rows = rows.filter(id__lt=before)
    bought, sold = rows.filter(buyer=user), rows.filter(seller=user)
    newest = [*bought.order_by("-id")[: limit + 1], *sold.order_by("-id")[: limit + 1]]
    return sorted({row.pk: row for row in newest}.values(), key=lambda r: -r.pk)[: limit + 1]


def fills_of_tick(session: Session, seq: int) -> list[OutcomeFill]:
    """Return what was traded in one batch, in order."""
    rows = OutcomeFill.objects.filter(market_id=session.market_id, batch_seq=seq)
    return list(rows.order_by("fill_no"))


def _summed(rows: QuerySet[OutcomeTick]) -> Iterator[Point]:
    volume = 0
    for row in rows.iterator(2000):
        volume += row.volume_micro
        yield Point(
            number=row.number,
            t_ms=row.t_ms,
            prices=row.prices,
            volume_micro=volume,
            risk_micro=row.risk_micro,
            profit_micro=row.profit_micro,
            status=row.status,
        )
