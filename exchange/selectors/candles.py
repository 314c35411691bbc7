"""Candles for charts, as JSON made by Postgres: minutes as stored, hours and days rolled up."""

import json
from typing import Any

from django.db import connection

from exchange import clock
from exchange.errors import Malformed

INTERVALS = {"1m": 60, "1h": 3_600, "1d": 86_400}
RANGES = {"1h": 3_600, "1d": 86_400, "1w": 604_800, "1mo": 2_592_000, "all": 10**9}
CANDLES_MAX = 3_000

# The open hour and day are read from minutes, because the roll-up runs behind.
SERIES = """
    SELECT coalesce(json_agg(json_build_array(bucket_s, trim_scale(open_pico / 1e12),
               trim_scale(high_pico / 1e12), trim_scale(low_pico / 1e12),
               trim_scale(close_pico / 1e12), trim_scale(market_pico / 1e12),
               trim_scale(fundamental_pico / 1e12), volume_micro, trades)
           ORDER BY bucket_s), '[]')::text
      FROM (SELECT * FROM exchange_candle
             WHERE market_id = %s AND interval_s = %s AND bucket_s >= %s AND bucket_s <= %s
             ORDER BY bucket_s DESC LIMIT %s) AS newest"""

ROLL_UP = """
    INSERT INTO exchange_candle AS c (market_id, interval_s, bucket_s, open_pico, high_pico,
        low_pico, close_pico, market_pico, fundamental_pico, volume_micro, trades)
    SELECT market_id, %(into)s, bucket_s / %(into)s * %(into)s,
           (array_agg(open_pico ORDER BY bucket_s))[1], max(high_pico), min(low_pico),
           (array_agg(close_pico ORDER BY bucket_s DESC))[1],
           (array_agg(market_pico ORDER BY bucket_s DESC))[1],
           (array_agg(fundamental_pico ORDER BY bucket_s DESC))[1],
           sum(volume_micro), sum(trades)
      FROM exchange_candle
     WHERE interval_s = %(source)s AND bucket_s >= %(since)s
     GROUP BY market_id, bucket_s / %(into)s
    ON CONFLICT (market_id, interval_s, bucket_s) DO UPDATE
       SET open_pico = excluded.open_pico, high_pico = excluded.high_pico,
           low_pico = excluded.low_pico, close_pico = excluded.close_pico,
           market_pico = excluded.market_pico, fundamental_pico = excluded.fundamental_pico,
           volume_micro = excluded.volume_micro, trades = excluded.trades"""


def series_json(market_id: int, interval: str, since_s: int, until_s: int | None = None) -> str:
    """Return [[bucket_s, open, high, low, close, M, F, volume_micro, trades], …] as JSON text.

    Units:   prices in USDC with as many decimals as they have.
    Raises:  Malformed for an interval that is not kept.
    """
    if interval not in INTERVALS:
        raise Malformed(
            f"interval {interval[:20]!r} is not one of {', '.join(INTERVALS)}",
            fields={"interval": interval[:20], "allowed": list(INTERVALS)},
        )
    until = clock.now_s() if until_s is None else until_s
    with connection.cursor() as cursor:
        cursor.execute(SERIES, [market_id, INTERVALS[interval], since_s, until, CANDLES_MAX])
        row = cursor.fetchone()
    assert row is not None
    return str(row[0])


def series(market_id: int, interval: str, since_s: int, until_s: int | None = None) -> list[Any]:
    """Return the same as values, for pages that print a table."""
    rows: list[Any] = json.loads(series_json(market_id, interval, since_s, until_s))
    return rows


def roll_up(now_s: int) -> None:
    """Recompute the running and the previous hour and day from smaller candles."""
    with connection.cursor() as cursor:
        hour = now_s // 3_600 * 3_600 - 3_600
        cursor.execute(ROLL_UP, {"into": 3_600, "source": 60, "since": hour})
        day = now_s // 86_400 * 86_400 - 86_400
        cursor.execute(ROLL_UP, {"into": 86_400, "source": 3_600, "since": day})
