"""Long lists in pages by key: each starts after the last row of the one before, none counts rows.

Every function returns one row more than `limit` where there is another page.
"""

from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from exchange.models import Command, Fill, Market, MarketEvent, StaffAction, User
from exchange.selectors.portfolio import ORDER_KINDS

Row = TypeVar("Row", bound=Model)

# What staff may do to others is public, with its reason (design.md, principle 4).
PUBLIC_VERBS = (
    "market.reduce_only_set",
    "market.reduce_only_lifted",
    "market.described",
    "user.opens_barred",
    "user.opens_allowed",
)


def markets(
    *,
    status: str | None = None,
    topic: str | None = None,
    search: str | None = None,
    after: str | None = None,
    limit: int,
) -> list[Market]:
    """Return markets by slug, with their live rows."""
    rows = Market.objects.select_related("live").order_by("slug")
    if status is not None:
        rows = rows.filter(status=status)
    if topic is not None:
        rows = rows.filter(topic__iexact=topic)
    if search is not None:
        words = Q(name__icontains=search) | Q(question__icontains=search)
        rows = rows.filter(words | Q(ticker__iexact=search) | Q(topic__icontains=search))
    if after is not None:
        rows = rows.filter(slug__gt=after)
    return list(rows[: limit + 1])


def trades(market: Market, *, before: tuple[int, int] | None, limit: int) -> list[Fill]:
    """Return a market's fills, newest first; `before` is (command_seq, leg_no)."""
    rows = Fill.objects.filter(market=market).order_by("-command_seq", "-leg_no")
    if before is not None:
        seq, leg_no = before
        rows = rows.filter(Q(command_seq__lt=seq) | Q(command_seq=seq, leg_no__lt=leg_no))
    return list(rows[: limit + 1])


def events(market: Market, *, before: int | None, limit: int) -> list[MarketEvent]:
    """Return the rules that fired and the steps of the lifecycle, newest first."""
    return list(_older(MarketEvent.objects.filter(market=market), before)[: limit + 1])


def orders(user: User, *, market: Market | None, before: int | None, limit: int) -> list[Command]:
    """Return what the user asked for, newest first, refused requests included."""
    rows = Command.objects.filter(user=user, kind__in=ORDER_KINDS).select_related("market")
    if market is not None:
        rows = rows.filter(market=market)
    return list(_older(rows, before)[: limit + 1])


def fills(user: User, *, market: Market | None, before: int | None, limit: int) -> list[Fill]:
    """Return the user's executions, newest first."""
    rows = Fill.objects.filter(user=user).select_related("market")
    if market is not None:
        rows = rows.filter(market=market)
    return list(_older(rows, before)[: limit + 1])


def orders_of(fills: list[Fill]) -> dict[tuple[int, int], int]:
    """Return the key of the order behind each fill, by (market, seq), in one query."""
    found = Command.objects.filter(
        market_id__in={f.market_id for f in fills}, seq__in={f.command_seq for f in fills}
    )
    return {(row.market_id, row.seq): row.pk for row in found.only("market_id", "seq") if row.seq}


def staff_actions(*, before: int | None, limit: int) -> list[StaffAction]:
    """Return what staff did to markets and accounts, newest first."""
    rows = StaffAction.objects.filter(verb__in=PUBLIC_VERBS)
    return list(_older(rows, before)[: limit + 1])


def _older(rows: "QuerySet[Row]", before: int | None) -> "QuerySet[Row]":
    if before is not None:
        rows = rows.filter(id__lt=before)
    return rows.order_by("-id")
