"""The course of a session for a drawing: a bounded number of its ticks, however long it was."""

import json
from dataclasses import dataclass

from django.db import connection

from exchange.models import Session

# Batches are numbered without a gap, so that every n-th one is a fair sample. Each is found by its
# number, and knows the volume up to it: what lies between is not read. (The limit keeps the
# planner from reading a whole market and throwing most of it away.)
SAMPLE = """
    SELECT t.* FROM unnest(%(wanted)s::bigint[]) AS w (seq),
           LATERAL (SELECT number, t_ms, prices, volume_sum_micro, risk_micro, profit_micro, status
                      FROM exchange_outcometick
                     WHERE market_id = %(market)s AND seq = w.seq LIMIT 1) AS t
     ORDER BY w.seq"""


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


def sampled(session: Session, most: int) -> list[Point]:
    """Return at most `most` points, evenly spread over the batches; the last one is among them."""
    assert most > 0
    last = session.market.live.batch_seq
    step = max(1, -(-last // most))
    wanted = [*range(step, last, step), last]
    with connection.cursor() as cursor:
        cursor.execute(SAMPLE, {"market": session.market_id, "wanted": wanted})
        rows = cursor.fetchall()
    return [
        Point(
            number=number,
            t_ms=t_ms,
            prices=json.loads(prices) if isinstance(prices, str) else prices,
            volume_micro=volume,
            risk_micro=risk,
            profit_micro=profit,
            status=status,
        )
        for number, t_ms, prices, volume, risk, profit, status in rows
    ]
