"""Tell copies of one story from news: a MinHash per text, and an index that finds near ones."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from oracle.analysts.finance_words import pairs
from oracle.models import Cluster
from oracle.sources.base import words

PERMUTATIONS = 128
SEED = 1
BANDS, ROWS = 32, 4
SHINGLE = 2
SIMILAR_PERCENT = 55
WINDOW = timedelta(days=14)
CANDIDATES_MAX = 200
# One statement for all texts: Django's union of so many takes longer to spell than to answer.
NEAR_ROW = "(%s::bigint[], %s::timestamptz, %s::timestamptz)"
NEAR = """
SELECT DISTINCT near.id, near.signature, near.first_at
FROM (VALUES {rows}) AS asked (keys, since, until)
CROSS JOIN LATERAL (
    SELECT id, signature, first_at FROM oracle_cluster
    WHERE bands && asked.keys AND first_at BETWEEN asked.since AND asked.until
    ORDER BY id LIMIT %s
) AS near
"""
MOVES = {word: sign for pair in pairs() for word, sign in zip(pair, (1, -1), strict=True)}
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def signature(title: str, text: str) -> bytes:
    """Return the MinHash of a text's pairs of words: 128 values of 32 bits, big-endian.

    Keeps:   the same text gives the same bytes on every machine; the seed is part of the rules.
    """
    tokens = words(f"{title} {text}")
    shingles = {" ".join(tokens[n : n + SHINGLE]) for n in range(max(1, len(tokens) - SHINGLE + 1))}
    sketch = _library().MinHash(num_perm=PERMUTATIONS, seed=SEED)
    sketch.update_batch([shingle.encode() for shingle in sorted(shingles)])
    return b"".join(int(value).to_bytes(4) for value in sketch.hashvalues)


def bands(sketch: bytes) -> list[int]:
    """Return hashes of runs of a signature; texts half alike share one with near certainty."""
    size = 4 * ROWS
    runs = [sketch[n * size : (n + 1) * size] for n in range(BANDS)]
    digests = [hashlib.sha256(bytes([n]) + run).digest()[:8] for n, run in enumerate(runs)]
    return [int.from_bytes(digest, signed=True) for digest in digests]


def similarity_percent(a: bytes, b: bytes) -> int:
    """Return the estimated share of pairs of words that two texts have in common. Rounds down."""
    same = sum(a[n : n + 4] == b[n : n + 4] for n in range(0, 4 * PERMUTATIONS, 4))
    return 100 * same // PERMUTATIONS


def agree(a: str, b: str) -> bool:
    """Return whether two texts that are alike can be one story told twice.

    Alike word by word, and still news: another number, or the other direction.
    """
    return numbers_agree(a, b) and _direction(a) * _direction(b) >= 0


def _direction(text: str) -> int:
    """Return by how many words more goes up than down."""
    return sum(MOVES.get(word, 0) for word in words(text))


def numbers_agree(a: str, b: str) -> bool:
    """Return whether one text's numbers are all in the other: a copy may be cut, never recounted.

    "Inflation falls to 2.3 %" follows "Inflation falls to 2.4 %" word by word and is news.
    """
    first, second = set(NUMBER.findall(a)), set(NUMBER.findall(b))
    return first <= second or second <= first


@dataclass(frozen=True, slots=True, kw_only=True)
class Tale:
    """A story that is known already: its signature, when it began, and its head's words."""

    cluster: Cluster
    words: str

    def retold_by(self, sketch: bytes, text: str, published_at: datetime) -> bool:
        """Return whether a text of these weeks tells this story again."""
        return (
            abs(self.cluster.first_at - published_at) <= WINDOW
            and similarity_percent(sketch, bytes(self.cluster.signature)) >= SIMILAR_PERCENT
            and agree(text, self.words)
        )


def candidates(asked: Sequence[tuple[Sequence[int], datetime]]) -> list[Tale]:
    """Return the stored stories that texts with these bands and dates may retell, oldest first.

    Each text brings up to CANDIDATES_MAX; all of them are looked up in two questions.
    """
    if not asked:
        return []
    rows = ", ".join([NEAR_ROW] * len(asked))
    values = [value for keys, at in asked for value in (list(keys), at - WINDOW, at + WINDOW)]
    found = Cluster.objects.raw(NEAR.format(rows=rows), [*values, CANDIDATES_MAX])
    near = {one.pk: one for one in found}
    heads = _heads(list(near))
    return [Tale(cluster=near[pk], words=heads.get(pk, "")) for pk in sorted(near)]


def _heads(ids: Sequence[int]) -> dict[int, str]:
    rows = Cluster.objects.filter(id__in=ids, evidence__is_head=True) if ids else None
    if rows is None:
        return {}
    found = rows.values_list("id", "evidence__title", "evidence__text")
    return {pk: f"{title} {text}" for pk, title, text in found}


@cache
def _library() -> Any:
    """Import the sketching library when the first text is clustered.

    It brings a numerical library along, a second and tens of megabytes that only a process that
    ingests evidence should pay.
    """
    import datasketch  # noqa: PLC0415

    return datasketch
