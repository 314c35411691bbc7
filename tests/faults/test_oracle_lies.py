"""Every kind of source against every lie: refused as the world's fault, or nothing but what holds.

A lie of the line (stalls, floods, resets, redirects) may cost its time and no more; a lie of the
words may put any value in any place of an answer. Neither may break a run or reach the store.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import time_machine
from django.db import transaction

from oracle.models import CachedAnswer, Evidence, Observation, Source
from oracle.services import evidence
from oracle.sources import registry
from oracle.sources.base import Item, Observed, SourceDown
from oracle.sources.http import RETRIES_MAX, Answer, Client
from tests.fakes import lies
from tests.fakes.feed_server import BEHAVIOURS, Feed, rss, serving
from tests.fakes.replies import NOON, SERVICES, WEEK
from tests.faults.scale import NIGHTLY, chance, scaled

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.fault,
    pytest.mark.timeout(900),
    # the parser of feeds announces a change to whoever asks for a date that is not there
    pytest.mark.filterwarnings("ignore::DeprecationWarning:feedparser"),
]

LIMIT = 10
ANSWER_S = 0.05
# What waits until the oracle hangs up; and what is asked again, because a moment may mend it.
SLOW = {"stall", "drip head", "drip body", "continue"}
AGAIN = SLOW | {
    "broken", "away", "cut", "reset", "reset midway", "bad chunks", "half a chunk",
    "many headers", "long header", "two lengths", "no status", "nothing",
}  # fmt: skip
WAITS = {"busy": 120, "busy for ever": 3_600, "busy beyond counting": 3_600}
HONEST = {"ok"}
WORDS_MAX, PICO_MAX = 20_000, 10**33
BULKY = (b"[" * 2_000_000, b'{"a":' * 400_000, b"[" + b"[]," * 600_000 + b"7]", b"9" * 10**6)
POISONED = scaled(40, 10**6)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of source and what it is asked."""

    name: str
    options: dict[str, Any]
    asked: str
    body: bytes
    numbers: bool = False
    stem: str = ""

    def read(self, root: str) -> list[Any]:
        """Ask it once over whatever answers for its host."""
        kind = self.name.split()[0]
        row, _ = Source.objects.get_or_create(name=self.name, defaults={"kind": kind})
        row.options = {**self.options, "url": root + self.stem}
        row.hosts = ["feed.example"]
        source = registry.build(row, lambda: None)
        if self.numbers:
            return list(source.observe(self.asked, NOON - WEEK, NOON))
        return list(source.fetch(self.asked, NOON - WEEK, NOON, LIMIT))


STEMS = {
    "gdelt": "/doc", "hackernews": "/search_by_date", "fred": "/observations",
    "openmeteo": "/forecast",
}  # fmt: skip
SAID = {f"{one.kind} {one.options.get('vertical', '')}".strip(): one.said for one in SERVICES}
KINDS = [
    *(
        Kind(name, dict(one.options), one.asked, one.body, one.has_numbers, STEMS.get(one.kind, ""))
        for name, one in zip(SAID, SERVICES, strict=True)
    ),
    Kind("rss", {}, "widgets", rss(("widgets", "https://w.example/1", NOON - WEEK / 2))),
]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=[one.name for one in KINDS])


class Told:
    """In place of the client: an answer that came over a good line."""

    body = b""

    def get(self, _url: str, **_: Any) -> Answer:
        return Answer(body=self.body, changed=True, etag="", last_modified="")


@pytest.fixture(autouse=True)
def _keys(settings: Any) -> None:
    settings.ORACLE_KEYS = dict.fromkeys(("serper", "fred", "github"), "key")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Feed]:
    client = Client(
        resolve=lambda _host, _port: ["127.0.0.1"],
        permits=lambda address: address == "127.0.0.1",
        pause=lambda _seconds: None,
        answer_s_max=5,
    )
    monkeypatch.setattr(registry, "CLIENT", client)
    with serving(Feed()) as served, time_machine.travel(NOON):
        yield served


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    client = Told()
    monkeypatch.setattr(registry, "CLIENT", client)
    with time_machine.travel(NOON):
        yield client


