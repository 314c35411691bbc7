"""Store what was read, once: normalised, hashed, and joined to the story it tells."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, transaction
from django.db.models import Q

from oracle.models import Cluster, Evidence, SpentEvidence
from oracle.services import stories, texts
from oracle.sources.base import Item

# Two markets that read the same story at once would make two stories of it.
ONE_WRITER = "SELECT pg_advisory_xact_lock(hashtext('oracle.evidence'))"
UNNAMED = "unnamed publisher"
AT_ONCE = 50
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


Known = Mapping[bytes, Evidence]
Told = Draft | Evidence


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


def drafts_of(items: Iterable[Item], *, until: datetime) -> list[Draft]:
    """Return the items as they would be stored, in the given order, each once.

    `until` is the moment they were asked for. An item dated after it claims to come from the
    future, to stay new for ever: left out.
    """
    drafts = {made.sha256: made for made in map(draft, items) if made}
    return [made for made in drafts.values() if made.published_at <= until]


def known(wanted: Iterable[Draft]) -> Known:
    """Return the rows of those that are stored, by SHA-256."""
    stored = Evidence.objects.filter(sha256__in=[made.sha256 for made in wanted])
    return {bytes(row.sha256): row for row in stored}


@transaction.atomic
def store(items: Iterable[Item], *, until: datetime) -> list[Evidence]:
    """Store the items that are new and return the row of each, in the given order, each once.

    Locks:   one writer of new evidence at a time, until the end of the transaction.
    """
    wanted = drafts_of(items, until=until)
    return store_drafts(wanted, known(wanted), until=until)


def store_drafts(wanted: Sequence[Draft], before: Known, *, until: datetime) -> list[Evidence]:
    """Store what is not among those known `before`, within the caller's transaction.

    Locks:   one writer of new evidence at a time, until the end of the transaction.
    Keeps:   one row per SHA-256; one head per story; rows are never changed.
    """
    rows = dict(before)
    if any(made.sha256 not in rows for made in wanted):
        with connection.cursor() as cursor:
            cursor.execute(ONE_WRITER)
        # Another writer may have stored some of them while this one waited.
        rows |= known(made for made in wanted if made.sha256 not in rows)
        fresh = [made for made in wanted if made.sha256 not in rows]
        for first in range(0, len(fresh), AT_ONCE):
            made = _add(fresh[first : first + AT_ONCE], until)
            rows |= {bytes(row.sha256): row for row in made}
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


def _add(fresh: Sequence[Draft], fetched_at: datetime) -> list[Evidence]:
    """Store items as if one after another: each may retell what stands before it."""
    twins = _Twins(fresh)
    sketches = {
        made.sha256: stories.signature(made.title, made.text)
        for made in fresh
        if twins.of(made) is None
    }
    keys = {sha: stories.bands(sketch) for sha, sketch in sketches.items()}
    tales = stories.candidates(
        [(keys[made.sha256], made.published_at) for made in fresh if made.sha256 in keys]
    )
    rows, begun = [], []
    for made in fresh:
        cluster, text = twins.of(made), f"{made.title} {made.text}"
        if cluster is None:
            sketch = sketches[made.sha256]
            told = (one for one in tales if one.retold_by(sketch, text, made.published_at))
            cluster = next((one.cluster for one in told), None)
        is_head = cluster is None
        if cluster is None:
            cluster = Cluster(
                signature=sketches[made.sha256],
                bands=keys[made.sha256],
                first_at=made.published_at,
            )
            begun.append(cluster)
            tales.append(stories.Tale(cluster=cluster, words=text))
        twins.add(made, cluster)
        rows.append((made, cluster, is_head))
    Cluster.objects.bulk_create(begun)
    return Evidence.objects.bulk_create(
        [_row(made, cluster, fetched_at, is_head=is_head) for made, cluster, is_head in rows]
    )


class _Twins:
    """The story of the same words, else of the same address, whenever it was."""

    def __init__(self, fresh: Sequence[Draft]) -> None:
        same = Q(content_sha256__in=[made.content_sha256 for made in fresh])
        urls = [made.url for made in fresh if made.url]
        stored = (
            Evidence.objects.filter(same | Q(url__in=urls))
            if urls
            else (Evidence.objects.filter(same))
        )
        self._contents: dict[bytes, Cluster] = {}
        self._urls: dict[str, Cluster] = {}
        for row in stored.select_related("cluster").order_by("id"):
            self._note(bytes(row.content_sha256), row.url, row.cluster)

    def of(self, made: Draft) -> Cluster | None:
        """Return the story of an item's twin, if it has one by now."""
        return self._contents.get(made.content_sha256) or self._urls.get(made.url)

    def add(self, made: Draft, cluster: Cluster) -> None:
        """Let an item be a twin of those that follow."""
        self._note(made.content_sha256, made.url, cluster)

    def _note(self, content: bytes, url: str, cluster: Cluster) -> None:
        self._contents.setdefault(content, cluster)
        if url:
            self._urls.setdefault(url, cluster)


def _row(made: Draft, cluster: Cluster, fetched_at: datetime, *, is_head: bool) -> Evidence:
    return Evidence(
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


def _hash(*fields: str) -> bytes:
    return hashlib.sha256(SEPARATOR.join(field.encode() for field in fields)).digest()
