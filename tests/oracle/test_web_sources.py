"""Every source behind a web interface, against a server that behaves, lies, floods or stalls."""

import json
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from exchange import clock
from oracle.models import CachedAnswer, Source
from oracle.services.sources import complaint, source_save
from oracle.sources import registry
from oracle.sources.base import Item, Observed, OverBudget, SourceDown
from oracle.sources.base import Source as Readable
from oracle.sources.http import BODY_BYTES_MAX, RETRIES_MAX, Client
from oracle.sources.web import VALUES_MAX
from tests.fakes.feed_server import Feed, serving
from tests.fakes.replies import NOON, SERVICES, WEEK, Service

pytestmark = pytest.mark.django_db

KEYS = {"serper": "s3cret-serper", "fred": "s3cret-fred", "github": "s3cret-github"}
NAMES = [f"{one.kind}{one.options.get('vertical', '')}" for one in SERVICES]
each = pytest.mark.parametrize("service", SERVICES, ids=NAMES)

# spec/reliability.md: what a search that misbehaves may cost.
MEMORY_MAX = 32_000_000


@pytest.fixture(autouse=True)
def _keys(settings: Any) -> None:
    settings.ORACLE_KEYS = KEYS


@pytest.fixture
def server() -> Iterator[Feed]:
    with serving(Feed()) as served, time_machine.travel(NOON):
        yield served


def made(server: Feed, service: Service, spend: Any = lambda: None, **changes: Any) -> Readable:
    """Return the source over the stub, which answers for whatever host it is called by."""
    row, _ = Source.objects.get_or_create(name=service.kind, kind=service.kind)
    row.options = {**service.options, "url": f"{server.root}{_stem(service)}", **changes}
    row.hosts = ["feed.example"]
    return registry.build(row, spend)


def _stem(service: Service) -> str:
    return {"gdelt": "/doc", "hackernews": "/search_by_date"}.get(
        service.kind, {"fred": "/observations", "openmeteo": "/forecast"}.get(service.kind, "")
    )


@pytest.fixture(autouse=True)
def _client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "CLIENT", client())


def client(seconds: float = 2.0) -> Client:
    return Client(
        resolve=lambda _host, _port: ["127.0.0.1"],
        permits=lambda address: address == "127.0.0.1",
        pause=lambda _seconds: None,
        answer_s_max=seconds,
    )


def read(source: Readable, service: Service) -> list[Any]:
    if service.has_numbers:
        return source.observe(service.asked, NOON - WEEK, NOON)
    return list(source.fetch(service.asked, NOON - WEEK, NOON, 10))


def plain(found: list[Any]) -> list[tuple[Any, ...]]:
    shown: list[tuple[Any, ...]] = []
    for one in found:
        if isinstance(one, Item):
            shown.append((one.title, one.publisher, one.published_at))
        else:
            assert isinstance(one, Observed)
            shown.append((one.value_pico / 10**12, one.observed_at, one.released_at))
    return shown


@each
def test_a_good_reply_gives_what_the_window_holds(server: Feed, service: Service) -> None:
    server.body = service.body
    assert plain(read(made(server, service), service)) == service.found
    assert server.paths[0].partition("?")[0] == service.path.partition("?")[0]


@each
def test_a_fresh_answer_is_not_asked_for_again(server: Feed, service: Service) -> None:
    server.body = service.body
    first = read(made(server, service), service)
    assert read(made(server, service), service) == first
    assert len(server.paths) == 1


@each
def test_an_unchanged_answer_is_the_one_we_have(server: Feed, service: Service) -> None:
    server.body = service.body
    first = read(made(server, service), service)
    CachedAnswer.objects.update(fetched_at=NOON - timedelta(hours=1))
    assert read(made(server, service), service) == first
    assert server.asked[1]["if-none-match"] == '"one"'


@each
def test_an_empty_reply_is_no_fault(server: Feed, service: Service) -> None:
    server.body = json.dumps(service.empty).encode()
    assert read(made(server, service), service) == []


