"""How much somebody can ask for: the largest size that their money, or their tokens, allow now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exchange.engines import outcome
from exchange.engines.engine import Rejected
from exchange.models import Participant, Session
from exchange.selectors.outcome import quotes

PERCENT = 100
# An estimate is acted upon for so long; where parameters move, the size must go through until then.
HOLDS_MS = 10_000
MOVING = ("mu", "nu", "kappa", "zeta")


@dataclass(frozen=True, slots=True)
class Largest:
    """A size in whole lots, zero where not even one lot goes.

    `stopped_by` is the code of what refuses one lot more; empty where the money or the tokens that
    were asked for are used up.
    """

    size_micro: int
    stopped_by: str = ""


def largest(
    session: Session, participant: Participant, order: Mapping[str, Any], percent: int
) -> Largest:
    """Return the largest size of an order within `percent` of what somebody has free.

    Of a sell that is a share of their free tokens. Of a buy it is the most that all of it (tokens,
    what is set aside, fees, gas) costs within a share of their free money and that nothing refuses:
    one lot more would be refused, or cost more than that share.

    `order` says what `quotes.preview` takes; its size is not looked at.
    """
    table = quotes.table(session, participant)
    trader = table.trader
    if order["side"] == outcome.SELL:
        free = trader.held_micro[outcome.token_of(order["outcome"], order["token"])]
        return Largest(free * percent // PERCENT // outcome.LOT * outcome.LOT)
    budget = trader.cash_micro * percent // PERCENT
    return _search(table, order, budget)


def _search(table: quotes.Table, order: Mapping[str, Any], budget_micro: int) -> Largest:
    """Double the size until it no longer goes, then halve the gap down to one lot."""
    moments = _moments(table)
    low, high = 0, max(1, budget_micro // outcome.LOT)
    while (stopped := _stop(table, order, high, budget_micro, moments)) is None:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        found = _stop(table, order, middle, budget_micro, moments)
        if found is None:
            low = middle
        else:
            high, stopped = middle, found
    return Largest(low * outcome.LOT, stopped)


def _stop(
    table: quotes.Table,
    order: Mapping[str, Any],
    lots: int,
    budget_micro: int,
    moments: tuple[int, ...],
) -> str | None:
    """Return None where so many lots go, else what is in the way; empty: they cost too much."""
    for now_ms in moments:
        result, after = table.tried({**order, "size_micro": lots * outcome.LOT}, now_ms)
        if isinstance(result, Rejected):
            return "" if result.code == "insufficient_funds" else result.code
        if table.trader.cash_micro - after.cash_micro > budget_micro:
            return ""
    return None


def _moments(table: quotes.Table) -> tuple[int, ...]:
    """Return the times at which the size must go: now, and later where parameters move."""
    config = table.config
    moves = any(
        getattr(config, f"{name}_start_e9") != getattr(config, f"{name}_end_e9") for name in MOVING
    )
    return (table.now_ms, table.now_ms + HOLDS_MS) if moves else (table.now_ms,)
