"""The desk answers an order as the view does, takes each once, and refuses nobody for another."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pytest
from django.core.asgi import get_asgi_application
from django.db import OperationalError, transaction

from exchange import limits
from exchange.api import desk, desk_batch
from exchange.models import Command, Participant, Session, User
from exchange.services.outcome import accept
from exchange.services.sessions import host, lobby
from exchange.services.tokens import digest
from tests.factories import key, running_session, ticked
from tests.patience import PATIENCE_S

pytestmark = [pytest.mark.fault, pytest.mark.usefixtures("books")]

ORDER = {"side": "buy", "outcome": 0, "token": "yes", "size": "2"}
# What the view's middleware adds for those who read pages, or says of its caches and verbs.
VIEW_ONLY = {"vary", "allow", "x-request-id"}
OWN = {"id", "key", "tick", "request_id"}


class Asked:
    """A request as a server hands it on."""

    def __init__(self, secret: str, code: str, body: Any = None, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body or ORDER).encode()
        given = {
            "host": "testserver",
            "authorization": f"Bearer {secret}",
            "content-type": "application/json",
            "content-length": str(len(content)),
            **{name.replace("_", "-").lower(): value for name, value in headers.items()},
        }
        self.body = content
        self.headers = {name: value for name, value in given.items() if value}
        self.path = f"/api/v1/sessions/{code}/orders/"
        self.query = b""
        self.extra: list[tuple[bytes, bytes]] = []

    def scope(self) -> dict[str, Any]:
        """Return what an ASGI server says of it."""
        pairs = [(name.encode(), value.encode("latin1")) for name, value in self.headers.items()]
        return {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": self.path,
            "raw_path": self.path.encode(),
            "root_path": "",
            "query_string": self.query,
            "scheme": "http",
            "headers": pairs + self.extra,
            "client": ["127.0.0.1", 50_000],
            "server": ["127.0.0.1", 80],
        }


class Answer:
    """What came back."""

    def __init__(self, status: int, headers: dict[str, str], raw: bytes) -> None:
        self.status, self.headers, self.raw = status, headers, raw

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def is_json(self) -> bool:
        return self.headers["content-type"] == "application/json"

    def alike(self) -> Any:
        """Return what two ways of asking the same must agree on."""
        body: Any = self.raw
        if self.is_json:
            shown = self.json.get("error", self.json)
            body = {name: value for name, value in shown.items() if name not in OWN}
        headers = {n: v for n, v in self.headers.items() if n not in VIEW_ONLY | {"content-length"}}
        return self.status, body, headers


def sent(application: desk.App, *asked: Asked) -> list[Answer]:
    """Send requests to an application, all at once; return its answers."""

    async def together() -> list[Answer]:
        return await asyncio.gather(*(_sent(application, one) for one in asked))

    return asyncio.run(together())


async def _sent(application: desk.App, asked: Asked) -> Answer:
    spoken = iter([{"type": "http.request", "body": asked.body, "more_body": False}])
    heard: list[Mapping[str, Any]] = []

    async def receive() -> Mapping[str, Any]:
        for message in spoken:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Mapping[str, Any]) -> None:
        heard.append(message)

    async with asyncio.timeout(PATIENCE_S):
        await application(asked.scope(), receive, send)
    headers = {name.decode().lower(): value.decode() for name, value in heard[0]["headers"]}
    raw = b"".join(message.get("body", b"") for message in heard[1:])
    return Answer(heard[0]["status"], headers, raw)


async def fails(*_: Any) -> None:
    """Stand where the views are, to show that nobody comes here."""
    raise AssertionError("the view was asked")


class Place:
    """A running session, one guest in it, and one of another session."""

    def __init__(self) -> None:
        self.session = running_session()
        _, secret = lobby.join(session=self.session, name="Ann", user=None)
        _, other = lobby.join(session=running_session(), name="Eve", user=None)
        self.secret, self.other = str(secret), str(other)
        self.desk = desk.OrderDesk(fails)

    def asked(self, body: Any = None, secret: str = "", **headers: str) -> Asked:
        """Return an order of the guest's under a fresh key, or changed as said."""
        headers = {"Idempotency_Key": key(), **headers}
        return Asked(secret or self.secret, self.session.code, body, **headers)

    def logged(self) -> list[str]:
        """Return the keys of all orders in the log."""
        rows = Command.objects.filter(market_id=self.session.market_id, kind="order")
        return list(rows.order_by("id").values_list("key", flat=True))