@pytest.mark.parametrize("lie", sorted(set(BEHAVIOURS) - HONEST))
def test_a_line_that_lies_is_the_world_s_fault(
    server: Feed, lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.behave = lie
    slow = lie in SLOW
    if slow:
        fast = Client(
            resolve=lambda _host, _port: ["127.0.0.1"],
            permits=lambda address: address == "127.0.0.1",
            pause=lambda _seconds: None,
            answer_s_max=ANSWER_S,
        )
        monkeypatch.setattr(registry, "CLIENT", fast)
    # the line is the same for all: an everyday run lets three stall and every one be lied to
    for kind in KINDS[::4] if slow and not NIGHTLY else KINDS:
        server.paths.clear()
        server.body = kind.body
        began = time.monotonic()
        with pytest.raises(SourceDown) as caught:
            kind.read(server.root)
        assert time.monotonic() - began < 4, kind.name
        assert len(server.paths) == (RETRIES_MAX + 1 if lie in AGAIN else 1), kind.name
        assert caught.value.retry_after_s == WAITS.get(lie, 0), kind.name
        assert "key" not in caught.value.message
    assert not CachedAnswer.objects.exists()


@pytest.mark.parametrize("kind", KINDS[:-1], ids=list(SAID))
def test_a_lie_in_any_place_is_refused_or_holds_nothing(told: Told, kind: Kind) -> None:
    choice, said = chance(), SAID[kind.name]
    every = [(place, name) for place in lies.places(said) for name in lies.POISONS]
    picked = choice.sample(every, min(POISONED, len(every)))
    broken = []
    for place, name in picked:
        told.body = lies.poisoned(said, place, lies.POISONS[name])
        broken += complaints(kind, f"{name} at {place}")
    for place in lies.places(said):
        told.body = lies.without(said, place) if place else b"{}"
        broken += complaints(kind, f"without {place}")
    assert broken == []


@pytest.mark.parametrize("name", sorted(lies.FEEDS))
def test_a_feed_that_lies_tells_nothing_that_does_not_hold(told: Told, name: str) -> None:
    kind, page = KINDS[-1], lies.FEEDS[name]
    told.body = page.body
    began = time.process_time()
    assert complaints(kind, name) == []
    assert time.process_time() - began < 3
    assert Evidence.objects.count() <= page.told_max
    for row in Evidence.objects.all():
        assert row.url == "" or row.url.startswith("https://")
        assert not set("<>\0\u202e") & set(row.title + row.text + row.publisher)
        assert "root:" not in row.title + row.text
        assert "hahaha" not in row.title


@each_kind
def test_what_is_told_often_counts_once(told: Told, kind: Kind) -> None:
    told.body = kind.body
    once = _plain(kind.read("http://feed.example"))
    CachedAnswer.objects.all().delete()
    said = SAID.get(kind.name)
    told.body = lies.often(said, 30) if said else kind.body
    assert complaints(kind, "often") == []
    assert set(_plain(kind.read("http://feed.example"))) <= set(once)
    stored = Evidence.objects.count() + Observation.objects.count()
    # who says one thing thirty times has no room left for another
    assert stored == len(set(once)) if kind.numbers else 1 <= stored <= len(set(once))


@each_kind
@pytest.mark.parametrize("years", [-2, 2], ids=["too old", "not yet"])
def test_what_is_dated_elsewhere_is_not_news(told: Told, kind: Kind, years: int) -> None:
    told.body = kind.body
    with time_machine.travel(NOON):
        assert kind.read("http://feed.example")
    CachedAnswer.objects.all().delete()
    told.body = _dated(kind.body, years)
    assert complaints(kind, "dated elsewhere") == []
    assert not Evidence.objects.exists()
    assert not Observation.objects.exists()


@pytest.mark.parametrize("kind", KINDS if NIGHTLY else KINDS[::4], ids=lambda kind: kind.name)
@pytest.mark.parametrize("body", BULKY, ids=["deep", "deeper", "wide", "long"])
def test_two_megabytes_of_nothing_are_refused_soon(told: Told, kind: Kind, body: bytes) -> None:
    told.body = body
    began = time.process_time()
    with pytest.raises(SourceDown):
        kind.read("http://feed.example")
    assert time.process_time() - began < 8


def complaints(kind: Kind, lie: str) -> list[str]:
    """Read once, store what came as a run would, and say what of it does not hold."""
    CachedAnswer.objects.all().delete()
    try:
        with transaction.atomic():
            found = kind.read("http://feed.example")
            _store(kind, found)
    except SourceDown as refused:
        return [] if len(refused.message) < 300 else [f"{lie}: a long complaint"]
    except Exception as broken:  # noqa: BLE001 (every other error is what is looked for)
        return [f"{lie}: {type(broken).__name__} {broken}"[:200]]
    return [f"{lie}: {what!r}"[:200] for what in found if not _holds(what)]


def _store(kind: Kind, found: list[Any]) -> None:
    evidence.store([one for one in found if isinstance(one, Item)], until=NOON)
    Observation.objects.bulk_create(
        [
            Observation(
                source=Source.objects.get(name=kind.name),
                series=kind.asked,
                value_pico=one.value_pico,
                unit=one.unit,
                observed_at=one.observed_at,
                released_at=one.released_at,
            )
            for one in found
            if isinstance(one, Observed)
        ],
        ignore_conflicts=True,
    )


def _holds(one: Any) -> bool:
    """Whether it lies in the window and inside every bound."""
    if isinstance(one, Item):
        fields = (one.title, one.text, one.url, one.publisher, one.lang)
        short = all(isinstance(text, str) and len(text) <= WORDS_MAX for text in fields)
        return short and NOON - WEEK < one.published_at <= NOON
    assert isinstance(one, Observed)
    whole = isinstance(one.value_pico, int) and abs(one.value_pico) < PICO_MAX
    timely = NOON - WEEK < one.released_at <= NOON and one.observed_at <= one.released_at
    return whole and timely and len(one.unit) <= 40


def _plain(found: list[Any]) -> list[tuple[Any, ...]]:
    return [
        (one.title, one.publisher, one.published_at)
        if isinstance(one, Item)
        else (one.value_pico, one.observed_at, one.released_at)
        for one in found
    ]


def _dated(body: bytes, years: int) -> bytes:
    """Return an answer as if all of it had happened in another year."""
    shifted = body.replace(b"2024", b"%d" % (2024 + years))
    if shifted.startswith(b"<"):
        return shifted
    return json.dumps(_moved(json.loads(shifted), years * 365 * 86_400)).encode()


def _moved(said: Any, seconds: int) -> Any:
    if isinstance(said, dict):
        return {name: _moved(value, seconds) for name, value in said.items()}
    if isinstance(said, list):
        return [_moved(value, seconds) for value in said]
    if isinstance(said, int) and said > 10**9:
        return said + seconds
    if isinstance(said, str) and said.endswith("ago"):
        return "3 years ago"
    return said
