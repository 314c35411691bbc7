"""Open markets, keep their clocks going, and let staff close them for opening only."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Min, Q

from exchange import clock
from exchange.engines import units, variable
from exchange.errors import MegatronError, Unprocessable
from exchange.models import AccountKind, Command, LiveState, Market, RestingOrder
from exchange.selectors import configs
from exchange.services import commands, ledger
from exchange.services.batch import Receipt, Request
from exchange.services.settlement import drain

HOUSE = (
    AccountKind.POOL,
    AccountKind.FUNDING,
    AccountKind.LP_FEES,
    AccountKind.INSURANCE,
    AccountKind.TREASURY,
)
RUNNING = (Market.Status.ACTIVE, Market.Status.WINDING)
HEARTBEAT_S = 60
HARD_CAP_MICRO_MAX = 10**15


log = structlog.get_logger()


@transaction.atomic
def market_open(
    *,
    slug: str,
    name: str,
    ticker: str,
    unit: str,
    question: str,
    summary: str,
    rules: str,
    topic: str,
    parameters: Mapping[str, Any] | None = None,
    brief: Mapping[str, Any] | None = None,
    is_demo: bool = False,
) -> Market:
    """Create a market in funding, with its accounts and the engine's opening state.

    Raises:  Unprocessable config_invalid, with the parameter and its value.
    """
    try:
        config = variable.Config.parse(parameters or {})
        _require_storable(config)
    except variable.ConfigError as error:
        fields = {"rule": error.code, "field": error.field, "value": error.value}
        raise Unprocessable(str(error), code="config_invalid", fields=fields) from error
    market = Market.objects.create(
        slug=slug,
        name=name,
        ticker=ticker,
        unit=unit,
        question=question,
        summary=summary,
        rules=rules,
        topic=topic,
        config=config.to_mapping(),
        brief=dict(brief or {}),
        is_demo=is_demo,
    )
    for kind in HOUSE:
        ledger.account(kind=kind, market_id=market.pk)
    state = variable.MarketState.opened(config, clock.now_s())
    LiveState.objects.create(
        market=market,
        state=json.loads(json.dumps(state.to_mapping())),
        state_hash=hashlib.sha256(variable.canonical_bytes(state)).digest(),
    )
    return market


def _require_storable(config: variable.Config) -> None:
    """Refuse a pool whose units, a thousand to the micro, would not fit their column."""
    if config.hard_cap_micro > HARD_CAP_MICRO_MAX:
        cap = units.format_fixed(config.hard_cap_micro, 6)
        raise variable.ConfigError("range", "hard_cap", cap)


def oracle_apply(*, market_id: int, reports: Sequence[Mapping[str, int]], ref: str) -> Receipt:
    """Hand a set of reports to a market, once per `ref`.

    Units:   each report has delta_pico and confidence_e8.
    Raises:  Unprocessable no_quorum; Unavailable.
    """
    payload = {"reports": [dict(report) for report in reports]}
    return commands.submit(market_id=market_id, kind="oracle", payload=payload, key=ref)


def heartbeats(now_s: int) -> int:
    """Give a tick to every active market that needs one; return how many got one.

    A market needs one that was quiet for a minute, whose settlement loop was cut short, or in which
    a timed exit is due or a committed open too old.
    """
    running = LiveState.objects.filter(market__status__in=RUNNING, halt_rule="")
    due = {
        pk
        for pk, settled_at in running.values_list("market_id", "settled_at")
        # a time ahead of us is that of a clock that was put back since
        if settled_at is None or not clock.at(now_s - HEARTBEAT_S) < settled_at <= clock.now()
    }
    due.update(running.filter(state__backlog=True).values_list("market_id", flat=True))
    due.update(_with_resting_due(now_s))
    return sum(heartbeat(market_id, now_s) for market_id in sorted(due))


def _with_resting_due(now_s: int) -> set[int]:
    waiting = RestingOrder.objects.filter(
        status=RestingOrder.Status.OPEN, market__status__in=RUNNING, market__live__halt_rule=""
    )
    exits = waiting.filter(place="exits", level__lte=now_s)
    due = set(exits.values_list("market_id", flat=True))
    commits = waiting.filter(place="commits").values_list("market_id", "market__config")
    for market_id, config, oldest in commits.annotate(oldest=Min("placed_at")):
        if (clock.at(now_s) - oldest).total_seconds() > configs.config_of(config).commit_ttl_s:
            due.add(market_id)
    return due


def heartbeat(market_id: int, now_s: int) -> bool:
    """Let time pass in one market: recentring accrues, a tick is written. Return success."""
    return settled(market_id, Request("heartbeat", {}, f"heartbeat:{now_s}"))


def settled(market_id: int, request: Request) -> bool:
    """Settle a request of the house; what is wrong with one market must not stop the others."""
    try:
        drain(market_id, [request])
    except (MegatronError, DatabaseError) as fault:
        log.warning("market.not_settled", market=market_id, error=str(fault)[:200])
        return False
    return True


def refunds_due(now_s: int) -> int:
    """Pay back the next contributors of markets that missed their soft cap by the deadline.

    Each market is paid in slices, one transaction each; return how many slices were paid.
    """
    owing = LiveState.objects.filter(halt_rule="").filter(
        Q(market__status=Market.Status.FUNDING, state__deadline_s__lte=now_s)
        | Q(market__status=Market.Status.CANCELLED, state__funding_micro__gt=0)
    )
    slices = [(live.market_id, live.command_seq) for live in owing]
    for market_id, seq in slices:
        settled(market_id, Request("refund", {}, f"refund:{market_id}:{seq}"))
    return len(slices)


def leftovers() -> list[int]:
    """Return the markets in whose log commands wait that nobody settled."""
    waiting = Command.objects.filter(
        batch_seq=None, market__live__halt_rule="", market__kind=Market.Kind.VARIABLE
    )
    return sorted(set(waiting.values_list("market_id", flat=True)))
