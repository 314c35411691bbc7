"""GDELT DOC 2.0: the world's news by full text over the last three months, without a key."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from oracle.sources.base import Item
from oracle.sources.web import Request, Texts, rows, text

ASKED_MAX = 250
ASKED, SEEN = "%Y%m%d%H%M%S", "%Y%m%dT%H%M%SZ"


class Gdelt(Texts):
    """A list of articles: headlines and links, dated by when GDELT first saw them."""

    URL = "https://api.gdeltproject.org/api/v2/doc/doc"
    OPTIONS = frozenset({"language", "country"})

    def question(self, query: str, since: datetime, until: datetime, limit: int) -> Request:
        """Return the question with its window; language and country are words of the query."""
        words = [query]
        words += [f"sourcelang:{self.option('language')}"] if self.option("language") else []
        words += [f"sourcecountry:{self.option('country')}"] if self.option("country") else []
        asked = {
            "query": " ".join(words),
            "mode": "artlist",
            "format": "json",
            "sort": "datedesc",
            "maxrecords": min(limit, ASKED_MAX),
            "startdatetime": since.astimezone(UTC).strftime(ASKED),
            "enddatetime": until.astimezone(UTC).strftime(ASKED),
        }
        return Request(url=f"{self.url}?{urlencode(asked)}")

    def items(self, said: Any, until: datetime) -> Iterable[Item]:
        """Return the articles; an answer without any is an empty mapping."""
        found = rows(said, "articles") if said != {} else []
        for row in found:
            yield Item(
                title=text(row, "title"),
                text="",
                url=text(row, "url"),
                publisher=text(row, "domain"),
                published_at=datetime.strptime(row["seendate"], SEEN).replace(tzinfo=UTC),
                lang=_code(text(row, "language")),
            )


def _code(language: str) -> str:
    return {"english": "en", "german": "de", "french": "fr", "spanish": "es"}.get(
        language.lower(), ""
    )
