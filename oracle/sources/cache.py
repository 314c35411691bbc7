"""The last answer to each request, kept in the database: all markets and workers share it."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from exchange import clock
from oracle.models import CachedAnswer
from oracle.sources.base import Item, Observed

FRESH_S = 60
# A question with a moving window is never asked again once its window has moved on.
FORGOTTEN = timedelta(days=2)

Found = Item | Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer from before, and what proves to the server that we have it."""

    found: list[Found]
    etag: str
    last_modified: str
    is_fresh: bool

    @property
    def items(self) -> list[Item]:
        """The texts among what was found."""
        return [one for one in self.found if isinstance(one, Item)]


def get(source_id: int, request: str) -> Kept | None:
    """Return what is kept for a request, if anything."""
    row = CachedAnswer.objects.filter(source_id=source_id, request_sha256=_key(request)).first()
    if row is None:
        return None
    fresh = row.fetched_at > clock.now() - timedelta(seconds=FRESH_S)
    found = [_found(kept) for kept in row.items]
    return Kept(found=found, etag=row.etag, last_modified=row.last_modified, is_fresh=fresh)


def put(
    source_id: int, request: str, found: Sequence[Found], etag: str, last_modified: str
) -> None:
    """Keep an answer in place of the one before, and forget what nobody asks any more."""
    CachedAnswer.objects.update_or_create(
        source_id=source_id,
        request_sha256=_key(request),
        defaults={
            "items": [_row(one) for one in found],
            "etag": etag,
            "last_modified": last_modified,
            "fetched_at": clock.now(),
        },
    )
    old = CachedAnswer.objects.filter(source_id=source_id, fetched_at__lt=clock.now() - FORGOTTEN)
    old.delete()


def _key(request: str) -> bytes:
    return hashlib.sha256(request.encode()).digest()


def _row(one: Found) -> dict[str, Any]:
    return {name: _storable(value) for name, value in asdict(one).items()}


def _storable(value: Any) -> Any:
    """Return a value as JSON in the database can hold it: no NUL, no half of a surrogate pair."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return value.replace("\0", "").encode(errors="ignore").decode()
    return value


def _found(row: dict[str, Any]) -> Found:
    moments = {
        name: datetime.fromisoformat(text) for name, text in row.items() if name.endswith("_at")
    }
    return Observed(**{**row, **moments}) if "value_pico" in row else Item(**{**row, **moments})
