"""Serper: a search engine's news or pages, by key and for money. Publication dates are kept."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from oracle.sources.base import Item, SourceDown
from oracle.sources.web import Line, Request, Texts, rows, text

ASKED_MAX = 50
LISTS = {"news": "news", "search": "organic"}
AGO = re.compile(r"(\d{1,4}) (minute|min|hour|day|week|month|year)s? ago")
SPANS = {
    "minute": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
DATES = ("%b %d, %Y", "%d %b %Y", "%Y-%m-%d")
RECENT = ((timedelta(hours=1), "qdr:h"), (timedelta(days=1), "qdr:d"), (timedelta(days=7), "qdr:w"))


class Serper(Texts):
    """One vertical of the search: `news`, or `search` for pages."""

    URL = "https://google.serper.dev"
    OPTIONS = frozenset({"vertical", "country", "lang"})

    def __init__(self, line: Line) -> None:
        """Refuse a vertical that it does not have."""
        super().__init__(line)
        self.vertical = self.option("vertical", "news")
        if self.vertical not in LISTS:
            raise SourceDown(f"the vertical is one of {', '.join(sorted(LISTS))}")

    def question(self, query: str, since: datetime, until: datetime, limit: int) -> Request:
        """Return a posted question; the key travels in a header, never in an address."""
        key = settings.ORACLE_KEYS.get("serper", "")
        if not key:
            raise SourceDown("there is no SERPER_API_KEY")
        span = until - since
        asked = {"q": query, "num": min(limit, ASKED_MAX), "hl": self.option("lang", "en")}
        asked |= {"gl": self.option("country")} if self.option("country") else {}
        recent = [word for most, word in RECENT if span <= most]
        asked |= {"tbs": recent[0] if recent else "qdr:m"}
        return Request(
            url=f"{self.url}/{self.vertical}",
            headers={"X-API-KEY": key, "Content-Type": "application/json"},
            body=json.dumps(asked, sort_keys=True).encode(),
        )

    def items(self, said: Any, until: datetime) -> Iterable[Item]:
        """Return the results that say when they were published."""
        name = LISTS[self.vertical]
        for row in rows({name: [], **said}, name):
            published_at = _when(text(row, "date"), until)
            if published_at is not None:
                yield Item(
                    title=text(row, "title"),
                    text=text(row, "snippet"),
                    url=text(row, "link"),
                    publisher=text(row, "source") or _site(text(row, "link")),
                    published_at=published_at,
                    lang=self.option("lang", "en"),
                )


def _when(words: str, until: datetime) -> datetime | None:
    """Return the instant behind "3 hours ago" or a day; a day means its beginning.

    Rounds:  down to the unit that was named, so that the same story keeps its date for a while.
    """
    ago = AGO.fullmatch(words.strip())
    if ago:
        moment = until - int(ago[1]) * SPANS[ago[2]]
        minute = moment.minute if ago[2] in {"minute", "min"} else 0
        return moment.replace(minute=minute, second=0, microsecond=0)
    for form in DATES:
        try:
            return datetime.strptime(words.strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _site(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
