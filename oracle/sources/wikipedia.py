"""Wikipedia: how often people, not machines, looked at an article on each day."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from oracle.sources.base import SourceDown
from oracle.sources.daily import Daily, window
from oracle.sources.web import Line, Request, path_part, rows

REACH = timedelta(days=1_000)
NAME_MAX = 255


class Wikipedia(Daily):
    """A series is an article's title; `project` says in which Wikipedia."""

    URL = "https://wikimedia.org/api/rest_v1/metrics/pageviews/per-article"
    OPTIONS = Daily.OPTIONS | {"project"}
    UNIT = "views a day"

    def __init__(self, line: Line) -> None:
        """Refuse a project that cannot be one."""
        super().__init__(line)
        self.project = path_part(self.option("project", "en.wikipedia"), "-.")

    def question(self, series: str, since: datetime, until: datetime) -> Request:
        """Return the question for the days of the window."""
        title = series.strip().replace(" ", "_")
        if not title or len(title) > NAME_MAX or set(title) <= {"."}:
            raise SourceDown(f"{series[:60]!r} cannot be an article")
        first, last = window(since, until, REACH)
        return Request(
            url=f"{self.url}/{self.project}/all-access/user/{quote(title, safe='')}"
            f"/daily/{first:%Y%m%d}/{last:%Y%m%d}"
        )

    def counts(self, said: Any) -> Sequence[tuple[str, Any]]:
        """Return the days."""
        return [(row["timestamp"][:8], row["views"]) for row in rows(said, "items")]
