"""Store what was read, once: normalised, hashed, and joined to the story it tells."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, transaction

from oracle.models import Cluster, Evidence, SpentEvidence
from oracle.services import stories, texts
from oracle.sources.base import Item

# Two markets that read the same story at once would make two stories of it.
ONE_WRITER = "SELECT pg_advisory_xact_lock(hashtext('oracle.evidence'))"
UNNAMED = "unnamed publisher"
SEPARATOR = b"\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An item after normalisation, with the two hashes it is known by."""

    title: str
    text: str
    url: str
    publisher: str
    lang: str
    published_at: datetime
    sha256: bytes
    content_sha256: bytes


def draft(item: Item) -> Draft | None:
    """Return the item as it would be stored; nothing is left of one that has no words.

    Units:   SHA-256 over the fields in a fixed order; the content hash over title and text.
    """
    title = texts.plain(item.title, texts.TITLE_MAX)
    text = texts.plain(item.text, texts.TEXT_MAX)
    if not title:
        title, text = text[: texts.TITLE_MAX], ""
    if not any(character.isalnum() for character in title):
        return None
    url = texts.canonical_url(item.url)
    publisher = texts.plain(item.publisher, texts.NAME_MAX) or texts.site(url) or UNNAMED
    content = _hash(title.casefold(), text.casefold())
    published_at = item.published_at.astimezone(UTC)
    return Draft(
        title=title,
        text=text,
        url=url,
        publisher=publisher,
        lang="".join(c for c in item.lang.lower() if c.isalnum() or c == "-")[:8],
        published_at=published_at,
        sha256=_hash(title, text, url, publisher, published_at.isoformat()),
        content_sha256=content,
    )


@transaction.atomic
def store(items: list[Item], *, until: datetime) -> list[Evidence]:
    """Store the items that are new and return the row of each, in the given order, each once.

    `until` is the moment they were asked for, and is stored as such. An item dated after it claims
    to come from the future, to stay new for ever: left out.

    Locks:   one writer of new evidence at a time, until the end of the transaction.
    Keeps:   one row per SHA-256; one head per story; rows are never changed.
    """
    drafts = {made.sha256: made for made in map(draft, items) if made}
    wanted = [made for made in drafts.values() if made.published_at <= until]
    rows = _known(wanted)
    if len(rows) < len(wanted):
        with connection.cursor() as cursor:
            cursor.execute(ONE_WRITER)
        # Another writer may have stored some of them while this one waited.
        rows = _known(wanted)
        for made in wanted:
            if made.sha256 not in rows:
                rows[made.sha256] = _row(made, until)
    return [rows[made.sha256] for made in wanted]


def spent_among(clusters: Collection[int], *, market_id: int) -> set[int]:
    """Return those of the stories that an accepted event of the market has used up."""
    if not clusters:
        return set()
    rows = SpentEvidence.objects.filter(market_id=market_id, cluster_id__in=clusters)
    return set(rows.values_list("cluster_id", flat=True))


def is_intact(evidence: Evidence) -> bool:
    """Return whether a stored text still has the hash it was stored under."""
    published = evidence.published_at.astimezone(UTC).isoformat()
    fields = (evidence.title, evidence.text, evidence.url, evidence.publisher, published)
    return _hash(*fields) == bytes(evidence.sha256)


def _known(wanted: list[Draft]) -> dict[bytes, Evidence]:
    stored = Evidence.objects.filter(sha256__in=[made.sha256 for made in wanted])
    return {bytes(row.sha256): row for row in stored}


def _row(made: Draft, fetched_at: datetime) -> Evidence:
    cluster = _same(made)
    is_head = cluster is None
    if cluster is None:
        sketch = stories.signature(made.title, made.text)
        text = f"{made.title} {made.text}"
        cluster = stories.nearest(sketch, text, made.published_at)
        is_head = cluster is None
        cluster = cluster or Cluster.objects.create(
            signature=sketch, bands=stories.bands(sketch), first_at=made.published_at
        )
    return Evidence.objects.create(
        cluster=cluster,
        is_head=is_head,
        sha256=made.sha256,
        content_sha256=made.content_sha256,
        url=made.url,
        publisher=made.publisher,
        title=made.title,
        text=made.text,
        lang=made.lang,
        published_at=made.published_at,
        fetched_at=fetched_at,
    )


def _same(made: Draft) -> Cluster | None:
    """Return the story of the same words, or of the same address, whenever it was."""
    rows = Evidence.objects.select_related("cluster").order_by("id")
    twin = rows.filter(content_sha256=made.content_sha256).first()
    if twin is None and made.url:
        twin = rows.filter(url=made.url).first()
    return twin.cluster if twin else None


def _hash(*fields: str) -> bytes:
    return hashlib.sha256(SEPARATOR.join(field.encode() for field in fields)).digest()
