"""The RSS source against a server that behaves, lies, stalls, floods or redirects."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from oracle.models import CachedAnswer, Source
from oracle.sources.base import OverBudget, SourceDown
from oracle.sources.http import RETRIES_MAX, RETRY_WAIT_S, SPREAD_S_MAX, Client
from oracle.sources.rss import Rss
from tests.fakes.feed_server import Feed, rss, serving

pytestmark = pytest.mark.django_db

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
ENTRIES = (
    ("Widgets surge", "https://a.example/1", NOON - timedelta(hours=2)),
    ("Gadgets fall", "https://a.example/2", NOON - timedelta(hours=1)),
    ("Widgets slip", "https://a.example/3", NOON + timedelta(hours=1)),
)


@pytest.fixture
def feed() -> Iterator[Feed]:
    with serving(Feed(body=rss(*ENTRIES))) as served:
        yield served


def client(seconds: float = 2.0) -> Client:
    """Return a client that may reach loopback, does not pause and gives up soon."""
    return Client(
        resolve=lambda _host, _port: ["127.0.0.1"],
        permits=lambda address: address == "127.0.0.1",
        pause=lambda _seconds: None,
        answer_s_max=seconds,
    )


def source(feed: Feed, **changes: object) -> Rss:
    row, _ = Source.objects.get_or_create(name="loop", kind="rss")
    options = {
        "source_id": row.pk,
        "options": {"url": feed.url},
        "hosts": ["feed.example"],
        "client": client(),
        "spend": lambda: None,
        **changes,
    }
    return Rss(**options)  # type: ignore[arg-type]


def age_cache() -> None:
    CachedAnswer.objects.update(fetched_at=NOON - WEEK)


def test_it_reads_what_mentions_the_query_up_to_now(feed: Feed) -> None:
    items = source(feed).fetch("widgets", NOON - WEEK, NOON, 10)
    assert [(item.title, item.url, item.publisher) for item in items] == [
        ("Widgets surge", "https://a.example/1", "Loopback Wire")
    ]


def test_no_link_is_ever_fetched(feed: Feed) -> None:
    source(feed).fetch("widgets", NOON - WEEK, NOON, 10)
    assert feed.paths == ["/feed.xml"]


def test_a_fresh_answer_serves_every_query(feed: Feed) -> None:
    source(feed).fetch("widgets", NOON - WEEK, NOON, 10)
    assert [item.title for item in source(feed).fetch("gadgets", NOON - WEEK, NOON, 9)] == [
        "Gadgets fall"
    ]
    assert len(feed.paths) == 1


def test_it_asks_whether_something_changed(feed: Feed) -> None:
    source(feed).fetch("widgets", NOON - WEEK, NOON, 10)
    age_cache()
    items = source(feed).fetch("widgets", NOON - WEEK, NOON, 10)
    assert feed.asked[1]["if-none-match"] == '"one"'
    assert feed.asked[1]["if-modified-since"] == "Mon, 01 Jan 2024 00:00:00 GMT"
    assert [item.title for item in items] == ["Widgets surge"]


def test_nothing_changed_without_a_copy_is_a_lie(feed: Feed) -> None:
    feed.behave = "liar"
    with pytest.raises(SourceDown, match="nothing yet"):
        source(feed).fetch("widgets", NOON - WEEK, NOON, 10)


def test_a_redirect_is_not_followed(feed: Feed) -> None:
    feed.behave = "redirect"
    with pytest.raises(SourceDown, match="redirects are not followed"):
        source(feed).fetch("widgets", NOON - WEEK, NOON, 10)
    assert feed.paths == ["/feed.xml"]


def test_a_flood_is_cut_off(feed: Feed) -> None:
    feed.behave = "flood"
    with pytest.raises(SourceDown, match="2000000 bytes"):
        source(feed).fetch("widgets", NOON - WEEK, NOON, 10)


@pytest.mark.parametrize("behave", ["stall", "drip head", "drip body"])
def test_a_slow_server_is_given_up(feed: Feed, behave: str) -> None:
    feed.behave = behave
    started = time.perf_counter()
    with pytest.raises(SourceDown):
        source(feed, client=client(0.5)).fetch("widgets", NOON - WEEK, NOON, 10)
    assert time.perf_counter() - started < 5 * (RETRIES_MAX + 1)
    assert len(feed.paths) == RETRIES_MAX + 1


@pytest.mark.parametrize("behave", ["compressed", "not a feed", "gone"])
def test_what_is_no_feed_is_refused_at_once(feed: Feed, behave: str) -> None:
    feed.behave = behave
    with pytest.raises(SourceDown):
        source(feed).fetch("widgets", NOON - WEEK, NOON, 10)
    assert len(feed.paths) == 1


@pytest.mark.parametrize("behave", ["broken", "cut"])
def test_a_fault_is_tried_again_and_then_given_up(feed: Feed, behave: str) -> None:
    feed.behave = behave
    with pytest.raises(SourceDown):
        source(feed).fetch("widgets", NOON - WEEK, NOON, 10)
    assert len(feed.paths) == RETRIES_MAX + 1


def test_a_busy_server_is_left_alone_as_long_as_it_asks(feed: Feed) -> None:
    feed.behave = "busy"
    with pytest.raises(SourceDown) as caught:
        source(feed).fetch("widgets", NOON - WEEK, NOON, 10)
    assert caught.value.retry_after_s == 120
    assert len(feed.paths) == 1


def test_a_host_off_the_list_is_never_asked(feed: Feed) -> None:
    with pytest.raises(SourceDown, match="list of hosts"):
        source(feed, hosts=["other.example"]).fetch("widgets", NOON - WEEK, NOON, 10)
    assert feed.paths == []


def test_each_request_is_paid_for_before_it_leaves(feed: Feed) -> None:
    def broke() -> None:
        raise OverBudget("nothing left")

    with pytest.raises(OverBudget):
        source(feed, spend=broke).fetch("widgets", NOON - WEEK, NOON, 10)
    assert feed.paths == []


def test_a_feed_cannot_name_files_or_build_bombs(feed: Feed) -> None:
    feed.body = (
        b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>"
        b"<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
        b"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>]>"
        b"<rss version='2.0'><channel><title>t</title><item><title>Widgets &f; &c;</title>"
        b"<pubDate>Fri, 01 Mar 2024 10:00:00 GMT</pubDate></item></channel></rss>"
    )
    try:
        items = source(feed).fetch("widgets", NOON - WEEK, NOON, 10)
    except SourceDown:
        items = []
    assert all("root:" not in item.title for item in items)


def test_pauses_double_and_no_two_are_alike(feed: Feed) -> None:
    feed.behave, waits = "broken", list[float]()
    asking = replace(client(), pause=waits.append)
    for _ in range(5):
        with pytest.raises(SourceDown):
            source(feed, client=asking).fetch("widgets", NOON - WEEK, NOON, 10)

    assert len(waits) == len(set(waits)) == 5 * RETRIES_MAX
    for place, wait in enumerate(waits):
        least = RETRY_WAIT_S * 2 ** (place % RETRIES_MAX)
        assert least <= wait <= least + SPREAD_S_MAX


def test_threads_do_not_pile_up(feed: Feed) -> None:
    before = threading.active_count()
    for _ in range(5):
        age_cache()
        source(feed).fetch("widgets", NOON - WEEK, NOON, 10)
    assert threading.active_count() <= before + 1
