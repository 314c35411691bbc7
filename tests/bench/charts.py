"""C1: a day's chart of one-minute candles against one made from raw ticks when it is asked for."""

import time
from dataclasses import dataclass
from random import Random

from exchange.selectors import candles
from tests.bench.figures import Measure, Rounds, percentile, say
from tests.bench.place import refresh_statistics, rows

DAY_S, MINUTE_S = 86_400, 60
# Midnight of a day long past, so that no partition of the site's own is there.
START_S = 1_600_041_600
TICKS_A_DAY = 10_000

MAKE_PARTITION = """
    CREATE TABLE exchange_tick_bench{day} PARTITION OF exchange_tick
       FOR VALUES FROM (to_timestamp({start_s})) TO (to_timestamp({start_s} + 86400))"""
# A price that wanders in whole pico; rows come in the order of time, as they do in life.
INSERT_TICKS = """
    INSERT INTO exchange_tick (market_id, seq, at, market_pico, fundamental_pico, display_pico,
        weight_e8, volume_micro, supply_nano, close_out_pico, pool_micro, equity_micro,
        free_capital_micro, clamped, market_trades_pico, market_oracle_pico,
        market_recentring_pico, display_trades_pico, display_oracle_pico,
        display_recentring_pico, display_window_pico, state_hash)
    SELECT m, %(first)s + n, to_timestamp(%(start_s)s + n * 86400.0 / %(ticks)s), price,
           price + 10000000000, price + 5000000000, 50000000, 1000000000 + n, 1000000000000 + n,
           price + 20000000000, 10000000000 + n, 9000000000 + n, 8000000000 + n, false,
           n, 0, 0, n, 0, 0, 0, decode(md5(n::text) || md5(m::text), 'hex')
      FROM generate_series(1, %(markets)s) m, generate_series(0, %(ticks)s - 1) n,
           LATERAL (SELECT (10 + sin(n / 900.0 + m) + sin(n / 47.0) / 10)::numeric(20, 12)
                           * 1000000000000 AS price) p
     ORDER BY n, m"""
INSERT_CANDLES = """
    INSERT INTO exchange_candle (market_id, interval_s, bucket_s, open_pico, high_pico, low_pico,
        close_pico, market_pico, fundamental_pico, volume_micro, trades)
    SELECT market_id, 60, bucket, shown[1], high, low, shown[count], market[count],
           fundamental[count], volume, count
      FROM (SELECT market_id, extract(epoch FROM at)::bigint / 60 * 60 AS bucket, count(*),
                   array_agg(display_pico ORDER BY at, seq) AS shown, max(display_pico) AS high,
                   min(display_pico) AS low, array_agg(market_pico ORDER BY at, seq) AS market,
                   array_agg(fundamental_pico ORDER BY at, seq) AS fundamental,
                   max(volume_micro) AS volume
              FROM exchange_tick
             WHERE at >= to_timestamp(%(start_s)s) AND at < to_timestamp(%(start_s)s + 86400)
             GROUP BY 1, 2) minutes
     ORDER BY bucket, market_id"""
# The same answer from ticks. The arrays share the order of the index, so nothing is sorted.
FROM_TICKS = """
    SELECT coalesce(json_agg(json_build_array(bucket, trim_scale(shown[1] / 1e12),
               trim_scale(high / 1e12), trim_scale(low / 1e12), trim_scale(shown[count] / 1e12),
               trim_scale(market[count] / 1e12), trim_scale(fundamental[count] / 1e12), volume,
               count) ORDER BY bucket), '[]')::text
      FROM (SELECT extract(epoch FROM at)::bigint / 60 * 60 AS bucket, count(*),
                   array_agg(display_pico ORDER BY at, seq) AS shown, max(display_pico) AS high,
                   min(display_pico) AS low, array_agg(market_pico ORDER BY at, seq) AS market,
                   array_agg(fundamental_pico ORDER BY at, seq) AS fundamental,
                   max(volume_micro) AS volume
              FROM exchange_tick
             WHERE market_id = %s AND at >= to_timestamp(%s) AND at < to_timestamp(%s)
             GROUP BY 1) minutes"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is measured."""

    rounds: int
    markets: int
    days: int
    charts: int


PACES = {
    "tiny": Pace(rounds=3, markets=2, days=1, charts=2),
    "quick": Pace(rounds=3, markets=50, days=1, charts=20),
    "full": Pace(rounds=5, markets=100, days=10, charts=100),
}


def measure(size: str, store: str) -> list[Measure]:
    """Return the time of a day's chart, the two ways of making it taking turns."""
    del store
    pace, found = PACES[size], Rounds()
    rows("SET statement_timeout = 0")
    for day in range(pace.days):
        say(f"charts: ticks and candles of day {day + 1} of {pace.days}")
        _make_day(pace, day)
    refresh_statistics()
    for number in range(pace.rounds):
        say(f"charts: round {number + 1} of {pace.rounds}")
        _round(pace, found, number)
    ticks = pace.markets * pace.days * TICKS_A_DAY
    of = f"day of one-minute candles over {ticks:,} ticks"
    return [
        found.measure("C1", f"{of}, p50", "candles p50", "ms", "ticks p50"),
        found.measure("C1", f"{of}, p99", "candles p99", "ms", "ticks p99"),
    ]


def _make_day(pace: Pace, day: int) -> None:
    start_s = START_S + day * DAY_S
    rows(MAKE_PARTITION.format(day=day, start_s=start_s))
    numbers = {
        "first": day * TICKS_A_DAY,
        "start_s": start_s,
        "ticks": TICKS_A_DAY,
        "markets": pace.markets,
    }
    rows(INSERT_TICKS, **numbers)
    rows(INSERT_CANDLES, **numbers)


def _round(pace: Pace, found: Rounds, number: int) -> None:
    random = Random(number)
    took: dict[str, list[float]] = {"candles": [], "ticks": []}
    for _ in range(pace.charts):
        market_id = random.randint(1, pace.markets)
        since_s = START_S + random.randrange(pace.days) * DAY_S
        until_s = since_s + DAY_S
        began = time.perf_counter()
        kept = candles.series_json(market_id, "1m", since_s, until_s - MINUTE_S)
        took["candles"].append((time.perf_counter() - began) * 1e3)
        began = time.perf_counter()
        ((made,),) = rows(FROM_TICKS, market_id, since_s, until_s)
        took["ticks"].append((time.perf_counter() - began) * 1e3)
        # only the trim of trailing zeros may differ, and it does not
        assert kept == made, (kept[:200], made[:200])
    for name, times in took.items():
        found.add(f"{name} p50", percentile(times, 0.50))
        found.add(f"{name} p99", percentile(times, 0.99))
