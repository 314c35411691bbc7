"""What the market price did before and after an oracle event, in one query for many events."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import BigIntegerField, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast, Extract, Floor

from exchange import clock
from exchange.models import Candle, OracleMove, Tick

MINUTE_S = 60
# After how long it is looked at, in seconds, and how that is called.
SPANS = ((60, "1 minute"), (3_600, "1 hour"), (86_400, "1 day"))
NOT_YET, NOT_KEPT = "not yet", "no price was kept"
TICK_GONE = "single events are kept for 30 days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """M at one moment after an event, against M right after it; else why there is none."""

    name: str
    at: datetime
    market_pico: int | None
    change_e8: int | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """M before an event, right after it, and later."""

    before_pico: int | None
    why: str
    market_pico: int
    later: tuple[Price, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event with what came of it."""

    move: OracleMove
    aftermath: Aftermath


def moves(refs: Iterable[str]) -> dict[str, Told]:
    """Return the events of these runs, by run, each with its aftermath."""
    now = clock.now()
    return {row.ref: Told(move=row, aftermath=_of(row, now)) for row in _rows(list(refs))}


def _rows(refs: list[str]) -> QuerySet[OracleMove]:
    tick = Tick.objects.filter(
        market_id=OuterRef("market_id"), seq=OuterRef("batch_seq"), at=OuterRef("at")
    )
    parts = F("market_trades_pico") + F("market_oracle_pico") + F("market_recentring_pico")
    before = Subquery(tick.values_list(F("market_pico") - parts)[:1])
    at_s = Cast(Floor(Extract("at", "epoch")), BigIntegerField())
    rows = OracleMove.objects.filter(ref__in=refs).annotate(at_s=at_s, before_pico=before)
    return rows.annotate(**{f"after_{span_s}": _close(span_s) for span_s, _ in SPANS})


def _close(span_s: int) -> Subquery:
    """Return M at the end of the last minute that was over by then, the event's own the first."""
    at_s = OuterRef("at_s")
    minutes = Candle.objects.filter(
        market_id=OuterRef("market_id"),
        interval_s=MINUTE_S,
        bucket_s__gt=at_s - MINUTE_S,
        bucket_s__lte=at_s + (span_s - MINUTE_S),
    )
    return Subquery(minutes.order_by("-bucket_s").values("market_pico")[:1])


def _of(row: OracleMove, now: datetime) -> Aftermath:
    found = vars(row)
    before, after = found["before_pico"], int(row.market_pico)
    return Aftermath(
        before_pico=None if before is None else int(before),
        why="" if before is not None else TICK_GONE,
        market_pico=after,
        later=tuple(
            _price(row, span_s, name, found[f"after_{span_s}"], now) for span_s, name in SPANS
        ),
    )


def _price(row: OracleMove, span_s: int, name: str, found: int | None, now: datetime) -> Price:
    at, after = row.at + timedelta(seconds=span_s), int(row.market_pico)
    if at > now or found is None:
        why = NOT_YET if at > now else NOT_KEPT
        return Price(name=name, at=at, market_pico=None, change_e8=None, why=why)
    market = int(found)
    change = abs(market - after) * 10**8 // after if after else 0
    return Price(
        name=name,
        at=at,
        market_pico=market,
        change_e8=change if market >= after else -change,
        why="",
    )
