"""The socket of a session: who hears what, by which key, and one frame per tick."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.routing import URLRouter

from exchange import clock, consumers
from exchange.fanout import Registry
from exchange.guests import cookie_name
from exchange.models import OutboxEvent, Participant, Session
from exchange.routing import websocket_urlpatterns
from exchange.services import outbox
from exchange.services.sessions import lobby
from tests.factories import ask, open_session, running_session, ticked
from tests.sockets.visitor import Visitor

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("still_clock"),
]
Browse = Callable[..., Any]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Return a registry of this test alone."""
    own = Registry()
    monkeypatch.setattr(consumers, "registry", own)
    return own


@pytest.fixture
async def browse(registry: Registry) -> AsyncIterator[Browse]:
    """Return a function that opens a socket; all are closed at the end."""
    opened: list[Any] = []

    async def open_(path: str, **cookies: str) -> Visitor:
        one = Visitor(URLRouter(websocket_urlpatterns), path)
        one.scope["cookies"] = cookies
        opened.append(one)
        one.accepted, _ = await one.connect()
        return one

    yield open_
    for one in opened:
        await one.disconnect()


class Stage:
    """A running session with one guest who has asked for something."""

    def __init__(self) -> None:
        self.session: Session = running_session()
        self.guest: Participant
        self.guest, secret = lobby.join(session=self.session, name="Ann", user=None)
        self.secret = secret or ""
        OutboxEvent.objects.all().delete()

    def trade(self, second: int) -> None:
        with clock.shifted(second - 1):
            ask(self.guest, "buy", "0y", "5")
            ask(self.guest, "buy", "1y", "5", price="0.30")
        ticked(self.session, second)


@pytest.fixture
async def stage() -> Stage:
    """Return a running session."""
    found: Stage = await database_sync_to_async(Stage)()
    return found


async def _spread(registry: Registry) -> None:
    """Carry the news to the sockets of this process, as the broker would."""

    def frames() -> list[str]:
        rows = OutboxEvent.objects.order_by("id")
        return [outbox._frame(r.market_id, r.seq, json.dumps(r.public)) for r in rows]

    for frame in await database_sync_to_async(frames)():
        await registry._spread({"data": frame.encode()})


async def _private(stage: Stage) -> None:
    def send() -> None:
        for row in OutboxEvent.objects.order_by("id"):
            outbox._send_private([(row.market_id, row.private)])

    await database_sync_to_async(send, thread_sensitive=False)()


async def test_a_tick_is_one_frame_with_prices_trades_and_book(
    browse: Browse, registry: Registry, stage: Stage
) -> None:
    one = await browse(f"/ws/sessions/{stage.session.code}/")
    snapshot = json.loads(await one.receive_from())
    await database_sync_to_async(stage.trade)(1)

    await _spread(registry)

    frame = json.loads(await one.receive_from())
    assert (snapshot["type"], snapshot["seq"], snapshot["tick"]["number"]) == ("snapshot", 0, 0)
    assert (frame["type"], frame["session"], frame["seq"]) == ("tick", stage.session.code, 1)
    assert frame["tick"]["number"] == 1
    assert len(frame["tick"]["prices"]) == 3
    assert [trade["token"] for trade in frame["trades"]] == ["yes"]
    assert frame["book"] == {"2": {"bids": [["0.300000", "5.000000", 1]], "asks": []}}
    assert "market" not in frame
    assert await one.receive_nothing(0.1)


async def test_the_number_of_its_market_opens_no_session(
    browse: Browse, registry: Registry, stage: Stage
) -> None:
    one = await browse(f"/ws/markets/?m={stage.session.market_id}")
    snapshot = json.loads(await one.receive_from())
    await database_sync_to_async(stage.trade)(1)

    await _spread(registry)

    assert snapshot["markets"] == {}
    assert await one.receive_nothing(0.2)


async def test_a_wrong_code_is_refused(browse: Browse, stage: Stage) -> None:
    assert not (await browse("/ws/sessions/nonsense/")).accepted


@pytest.mark.parametrize("by_cookie", [True, False])
async def test_a_guest_hears_their_own_news(
    browse: Browse, stage: Stage, *, by_cookie: bool
) -> None:
    code = stage.session.code
    cookies = {cookie_name(code): stage.secret} if by_cookie else {}
    one = await browse(f"/ws/sessions/{code}/", **cookies)
    await one.receive_from()
    if not by_cookie:
        await one.send_to(text_data=json.dumps({"token": stage.secret}))
    assert await one.receive_nothing(0.2)
    await database_sync_to_async(stage.trade)(1)

    await _private(stage)

    own = json.loads(await one.receive_from())
    assert (own["type"], own["session"], own["seq"]) == ("own", code, 1)
    assert own["holdings"] == [
        {"outcome": 0, "token": "yes", "free": "5.000000", "locked": "0.000000"}
    ]
    assert [order["status"] for order in own["orders"]] == ["filled", "open"]


async def test_a_strange_token_ends_the_socket(browse: Browse, stage: Stage) -> None:
    one = await browse(f"/ws/sessions/{stage.session.code}/")
    await one.receive_from()

    await one.send_to(text_data=json.dumps({"token": "mgp_nonsense"}))

    assert (await one.receive_output())["code"] == consumers.CLOSE_SIGNED_OUT


async def test_the_lobby_hears_who_joins_and_the_start(browse: Browse, registry: Registry) -> None:
    session: Session = await database_sync_to_async(open_session)()
    one = await browse(f"/ws/sessions/{session.code}/")
    await one.receive_from()

    def happen() -> None:
        lobby.join(session=session, name="Ann", user=None)
        lobby.session_start(host=session.host, session=session)

    await database_sync_to_async(happen)()
    await _spread(registry)

    joined, started = [json.loads(await one.receive_from()) for _ in range(2)]
    assert (joined["type"], joined["event"]["joined"]) == ("event", "Ann")
    assert started["event"]["status"] == "running"
