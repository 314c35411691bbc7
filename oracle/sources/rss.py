"""Any RSS or Atom feed. The feed is fetched, its links never are."""

import calendar
import io
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import feedparser

from exchange import clock
from oracle.sources import cache, feed_bounds
from oracle.sources.base import Item, Observed, SourceDown, Spend, mentions
from oracle.sources.http import Client

ITEMS_MAX = 200
TEXT_MAX = 20_000
STAMPS = ("published_parsed", "updated_parsed")


class Rss:
    """One feed behind the interface of every source; shared between markets through the cache."""

    searches = False

    def __init__(
        self,
        *,
        source_id: int,
        options: Mapping[str, Any],
        hosts: Collection[str],
        client: Client,
        spend: Spend,
    ) -> None:
        """Take the feed's `url` and optionally the `publisher` and `lang` to name it by."""
        self.url = str(options.get("url", ""))
        self.publisher = str(options.get("publisher", ""))
        self.lang = str(options.get("lang", ""))
        self._source_id, self._hosts = source_id, hosts
        self._client, self._spend = client, spend

    def fetch(self, query: str, since: datetime, until: datetime, limit: int) -> list[Item]:
        """Return the feed's entries that mention the query; entries without a date are left out."""
        found = [
            item
            for item in self._items()
            if since < item.published_at <= until and mentions(query, item.title, item.text)
        ]
        return sorted(found, key=lambda item: item.published_at, reverse=True)[:limit]

    def observe(self, series: str, since: datetime, until: datetime) -> list[Observed]:
        """Refuse: feeds carry text."""
        raise SourceDown(f"a feed has no series {series[:40]!r}")

    def _items(self) -> list[Item]:
        kept = cache.get(self._source_id, self.url)
        if kept and kept.is_fresh:
            return kept.items
        answer = self._client.get(
            self.url,
            hosts=self._hosts,
            etag=kept.etag if kept else "",
            last_modified=kept.last_modified if kept else "",
            spend=self._spend,
        )
        if answer.changed:
            items = self._parsed(answer.body)
        elif kept:
            items = kept.items
        else:
            raise SourceDown("the server says nothing changed, but we have nothing yet")
        cache.put(self._source_id, self.url, items, answer.etag, answer.last_modified)
        return items

    def _parsed(self, body: bytes) -> list[Item]:
        stream = io.BytesIO(feed_bounds.bounded(body))
        # A stream, never the bytes themselves: the library takes short text for a file or a URL.
        try:
            feed = feedparser.parse(stream, resolve_relative_uris=False, sanitize_html=False)
        except Exception as error:
            # A parser meets whatever the world sends; what breaks it is no feed for us.
            raise SourceDown(f"the feed broke its parser: {type(error).__name__}") from error
        if not feed.get("version"):
            raise SourceDown("what came is not a feed")
        name = self.publisher or _text(feed.feed, "title")
        items = [self._item(entry, name) for entry in feed.entries[:ITEMS_MAX]]
        return [item for item in items if item is not None]

    def _item(self, entry: Any, name: str) -> Item | None:
        stamps = (entry[name] for name in STAMPS if name in entry)
        stamp = next(filter(None, stamps), None)
        if stamp is None:
            return None
        try:
            published_at = clock.at(calendar.timegm(stamp))
        except (OverflowError, ValueError, OSError):
            return None
        return Item(
            title=_text(entry, "title"),
            text=_text(entry, "summary"),
            url=_text(entry, "link"),
            publisher=_text(entry.get("source") or {}, "title") or name,
            published_at=published_at,
            lang=self.lang,
        )


def _text(entry: Any, name: str) -> str:
    return str(entry.get(name) or "")[:TEXT_MAX]
