"""GitHub: how many commits a repository got in each week of the last year."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from exchange import clock
from oracle.sources.base import Observed, SourceDown
from oracle.sources.web import Numbers, Request, path_part, pico, rows

WEEK = timedelta(days=7)
PARTS = 2


class GitHub(Numbers):
    """A series is `owner/name`. A week counts once it is over."""

    URL = "https://api.github.com"

    def question(self, series: str, since: datetime, until: datetime) -> Request:
        """Return the question, with a token where there is one: it may ask more often."""
        if len(path_part(series, "-_./").split("/")) != PARTS:
            raise SourceDown("a series here is owner/name")
        token = settings.ORACLE_KEYS.get("github", "")
        return Request(
            url=f"{self.url}/repos/{series}/stats/commit_activity",
            headers={
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                **({"Authorization": f"Bearer {token}"} if token else {}),
            },
        )

    def numbers(self, said: Any, series: str, until: datetime) -> Iterable[Observed]:
        """Return the whole weeks."""
        for row in rows(said):
            over_at = clock.at(int(row["week"])) + WEEK
            if over_at <= until:
                yield Observed(
                    value_pico=pico(row["total"]),
                    unit="commits a week",
                    observed_at=over_at,
                    released_at=over_at,
                )
