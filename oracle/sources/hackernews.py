"""Hacker News search: what a technical public talks about, without a key."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from exchange import clock
from oracle.sources.base import Item
from oracle.sources.web import Request, Texts, rows, text

ASKED_MAX = 100
PUBLISHER = "Hacker News"


class HackerNews(Texts):
    """Stories by date. A story's own link is shown and never followed."""

    URL = "https://hn.algolia.com/api/v1/search_by_date"

    def question(self, query: str, since: datetime, until: datetime, limit: int) -> Request:
        """Return the question with its window in seconds since the epoch."""
        first, last = int(since.timestamp()), int(until.timestamp())
        asked = {
            "query": query,
            "tags": "story",
            "numericFilters": f"created_at_i>{first},created_at_i<={last}",
            "hitsPerPage": min(limit, ASKED_MAX),
        }
        return Request(url=f"{self.url}?{urlencode(asked)}")

    def items(self, said: Any, until: datetime) -> Iterable[Item]:
        """Return the stories."""
        for row in rows(said, "hits"):
            yield Item(
                title=text(row, "title"),
                text=text(row, "story_text"),
                url=text(row, "url"),
                publisher=PUBLISHER,
                published_at=clock.at(int(row["created_at_i"])),
                lang="en",
            )
