"""What of a feed its parser may see, so that no feed costs more than 32 MB or a few seconds.

The parser is written for feeds that mean well; each bound here keeps out a family that does not.
Source: spec/reliability.md, "model or search down, slow, or over budget".
"""

import re
from collections.abc import Iterator
from xml.parsers import expat

from oracle.sources.base import SourceDown

# It makes every entry before any can be left out, and compares a category with all before it.
MARKS_MAX = (
    (5_000, "entries", (b"<item", b"<entry")),
    (10_000, "categories", (b"category", b"subject", b"keyword")),
    (30_000, "tags", (b"<",)),
)
# It matches a tag with a pattern that remembers each letter.
ENDLESS = re.compile(rb"<[^>]{32000}")
# What is no XML it reads in a way that keeps the text before and after each reference apart.
REFERENCES_MAX = 50_000
# A letter beyond the first 65,536 makes every copy of its text take four bytes a letter.
RARE = re.compile(rb"[\xf0-\xf4][\x80-\xbf]{3}")
LONG_BYTES, STRETCH_BYTES = 1_000_000, 50_000
CONTINUES = range(0x80, 0xC0)


def bounded(body: bytes) -> bytes:
    """Return a feed as it may be parsed; rare letters of a long one are replaced.

    Raises SourceDown where its parsing would need much memory or time.
    """
    plain = body.replace(b"\0", b"").lower()
    for most, what, marks in MARKS_MAX:
        if sum(map(plain.count, marks)) > most:
            raise SourceDown(f"a feed of more than {most} {what}")
    if b"<!entity" in plain:
        raise SourceDown("a feed that declares entities")
    if ENDLESS.search(plain):
        raise SourceDown("a feed with a tag that does not end")
    if plain.count(b"&") > REFERENCES_MAX and not _is_xml(body):
        raise SourceDown(f"a broken feed of more than {REFERENCES_MAX} references")
    return b"".join(_without_rare(body)) if len(body) > LONG_BYTES else body


def _is_xml(body: bytes) -> bool:
    try:
        expat.ParserCreate().Parse(body, True)
    except expat.ExpatError:
        return False
    return True


def _without_rare(body: bytes) -> Iterator[bytes]:
    """Yield a text in UTF-8 by stretches that end between letters."""
    start = 0
    while start < len(body):
        end = start + STRETCH_BYTES
        while end < len(body) and body[end] in CONTINUES:
            end += 1
        yield RARE.sub("\ufffd".encode(), body[start:end])
        start = end
