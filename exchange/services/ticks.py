"""Keep the tick table's daily partitions: made ahead of time, dropped when they are old."""

import re
from datetime import datetime, timedelta

from django.db import connection

from exchange import clock

DAYS_AHEAD = 7
DAYS_KEPT = 30
NAME = re.compile(r"^exchange_tick_(\d{8})$")

PARTITIONS = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      JOIN pg_class p ON p.oid = i.inhparent WHERE p.relname = 'exchange_tick'"""


def partitions() -> list[str]:
    """Return the names of the daily partitions that exist."""
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS)
        return sorted(row[0] for row in cursor.fetchall() if NAME.match(row[0]))


def maintain(days_kept: int = DAYS_KEPT) -> tuple[list[str], list[str]]:
    """Make the partitions of the coming week, drop those past keeping; return both lists."""
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    have = set(partitions())
    made = []
    for day in (today + timedelta(days=n) for n in range(DAYS_AHEAD + 1)):
        name = f"exchange_tick_{day:%Y%m%d}"
        if name not in have and not _default_holds(day):
            _make(name, day)
            made.append(name)
    oldest = f"exchange_tick_{today - timedelta(days=days_kept):%Y%m%d}"
    dropped = [name for name in have if name < oldest]
    with connection.cursor() as cursor:
        for name in dropped:
            cursor.execute(f"DROP TABLE {name}")
    return made, dropped


def _make(name: str, day: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF exchange_tick "
            f"FOR VALUES FROM ('{day:%Y-%m-%d}+00') TO ('{day + timedelta(days=1):%Y-%m-%d}+00')"
        )


def _default_holds(day: datetime) -> bool:
    """A day whose ticks are in the default partition keeps them there: splitting needs a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM exchange_tick_default WHERE at >= %s AND at < %s)",
            [day, day + timedelta(days=1)],
        )
        row = cursor.fetchone()
    return bool(row and row[0])