@pytest.fixture
def place() -> Place:
    """Return the stage."""
    return Place()


ODD: dict[str, dict[str, Any]] = {
    "an order": {},
    "a limit": {"body": {**ORDER, "price": "0.45", "auto_fill": True}},
    "a bound": {"body": {**ORDER, "max_slippage": "0.1"}},
    "no key": {"Idempotency_Key": ""},
    "a short key": {"Idempotency_Key": "short"},
    "no token of ours": {"Authorization": "Bearer mgp_nobody"},
    "a token of another session": {"secret": "other"},
    "an account's token": {"Authorization": "Bearer mgt_nobody"},
    "another scheme": {"Authorization": "Basic mgp_nobody"},
    "no authorization": {"Authorization": ""},
    "a long token": {"Authorization": "Bearer mgp_" + "x" * 200},
    "a scheme in capitals": {"Authorization": "BEARER mgp_nobody"},
    "not JSON": {"body": b"{"},
    "nothing": {"body": b""},
    "null": {"body": b"null"},
    "a list": {"body": b"[1]"},
    "a fraction": {"body": b'{"size": 1.5}'},
    "twice": {"body": b'{"side": "buy", "side": "sell"}'},
    "too much": {"body": b'{"a": "' + b"x" * 70_000 + b'"}'},
    "a field too many": {"body": {**ORDER, "leverage": "2"}},
    "a field missing": {"body": {"side": "buy"}},
    "another side": {"body": {**ORDER, "side": "hold"}},
    "no such outcome": {"body": {**ORDER, "outcome": 9}},
    "half a lot": {"body": {**ORDER, "size": "0.001"}},
    "a size out of range": {"body": {**ORDER, "size": "9" * 30}},
    "a form": {"Content_Type": "application/x-www-form-urlencoded"},
    "JSON with a charset": {"Content_Type": "application/json; charset=utf-8"},
    "wants a page": {"Accept": "text/html"},
    "wants JSON": {"Accept": "application/json"},
    "another host": {"Host": "elsewhere.example"},
    "an id of its own": {"X_Request_ID": "mine-1"},
}


def test_answers_as_the_view_does(place: Place) -> None:
    views, different = get_asgi_application(), {}
    for odd, changes in ODD.items():
        given = {"secret": place.other} if changes == {"secret": "other"} else changes

        (by_desk,) = sent(desk.OrderDesk(views), place.asked(**given))
        (by_view,) = sent(views, place.asked(**given))

        if by_desk.alike() != by_view.alike():
            different[odd] = by_desk.alike(), by_view.alike()
        elif by_desk.status >= HTTPStatus.BAD_REQUEST and by_desk.is_json:
            assert by_desk.json["error"]["request_id"], odd

    assert different == {}


def test_takes_the_usual_order_itself_and_settles_it_once(place: Place) -> None:
    asked = place.asked()

    (first,) = sent(place.desk, asked)
    (again,) = sent(place.desk, asked)

    assert (first.status, again.status) == (202, 202)
    assert first.json == again.json
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert place.logged() == [asked.headers["idempotency-key"]]


def test_many_at_once_are_each_taken_and_each_answered_with_their_own(place: Place) -> None:
    secrets = [
        str(lobby.join(session=place.session, name=f"P {n}", user=None)[1]) for n in range(8)
    ]
    requests = [place.asked(secret=secrets[n % 8]) for n in range(40)]
    requests += [place.asked(body=b"{") for _ in range(5)]
    requests += [place.asked(secret=place.other), place.asked(secret="mgp_nobody")]

    answers = sent(place.desk, *(one for one in requests))

    assert [a.status for a in answers] == [202] * 40 + [400] * 5 + [404, 401]
    keys = [one.headers["idempotency-key"] for one in requests[:40]]
    assert [a.json["key"] for a in answers[:40]] == keys
    assert sorted(place.logged()) == sorted(keys)


