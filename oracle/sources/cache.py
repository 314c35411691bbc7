"""The last answer to each request, kept in the database: all markets and workers share it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from exchange import clock
from oracle.models import CachedAnswer
from oracle.sources.base import Item

FRESH_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer from before, and what proves to the server that we have it."""

    items: list[Item]
    etag: str
    last_modified: str
    is_fresh: bool


def get(source_id: int, request: str) -> Kept | None:
    """Return what is kept for a request, if anything."""
    row = CachedAnswer.objects.filter(source_id=source_id, request_sha256=_key(request)).first()
    if row is None:
        return None
    fresh = row.fetched_at > clock.now() - timedelta(seconds=FRESH_S)
    items = [_item(kept) for kept in row.items]
    return Kept(items=items, etag=row.etag, last_modified=row.last_modified, is_fresh=fresh)


def put(source_id: int, request: str, items: list[Item], etag: str, last_modified: str) -> None:
    """Keep an answer in place of the one before."""
    CachedAnswer.objects.update_or_create(
        source_id=source_id,
        request_sha256=_key(request),
        defaults={
            "items": [_row(item) for item in items],
            "etag": etag,
            "last_modified": last_modified,
            "fetched_at": clock.now(),
        },
    )


def _key(request: str) -> bytes:
    return hashlib.sha256(request.encode()).digest()


def _row(item: Item) -> dict[str, Any]:
    return {
        "title": item.title,
        "text": item.text,
        "url": item.url,
        "publisher": item.publisher,
        "published_at": item.published_at.isoformat(),
        "lang": item.lang,
    }


def _item(row: dict[str, Any]) -> Item:
    return Item(**{**row, "published_at": datetime.fromisoformat(row["published_at"])})
