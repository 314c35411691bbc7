"""The course of a session for a drawing: a bounded number of its ticks, however long it was."""

import json

from django.db import connection

from exchange.models import Session
from exchange.selectors.outcome.series import Point

# Batches are numbered without a gap, so that every n-th one is a fair sample; the last is there.
SAMPLE = """
    SELECT number, t_ms, prices, volume, risk_micro, profit_micro, status FROM (
        SELECT seq, number, t_ms, prices, risk_micro, profit_micro, status,
               sum(volume_micro) OVER (ORDER BY seq)::bigint AS volume
          FROM exchange_outcometick WHERE market_id = %(market)s) x
     WHERE seq %% %(step)s = 0 OR seq = %(last)s
     ORDER BY seq"""


def sampled(session: Session, most: int) -> list[Point]:
    """Return at most `most` points and the last one, evenly spread."""
    last = session.market.live.batch_seq
    wanted = {"market": session.market_id, "last": last, "step": max(1, -(-last // most))}
    with connection.cursor() as cursor:
        cursor.execute(SAMPLE, wanted)
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