def test_who_comes_first_is_first_in_the_log(place: Place) -> None:
    requests = [place.asked() for _ in range(6)]

    sent(place.desk, *requests)

    assert place.logged() == [one.headers["idempotency-key"] for one in requests]


def test_two_desks_with_the_same_keys_in_another_order_both_take_them(place: Place) -> None:
    names = [f"{letter}-{key()}" for letter in "abxy"]
    low, high, *held = names
    batches = [[low, held[0], high], [high, held[1], low]]

    def desk_of_a_process(keys: list[str]) -> list[desk_batch.Answer]:
        body, code = json.dumps(ORDER).encode(), place.session.code
        who = digest(place.secret)
        return desk_batch.take([desk_batch.Order(code, who, "127.0.0.1", k, body) for k in keys])

    ann = place.session.participants.get(name="Ann")
    with ThreadPoolExecutor(2) as threads:
        with transaction.atomic():
            # both stop in the middle, each with what the other wants next
            for name in held:
                Command.objects.create(
                    market_id=place.session.market_id,
                    user_id=ann.user_id,
                    kind="order",
                    key=name,
                    request_hash=b"",
                    payload={},
                )
            answers = [threads.submit(desk_of_a_process, keys) for keys in batches]
            time.sleep(0.4)
            transaction.set_rollback(True)
        found = [answer for each in answers for answer in each.result(10)]

    assert [getattr(answer, "status_code", answer) for answer in found] == [202] * 6
    assert sorted(place.logged()) == names


def test_one_key_in_one_batch_is_one_order(place: Place) -> None:
    same = place.asked()
    other = place.asked({**ORDER, "size": "3"}, Idempotency_Key=same.headers["idempotency-key"])

    one, twin, reused = sent(place.desk, same, same, other)

    assert {one.headers.get("idempotent-replay"), twin.headers.get("idempotent-replay")} == {
        None,
        "true",
    }
    assert (reused.status, reused.json["error"]["code"]) == (409, "key_reused")
    assert len(place.logged()) == 1


def test_after_the_end_says_so(place: Place) -> None:
    host.end(host=place.session.host, session=place.session)
    ticked(place.session, 1)

    (answer,) = sent(place.desk, place.asked())

    assert (answer.status, answer.json["error"]["code"]) == (422, "frozen")


def test_after_the_end_an_answer_that_got_lost_is_told_again(place: Place) -> None:
    lost = place.asked()
    (first,) = sent(place.desk, lost)
    ticked(place.session, 1)
    host.end(host=place.session.host, session=place.session)
    ticked(place.session, 2)
    host.resolve(host=place.session.host, session=place.session, winner=0)
    ticked(place.session, 3)

    for application in (place.desk, get_asgi_application()):
        (again,) = sent(application, lost)

        assert (again.status, again.json["id"]) == (202, first.json["id"])
        assert again.headers["idempotent-replay"] == "true"
    assert len(place.logged()) == 1


def test_who_asks_too_often_is_told_when_to_come_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "take_all", lambda _, callers: [2.4 for _ in callers])

    (answer,) = sent(place.desk, place.asked())

    assert (answer.status, answer.headers["retry-after"]) == (429, "3")
    assert place.logged() == []


def test_a_hall_of_300_behind_one_address_is_let_trade(place: Place) -> None:
    """By the default limits: as many orders at once as an account has room for, of everybody."""
    people = User.objects.bulk_create(
        User(email=f"hall-{n}@guest.invalid", is_guest=True) for n in range(300)
    )
    secrets = [f"mgp_hall-{n}" for n in range(len(people))]
    Participant.objects.bulk_create(
        Participant(session=place.session, user=user, name=f"Hall {n}", digest=digest(secrets[n]))
        for n, user in enumerate(people)
    )

    def ordered(secret: str) -> desk_batch.Order:
        body = json.dumps(ORDER).encode()
        return desk_batch.Order(place.session.code, digest(secret), "10.9.0.1", key(), body)

    batch = [ordered(secret) for _ in range(3) for secret in secrets]
    greedy = [ordered(secrets[0]) for _ in range(80)]
    answers = [desk_batch.take(part) for part in (batch, greedy)]
    statuses = [[getattr(answer, "status_code", 429) for answer in part] for part in answers]

    assert statuses[0] == [202] * 900
    assert 429 in statuses[1]


