"""FRED: published economic numbers with every revision and the day it came out, by key."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from oracle.sources.base import Observed, SourceDown
from oracle.sources.web import Numbers, Request, path_part, pico, rows, text

# The first day that the service knows: with it each row says when its value really came out.
FIRST_DAY = "1776-07-04"
REVISED_WITHIN = timedelta(days=730)
MISSING = "."


class Fred(Numbers):
    """A series with its vintages. A value counts from the end of the day of its release.

    `release_s` names a time of that day instead, in seconds after midnight UTC.
    """

    URL = "https://api.stlouisfed.org/fred/series/observations"
    OPTIONS = frozenset({"unit", "release_s"})

    def question(self, series: str, since: datetime, until: datetime) -> Request:
        """Return the question for all vintages up to `until`."""
        key = settings.ORACLE_KEYS.get("fred", "")
        if not key:
            raise SourceDown("there is no FRED_API_KEY")
        asked = {
            "series_id": path_part(series, "_"),
            "file_type": "json",
            "realtime_start": FIRST_DAY,
            "realtime_end": until.astimezone(UTC).date().isoformat(),
            "observation_start": (since - REVISED_WITHIN).date().isoformat(),
        }
        return Request(url=f"{self.url}?{urlencode(asked)}", secret=f"&api_key={key}")

    def numbers(self, said: Any, series: str, until: datetime) -> Iterable[Observed]:
        """Return every value and revision; a value that was never taken is a point."""
        wait = timedelta(seconds=self.whole("release_s", 86_400))
        for row in rows(said, "observations"):
            if row["value"] != MISSING:
                observed_at = _day(row["date"])
                released_at = _day(row["realtime_start"]) + wait
                yield Observed(
                    value_pico=pico(text(row, "value")),
                    unit=self.option("unit"),
                    observed_at=observed_at,
                    released_at=max(observed_at, released_at),
                )


def _day(words: str) -> datetime:
    return datetime.strptime(words, "%Y-%m-%d").replace(tzinfo=UTC)
