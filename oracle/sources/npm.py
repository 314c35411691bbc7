"""npm: how often a package was downloaded on each day."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from oracle.sources.base import SourceDown
from oracle.sources.daily import Daily, window
from oracle.sources.web import Request, path_part, rows

REACH = timedelta(days=540)


class Npm(Daily):
    """A series is a package's name, with its scope where it has one."""

    URL = "https://api.npmjs.org/downloads/range"
    UNIT = "downloads a day"

    def question(self, series: str, since: datetime, until: datetime) -> Request:
        """Return the question for the days of the window."""
        name = path_part(series, "-_.~@/")
        if name.count("/") != name.startswith("@") or "@" in name[1:]:
            raise SourceDown("a series here is a package's name")
        first, last = window(since, until, REACH)
        return Request(url=f"{self.url}/{first:%Y-%m-%d}:{last:%Y-%m-%d}/{name}")

    def counts(self, said: Any) -> Sequence[tuple[str, Any]]:
        """Return the days."""
        return [(row["day"], row["downloads"]) for row in rows(said, "downloads")]