def test_a_lost_database_is_told_to_each_and_nothing_is_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any) -> None:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(accept, "submit_all", lost)
    answers = sent(place.desk, *(place.asked() for _ in range(3)))

    assert [(a.status, a.json["error"]["code"]) for a in answers] == [(503, "store_down")] * 3
    assert {a.headers["retry-after"] for a in answers} == {"1"}
    assert place.logged() == []


def test_one_session_in_trouble_is_no_trouble_of_another(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, theirs = accept.submit_all, running_session()
    _, secret = lobby.join(session=theirs, name="Bob", user=None)

    def fails_here(session: Session, requests: Any) -> Any:
        if session.pk == place.session.pk:
            raise OperationalError("canceling statement due to lock timeout")
        return real(session, requests)

    monkeypatch.setattr(accept, "submit_all", fails_here)
    answers = sent(
        place.desk, place.asked(), Asked(str(secret), theirs.code, Idempotency_Key=key())
    )

    assert [a.status for a in answers] == [503, 202]


def test_an_address_that_cannot_be_read_is_no_defect(place: Place) -> None:
    views = get_asgi_application()
    query, code = place.asked(), place.asked()
    query.query = b"a=\xff"
    code.path = "/api/v1/sessions/a\x00b/orders/"

    by_desk = sent(desk.OrderDesk(views), query, code)
    by_view = sent(views, query, code)

    assert [a.alike() for a in by_desk] == [a.alike() for a in by_view]
    assert [a.status for a in by_desk] == [400, 404]


def test_a_slow_batch_is_given_up_and_the_key_still_works(
    place: Place, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    asked, real = place.asked(), desk_batch.take
    gate: Future[None] = Future()

    def slow(batch: Any) -> Any:
        found = real(batch)
        gate.result(10)
        return found

    monkeypatch.setattr(desk_batch, "take", slow)
    settings.DB_PATIENCE_S = 0.2
    (given_up,) = sent(place.desk, asked)
    gate.set_result(None)
    settings.DB_PATIENCE_S = 5
    (again,) = sent(place.desk, asked)

    assert (given_up.status, given_up.json["error"]["code"]) == (503, "busy")
    assert (again.status, again.headers["idempotent-replay"]) == (202, "true")
    assert place.logged() == [asked.headers["idempotency-key"]]


def test_beyond_what_it_can_take_it_says_so_at_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "WAITING_MAX", 3)

    answers = sent(place.desk, *(place.asked() for _ in range(5)))

    assert sorted(a.status for a in answers) == [202, 202, 202, 503, 503]
    assert len(place.logged()) == 3


def test_a_header_given_twice_is_for_the_view(place: Place) -> None:
    asked, views = place.asked(), get_asgi_application()
    asked.extra = [(b"authorization", b"Bearer mgp_nobody")]

    (by_desk,), (by_view,) = sent(desk.OrderDesk(views), asked), sent(views, asked)
    assert by_desk.alike() == by_view.alike()
    with pytest.raises(AssertionError, match="the view was asked"):
        sent(place.desk, asked)


def test_whoever_leaves_before_the_body_is_whole_is_forgotten(place: Place) -> None:
    asked = place.asked()
    spoken: Iterator[Mapping[str, Any]] = iter(
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> Mapping[str, Any]:
        return next(spoken)

    async def leave() -> None:
        await place.desk(asked.scope(), receive, fails)

    asyncio.run(leave())

    assert place.logged() == []


def test_a_closed_account_has_no_token(place: Place) -> None:
    participant = Session.objects.get(pk=place.session.pk).participants.get(name="Ann")
    participant.user.is_active = False
    participant.user.save(update_fields=["is_active"])
    order = desk_batch.Order(place.session.code, digest(place.secret), "127.0.0.1", key(), b"{}")

    (answer,) = desk_batch.take([order])

    assert isinstance(answer, Exception)
    assert getattr(answer, "status_code", 0) == 401
