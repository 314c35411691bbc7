"""Whether a market's oracle runs, what stopped it, when it runs next, and how its sources do."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Subquery

from exchange import clock
from exchange.models import Market
from oracle.models import Activation, Backtest, Card, OracleSpec, Run, Schedule, Source
from oracle.selectors import invented

DISABLED_WORDS = "every oracle of this site is switched off"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """One source of a market as readers see it."""

    name: str
    label: str
    weight: str
    is_enabled: bool
    failures: int
    rests_until: datetime | None
    last_ok_at: datetime | None
    last_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleHealth:
    """A market's oracle at one glance. `stopped` is empty while it runs.

    `followed` says since when its version is, and why without a report card where that is so.
    """

    spec: OracleSpec
    stopped: str
    stopped_at: datetime | None
    next_at: datetime | None
    next_in_s: int | None
    interval_s: int
    failures: int
    readers_away: tuple[str, ...]
    sources: tuple[SourceHealth, ...]
    invented_news: bool
    followed: Activation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """A version that is written and not followed yet."""

    spec: OracleSpec
    has_card: bool
    played: int
    runs: int


def disabled() -> bool:
    """Return whether the whole site's oracle is switched off (ORACLE_MODE)."""
    return bool(settings.ORACLE_MODE == "disabled")


def stopped(market_id: int) -> str:
    """Return why a market's oracle must not move it now, or nothing."""
    return _why_stopped(Schedule.objects.filter(market_id=market_id).first())


def next_run_at(market: Market) -> datetime | None:
    """Return when the market's oracle runs next; nothing if it is stopped or there is none."""
    return _next_at(market, Schedule.objects.filter(market=market).first())


def oracle_health(market: Market) -> OracleHealth | None:
    """Return how a market's oracle does; nothing for a market without one."""
    schedule = Schedule.objects.filter(market=market).select_related("spec").first()
    if schedule is None:
        return None
    next_at = _next_at(market, schedule)
    wait_s = None if next_at is None else max(0, int((next_at - clock.now()).total_seconds()))
    spec, began = schedule.spec, followed(market)
    rows = list(Source.objects.filter(name__in=_weights(spec)).order_by("name"))
    return OracleHealth(
        spec=spec,
        stopped=_why_stopped(schedule),
        stopped_at=schedule.paused_at,
        next_at=next_at,
        next_in_s=wait_s,
        interval_s=schedule.interval_s,
        failures=schedule.failures,
        readers_away=_away(spec),
        sources=tuple(_source(row, _weights(spec)) for row in rows),
        invented_news=invented.is_behind(market, spec, invented.among(rows)),
        followed=began,
    )


def followed(market: Market) -> Activation | None:
    """Return since when the market's version is followed, and why without a card where it is so."""
    rows = Activation.objects.filter(spec__market=market).select_related("spec")
    return rows.order_by("-id").first()


def _why_stopped(schedule: Schedule | None) -> str:
    if disabled():
        return DISABLED_WORDS
    if schedule is None:
        return "this market has no oracle"
    return f"paused by staff: {schedule.paused_reason}" if schedule.paused_at else ""


def _next_at(market: Market, schedule: Schedule | None) -> datetime | None:
    if schedule is None or _why_stopped(schedule) or market.status != Market.Status.ACTIVE:
        return None
    return schedule.next_at


def unfollowed(market: Market) -> str:
    """Return why a proposed market may take no money yet, or nothing."""
    if not market.brief or Schedule.objects.filter(market=market).exists():
        return ""
    return "contributions begin when the oracle of this market has its report card and is followed"


def awaiting(market: Market) -> Awaited | None:
    """Return the newest version if it is not followed yet, and how far its card is."""
    unfollowed = OracleSpec.objects.filter(market=market).annotate(
        followed_id=Subquery(Schedule.objects.filter(market=market).values("spec_id")[:1])
    )
    newest = unfollowed.order_by("-version").first()
    if newest is None or newest.pk == newest.followed_id:
        return None
    job = Backtest.objects.filter(spec=newest).order_by("-id").first()
    return Awaited(
        spec=newest,
        has_card=Card.objects.filter(spec=newest).exists(),
        played=job.played if job else 0,
        runs=job.runs if job else 0,
    )


def _away(spec: OracleSpec) -> tuple[str, ...]:
    """Return the readers of a panel that could not be asked in its newest run."""
    newest = Run.objects.filter(spec=spec, read_at__isnull=False).order_by("-id").first()
    seats = set(newest.detail.get("away", ())) if newest else set()
    return tuple(sorted({row["reader"] for row in spec.panel if row["seat"] in seats}))


def _weights(spec: OracleSpec) -> dict[str, str]:
    return {row["source"]: str(row.get("weight", "1")) for row in spec.sources}


def _source(row: Source, weights: dict[str, str]) -> SourceHealth:
    return SourceHealth(
        name=row.name,
        label=str(row),
        weight=weights[row.name],
        is_enabled=row.is_enabled,
        failures=row.failures,
        rests_until=row.retry_at,
        last_ok_at=row.last_ok_at,
        last_error=row.last_error,
    )