@each
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'"words"', b"[[[[1]]]]", b"null", b"7", b"[" * 99_000, b"\xff\xfe\x00", b"NaN"],
    ids=["nothing", "half", "words", "nested", "null", "number", "deep", "bytes", "nan"],
)
def test_a_malformed_reply_is_refused_once(server: Feed, service: Service, body: bytes) -> None:
    server.body = body
    with pytest.raises(SourceDown, match="form of an answer"):
        read(made(server, service), service)
    assert len(server.paths) == 1


@pytest.mark.parametrize("cut", [0, VALUES_MAX], ids=["whole", "the most that is read"])
@pytest.mark.parametrize(
    "piece", ['{"a":1}', "{}", "[[[[[]]]]]", "1.1", '"a\U0001f600"', '{"a":[1.1,2.2]}']
)
def test_no_reply_takes_more_memory_than_it_may(server: Feed, piece: str, cut: int) -> None:
    marks = 1 + sum(map(piece.count, ",[{"))
    most = BODY_BYTES_MAX // (len(piece.encode()) + 1) - 2
    server.body = _long(piece, min(most, cut // marks - 1) if cut else most)
    service = next(one for one in SERVICES if one.kind == "gdelt")
    source = made(server, service)
    tracemalloc.start()
    with pytest.raises(SourceDown, match="form of an answer" if cut else "values"):
        read(source, service)
    grown = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # a thread of this process sends the body from a copy of its own
    assert grown < MEMORY_MAX, grown


def _long(piece: str, times: int) -> bytes:
    """Return a list of that piece, filled up with text whose letters take four bytes each."""
    pieces = ",".join([piece] * times)
    room = BODY_BYTES_MAX - len(pieces.encode()) - 20
    return f'[{pieces},"{"a" * room}\U0001f600"]'.encode()


@each
def test_a_reply_of_another_form_is_refused(server: Feed, service: Service) -> None:
    server.body = json.dumps(service.wrong).encode()
    with pytest.raises(SourceDown, match="form of an answer"):
        read(made(server, service), service)
    assert not CachedAnswer.objects.exists()


@each
@pytest.mark.parametrize(
    ("behave", "words"),
    [
        ("flood", "2000000 bytes"),
        ("page", "form of an answer"),
        ("compressed", "compresses"),
        ("redirect", "not followed"),
        ("redirect inside", "not followed"),
        ("gone", "404"),
        ("liar", "nothing yet"),
    ],
)
def test_a_server_that_misbehaves_is_refused_once(
    server: Feed, service: Service, behave: str, words: str
) -> None:
    server.behave, server.body = behave, service.body
    with pytest.raises(SourceDown, match=words):
        read(made(server, service), service)
    assert len(server.paths) == 1


@each
def test_a_busy_server_says_when_to_come_back(server: Feed, service: Service) -> None:
    server.behave = "busy"
    with pytest.raises(SourceDown) as caught:
        read(made(server, service), service)
    assert (caught.value.retry_after_s, len(server.paths)) == (120, 1)


@each
@pytest.mark.parametrize("behave", ["drip body", "broken"])
def test_what_is_slow_or_broken_is_tried_again_and_paid_again(
    server: Feed, service: Service, behave: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "CLIENT", client(0.2))
    paid: list[int] = []
    server.behave = behave
    with pytest.raises(SourceDown), time_machine.travel(NOON, tick=True):
        read(made(server, service, lambda: paid.append(1)), service)
    assert len(server.paths) == len(paid) == RETRIES_MAX + 1


@each
def test_who_cannot_pay_asks_nothing(server: Feed, service: Service) -> None:
    def broke() -> None:
        raise OverBudget("nothing left")

    with pytest.raises(OverBudget):
        read(made(server, service, broke), service)
    assert server.paths == []


@each
def test_a_name_that_leads_inside_is_refused(
    server: Feed, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = Client(resolve=lambda _host, _port: ["127.0.0.1"], pause=lambda _seconds: None)
    monkeypatch.setattr(registry, "CLIENT", inside)
    with pytest.raises(SourceDown, match="not public"):
        read(made(server, service), service)
    assert server.paths == []


@each
def test_it_gives_one_kind_of_thing(server: Feed, service: Service) -> None:
    source = made(server, service)
    texts = lambda: source.fetch("widgets", NOON - WEEK, NOON, 10)  # noqa: E731 (one of two)
    ask = texts if service.has_numbers else lambda: source.observe("x", NOON - WEEK, NOON)
    with pytest.raises(SourceDown):
        ask()
    assert server.paths == []


@each
def test_an_unknown_option_is_refused(server: Feed, service: Service) -> None:
    with pytest.raises(SourceDown, match="no option"):
        made(server, service, colour="green")


@each
def test_its_own_host_is_listed_without_being_named(service: Service) -> None:
    row = source_save(name="one", kind=service.kind, options=service.options)
    assert row.hosts == [registry.host_of(row)]
    assert "." in row.hosts[0]
    assert complaint(Source(kind=row.kind, options=row.options, hosts=["other.example"]))


@pytest.mark.parametrize("kind", sorted(KEYS))
def test_a_key_never_travels_in_the_clear(kind: str) -> None:
    row = Source(kind=kind, options={"url": "http://feed.example/"}, hosts=["feed.example"])
    assert complaint(row) == "a key travels over https only"


def test_keys_are_sent_and_kept_nowhere(server: Feed) -> None:
    for service in SERVICES:
        server.body = service.body
        read(made(server, service), service)
    sent = f"{server.asked} {server.paths}"
    assert all(key in sent for key in KEYS.values())
    assert [path for path in server.paths if "s3cret-serper" in path] == []
    rows = [str([row.items, row.etag]) for row in CachedAnswer.objects.all()]
    assert not any("s3cret" in row for row in rows)


@pytest.mark.parametrize("kind", ["serper", "fred"])
def test_without_its_key_a_source_rests(server: Feed, settings: Any, kind: str) -> None:
    settings.ORACLE_KEYS = {}
    service = next(one for one in SERVICES if one.kind == kind)
    with pytest.raises(SourceDown, match="API_KEY"):
        read(made(server, service), service)
    assert server.paths == []


@pytest.mark.parametrize(
    ("kind", "series"),
    [
        ("github", "acme"),
        ("github", "acme/../secrets"),
        ("github", "a/b/c"),
        ("github", "acme/.."),
        ("npm", "a/b"),
        ("npm", ".."),
        ("npm", "a?x=1"),
        ("npm", "@acme/wid@gets"),
        ("pypi", "a/b"),
        ("pypi", "wid gets"),
        ("pypi", "\u0455ix"),
        ("wikipedia", ".."),
        ("wikipedia", " "),
        ("fred", "A&api_key=x"),
        ("openmeteo", "a,b"),
    ],
)
def test_a_series_cannot_lead_elsewhere(server: Feed, kind: str, series: str) -> None:
    service = next(one for one in SERVICES if one.kind == kind)
    with pytest.raises(SourceDown, match=r"series|article"):
        made(server, service).observe(series, NOON - WEEK, NOON)
    assert server.paths == []


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("serper", {"vertical": "images"}),
        ("openmeteo", {"latitude": "91"}),
        ("openmeteo", {"latitude": "north"}),
        ("openmeteo", {"longitude": "NaN"}),
        ("wikipedia", {"project": "../x"}),
        ("fred", {"release_s": "late"}),
    ],
)
def test_senseless_options_are_refused(server: Feed, kind: str, options: dict[str, Any]) -> None:
    service = next(one for one in SERVICES if one.kind == kind)
    server.body = service.body
    with pytest.raises(SourceDown):
        read(made(server, service, **options), service)


@pytest.mark.parametrize("value", ["1e400", "NaN", "Infinity", "", "1e21", True, None, [], {}])
def test_a_number_out_of_all_proportion_is_no_number(server: Feed, value: Any) -> None:
    service = next(one for one in SERVICES if one.kind == "pypi")
    row = {"category": "without_mirrors", "date": "2024-03-17", "downloads": value}
    server.body = json.dumps({"data": [row]}).encode()
    with pytest.raises(SourceDown):
        read(made(server, service), service)


def test_what_nobody_asks_any_more_is_forgotten(server: Feed) -> None:
    service = next(one for one in SERVICES if one.kind == "gdelt")
    server.body = service.body
    for days in range(5):
        with time_machine.travel(NOON + timedelta(days=days, minutes=days)):
            made(server, service).fetch("widgets", clock.now() - WEEK, clock.now(), 10)
    assert CachedAnswer.objects.count() == 2
