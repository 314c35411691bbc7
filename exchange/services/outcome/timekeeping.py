"""Keep the clocks of all sessions: find those whose next tick has something to do, and take it."""

from dataclasses import dataclass

import structlog
from django.db import DataError, IntegrityError
from django.db.models import Exists, OuterRef, Q

from exchange import clock
from exchange.engines import outcome
from exchange.errors import MegatronError
from exchange.models import Command, LiveState, Market
from exchange.selectors.outcome import configs
from exchange.services.outcome import tick
from exchange.services.outcome.schedule import Standing, step

# A session that has just started is found within this.
LOOK_S = 0.25

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Turn:
    """One look at all sessions: how many ticks were taken, and when to look again."""

    ticks: int
    wait_s: float


def turn() -> Turn:
    """Take every tick that is due in any session; what is wrong with one keeps nobody waiting.

    Raises:  Django's database errors.
    """
    taken, next_ms = 0, LOOK_S * 1_000
    for live in _running():
        interval, started_ms = configs.config_of(live.market.config).batch_ms, _started(live)
        if _is_due(live, clock.now_ms() - started_ms):
            taken += _advanced(live.market_id)
        next_ms = min(next_ms, interval - (clock.now_ms() - started_ms) % interval)
    return Turn(taken, max(next_ms, 1) / 1_000)


def _running() -> list[LiveState]:
    waiting = Command.objects.filter(market_id=OuterRef("market_id"), batch_seq=None)
    rows = LiveState.objects.filter(
        market__kind=Market.Kind.OUTCOME, halt_rule="", market__session__started_ms__isnull=False
    ).select_related("market__session")
    found = rows.annotate(waits=Exists(waiting)).filter(
        Q(market__status=Market.Status.RUNNING)
        | Q(market__status__in=(Market.Status.ENDED, Market.Status.RESOLVED), waits=True)
    )
    return list(found.order_by("market_id"))


def _is_due(live: LiveState, now_ms: int) -> bool:
    session = live.market.session
    standing = Standing(
        live.market.status,
        live.reduce_only_since is not None,
        session.planned_winner,
        live.last_tick.get("number", 0),
        now_ms,
    )
    state = outcome.MarketState.from_mapping(live.state)
    due = step(configs.config_of(live.market.config), state, standing)
    waits: bool = live.waits  # type: ignore[attr-defined]  # annotated
    return due is not None and (bool(due.house) or waits)


def _started(live: LiveState) -> int:
    return int(live.market.session.started_ms or 0)


def _advanced(market_id: int) -> int:
    try:
        return tick.advance(market_id)
    except (MegatronError, DataError, IntegrityError) as fault:
        log.warning("session.not_advanced", market=market_id, error=str(fault)[:200])
        return 0
