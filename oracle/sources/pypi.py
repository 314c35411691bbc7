"""PyPI: how often a package was downloaded on each of the last 180 days, mirrors left out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from oracle.sources.daily import Daily
from oracle.sources.web import Request, path_part, rows


class PyPI(Daily):
    """A series is a package's name."""

    URL = "https://pypistats.org/api/packages"
    UNIT = "downloads a day"

    def question(self, series: str, since: datetime, until: datetime) -> Request:
        """Return the question; it has no window of its own."""
        name = path_part(series, "-_.").lower()
        return Request(url=f"{self.url}/{name}/overall?mirrors=false")

    def counts(self, said: Any) -> Sequence[tuple[str, Any]]:
        """Return the days without mirrors."""
        return [
            (row["date"], row["downloads"])
            for row in rows(said, "data")
            if row["category"] == "without_mirrors"
        ]
