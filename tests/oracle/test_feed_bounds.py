"""Feeds that mean harm: refused before they are parsed, or parsed within 32 MB."""

import tracemalloc

import pytest

from oracle.models import Source
from oracle.sources.base import SourceDown
from oracle.sources.feed_bounds import REFERENCES_MAX
from oracle.sources.http import BODY_BYTES_MAX
from oracle.sources.rss import Rss
from tests.fakes.feed_server import Feed, rss
from tests.oracle.test_feed import ENTRIES, NOON, WEEK, client, feed, source  # noqa: F401 (fixture)

pytestmark = pytest.mark.django_db

# spec/reliability.md: what a source that misbehaves may cost.
MEMORY_MAX = 32_000_000
HEAD, TAIL = "<rss version='2.0'><channel><title>t</title>", "</channel></rss>"
TITLE, TITLED = f"{HEAD}<item><title>", f"</title></item>{TAIL}"


def full(head: str, piece: str, tail: str = "", most: int = BODY_BYTES_MAX) -> bytes:
    """Return a feed of as many pieces as an answer holds, or that many."""
    room = BODY_BYTES_MAX - len((head + tail).encode())
    return (head + piece * min(most, room // len(piece.encode())) + tail).encode()


REFUSED = {
    "a forest of tags": (full(f"{HEAD}<item>", "<a>"), "30000 tags"),
    "links": (full(f"{HEAD}<item>", "<link href='a'/>"), "30000 tags"),
    "entries": (full(HEAD, "<item></item>", most=5_001), "5000 entries"),
    "categories": (full(f"{HEAD}<item>", "<category/>", most=10_001), "10000 categories"),
    "one tag": (full(f"{HEAD}<item ", "a='1' "), "does not end"),
    "openings": (full(HEAD + "<" * 20_000, "a "), "does not end"),
    "entities": (full("<!DOCTYPE a [<!ENTITY a 'b'>]>" + TITLE, "&a;"), "declares entities"),
    "references of no XML": (full(TITLE, "&amp;"), "50000 references"),
    "entities in two bytes": (full(HEAD, "<a>").decode().encode("utf-16")[:BODY_BYTES_MAX], "tags"),
}
READ = {
    "entries": full(HEAD, f"<item><title>{'a' * 350}</title></item>", TAIL, 4_999),
    "links": full(f"{HEAD}<item>", "<link rel='a' href='b'/>", TAIL, 29_000),
    "references": full(TITLE, "&#x434;", TITLED),
    "references of no XML": full(TITLE, f"&amp;\u0434{'a' * 30}", most=REFERENCES_MAX),
    "rare letters": full(TITLE, "\U0001f600", TITLED),
    "a rare letter": full(f"{TITLE}\U0001f600", "a", TITLED),
    "lines": full(TITLE, "\n", TITLED),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_before_it_is_parsed(feed: Feed, name: str) -> None:  # noqa: F811
    feed.body, words = REFUSED[name]
    with pytest.raises(SourceDown, match=words):
        source(feed).fetch("", NOON - WEEK, NOON, 10)


@pytest.mark.parametrize("name", READ)
def test_it_is_parsed_within_bounds(name: str) -> None:
    row = Source.objects.create(name="loop", kind="rss")
    reader = Rss(source_id=row.pk, options={}, hosts=[], client=client(), spend=lambda: None)
    tracemalloc.start()
    reader._parsed(READ[name])
    grown = tracemalloc.get_traced_memory()[1] + len(READ[name])
    tracemalloc.stop()

    assert grown < MEMORY_MAX


def test_rare_letters_are_lost_in_a_long_feed_alone(feed: Feed) -> None:  # noqa: F811
    entry = ("Widgets \U0001f600", *ENTRIES[0][1:])
    feed.body = rss(entry)
    (short,) = source(feed).fetch("widgets", NOON - WEEK, NOON, 10)
    assert short.title == "Widgets \U0001f600"

    feed.body = rss(entry, title="a" * 1_000_000)
    (long,) = source(feed, options={"url": feed.url + "?2"}).fetch("widgets", NOON - WEEK, NOON, 10)

    assert long.title == "Widgets \ufffd"
