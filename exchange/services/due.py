"""What the calendar brings to a market: the providers' queue, a new slope, the settlement.

Each is a command of the house under a key that names the occasion, so that it happens once however
many clocks run. Nobody has to ask for any of them.
"""

from django.db.models import QuerySet

from exchange import clock
from exchange.engines import variable
from exchange.models import Command, LiveState, Market, RestingOrder
from exchange.selectors.configs import config_of
from exchange.services.batch import Request
from exchange.services.markets import RUNNING, settled

HOUR_S = 3_600


def settlements(now_s: int) -> int:
    """Settle the markets whose announced time has come; return how many were settled."""
    ready = _live(Market.Status.WINDING).filter(state__settle_at_s__lte=now_s)
    return sum(
        settled(live.market_id, Request("settle", {}, f"settle:{live.command_seq}"))
        for live in ready
    )


def queues(now_s: int) -> int:
    """Pay the heads of the providers' queues that are old enough, at most once an hour each."""
    rows = RestingOrder.objects.filter(
        status=RestingOrder.Status.OPEN,
        place="queue",
        market__live__halt_rule="",
        market__status__in=(*RUNNING, Market.Status.SETTLED),
    )
    waiting = rows.select_related("market").order_by("market_id", "ref").distinct("market_id")
    paid = 0
    for head in waiting:
        age_s = (clock.at(now_s) - head.placed_at).total_seconds()
        old_enough = age_s > config_of(head.market.config).queue_delay_s
        if old_enough or head.market.status == Market.Status.SETTLED:
            paid += _once(head.market_id, "process_queue", f"queue:{now_s // HOUR_S}", {})
    return paid


def recalibrations(now_s: int) -> int:
    """Give the markets that recalibrate themselves the day's slope, at the day's first turn."""
    changed = 0
    for live in _live(Market.Status.ACTIVE).filter(market__recalibrates=True):
        state = variable.MarketState.from_mapping(live.state)
        slope = variable.daily_slope(config_of(live.market.config), state)
        if slope != state.k_atto:
            occasion = f"slope:{clock.at(now_s).date()}"
            changed += _once(live.market_id, "recalibrate", occasion, {"k_atto": slope})
    return changed


def _live(status: Market.Status) -> QuerySet[LiveState]:
    rows = LiveState.objects.filter(market__status=status, halt_rule="")
    return rows.select_related("market")


def _once(market_id: int, kind: str, occasion: str, payload: dict[str, int]) -> bool:
    """Settle a command of the house unless the log has it under this occasion already."""
    key = f"{market_id}:{occasion}"
    if Command.objects.filter(market_id=market_id, user=None, key=key).exists():
        return False
    return settled(market_id, Request(kind, payload, key))
