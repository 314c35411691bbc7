"""Long lists in pages by key: each starts after the last row of the one before, none counts rows.

Every function returns one row more than `limit` where there is another page.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from exchange.engines.variable.results import COMMAND
from exchange.models import (
    Command,
    Fill,
    Market,
    MarketEvent,
    RestingOrder,
    StaffAction,
    User,
)
from exchange.selectors.portfolio import ORDER_KINDS

NEWS_MAX = 20

Row = TypeVar("Row", bound=Model)

# What staff may do to others is public, with its reason (design.md, principle 4).
PUBLIC_VERBS = (
    "market.reduce_only_set",
    "market.reduce_only_lifted",
    "market.described",
    "market.wind_down_announced",
    "market.recalibration_on",
    "market.recalibration_off",
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
    variable = Market.objects.filter(kind=Market.Kind.VARIABLE)
    rows = variable.select_related("live").order_by("slug")
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
    mine = Command.objects.filter(user=user, market__kind=Market.Kind.VARIABLE)
    rows = mine.filter(kind__in=ORDER_KINDS).select_related("market")
    if market is not None:
        rows = rows.filter(market=market)
    return list(_older(rows, before)[: limit + 1])


def fills(user: User, *, market: Market | None, before: int | None, limit: int) -> list[Fill]:
    """Return the user's executions, newest first."""
    rows = Fill.objects.filter(user=user).select_related("market")
    if market is not None:
        rows = rows.filter(market=market)
    return list(_older(rows, before)[: limit + 1])


def of_order(order: Command) -> list[Fill]:
    """Return the executions that an order itself made, in the order of its legs."""
    if order.seq is None or order.user_id is None:
        return []
    rows = Fill.objects.filter(market_id=order.market_id, command_seq=order.seq)
    own = rows.filter(user_id=order.user_id, cause=COMMAND).select_related("market")
    return list(own.order_by("leg_no"))


def since(user: User, market: Market, fill_id: int) -> list[Fill]:
    """Return what others have set off for the user in a market after a fill, newest first."""
    rows = Fill.objects.filter(user=user, market=market, id__gt=fill_id).exclude(cause=COMMAND)
    return list(rows.select_related("market").order_by("-id")[:NEWS_MAX])


def resting(
    user: User, *, market: Market | None, is_open: bool | None, before: int | None, limit: int
) -> list[RestingOrder]:
    """Return what rests or rested for the user as a trader, newest first."""
    rows = RestingOrder.objects.exclude(kind=RestingOrder.Kind.WITHDRAWAL)
    rows = rows.filter(user=user)
    return list(_waiting(rows, market=market, is_open=is_open, before=before)[: limit + 1])


def withdrawals(
    user: User, *, market: Market | None, is_open: bool | None, before: int | None, limit: int
) -> list[RestingOrder]:
    """Return the user's requests in the providers' queues, newest first."""
    rows = RestingOrder.objects.filter(user=user, kind=RestingOrder.Kind.WITHDRAWAL)
    return list(_waiting(rows, market=market, is_open=is_open, before=before)[: limit + 1])


def _waiting(
    rows: "QuerySet[RestingOrder]",
    *,
    market: Market | None,
    is_open: bool | None,
    before: int | None,
) -> "QuerySet[RestingOrder]":
    rows = rows.select_related("market")
    if market is not None:
        rows = rows.filter(market=market)
    if is_open is not None:
        ended = ~Q(status=RestingOrder.Status.OPEN)
        rows = rows.filter(status=RestingOrder.Status.OPEN) if is_open else rows.filter(ended)
    return _older(rows, before)


def places(rows: Sequence[RestingOrder]) -> dict[int, tuple[int, int]]:
    """Return by key how many open withdrawals stand before each, itself included, and their units.

    Units:   nano units, those of the request itself not included.
    """
    waiting = [row for row in rows if row.status == RestingOrder.Status.OPEN]
    queue = RestingOrder.objects.filter(
        market_id__in={row.market_id for row in waiting},
        kind=RestingOrder.Kind.WITHDRAWAL,
        status=RestingOrder.Status.OPEN,
    )
    ahead: dict[int, tuple[int, int]] = {}
    totals: dict[int, tuple[int, int]] = {}
    for pk, market_id, item in queue.order_by("ref").values_list("id", "market_id", "item"):
        count, units = totals.get(market_id, (0, 0))
        ahead[pk] = count + 1, units
        totals[market_id] = count + 1, units + int(item["units_nano"])
    return {row.pk: ahead[row.pk] for row in waiting if row.pk in ahead}


def resting_by_ref(
    user: User, wanted: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], RestingOrder]:
    """Return what rests or rested for the user by (market, ref), in one query or none."""
    pairs = set(wanted)
    if not pairs:
        return {}
    found = RestingOrder.objects.filter(
        user=user, market_id__in={m for m, _ in pairs}, ref__in={ref for _, ref in pairs}
    )
    return {(row.market_id, row.ref): row for row in found}


def orders_of(fills: list[Fill]) -> dict[tuple[int, int], int]:
    """Return the key of the order behind each fill, by (market, seq), in one query.

    What was set off by somebody else's command is no part of that order.
    """
    own = [fill for fill in fills if fill.cause == COMMAND]
    found = Command.objects.filter(
        market_id__in={f.market_id for f in own}, seq__in={f.command_seq for f in own}
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
