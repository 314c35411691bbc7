"""One consumer by itself, with a quick heart: silence, slowness, and what it leaves behind."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.db import OperationalError
from redis.asyncio.client import PubSub

from exchange import consumers
from exchange.fanout import Listener, Registry
from exchange.services import outbox
from exchange.services.outbox import CHANNEL
from tests.patience import PATIENCE_S
from tests.sockets.visitor import Visitor

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]

BEHIND = 10
BEAT_S = 0.1


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Return a registry of this test alone; its consumers have a quick heart and a short queue."""
    own = Registry()
    monkeypatch.setattr(consumers, "registry", own)
    monkeypatch.setattr(consumers, "HEARTBEAT_S", BEAT_S)
    monkeypatch.setattr(consumers, "BEHIND_MAX", BEHIND)
    return own


Browse = Callable[..., Any]


@pytest.fixture
async def browse(registry: Registry) -> AsyncIterator[Browse]:
    opened = []

    async def open_(query: str = "m=1,2") -> Visitor:
        one = Visitor(consumers.MarketConsumer.as_asgi(), f"/ws/markets/?{query}")
        opened.append(one)
        assert (await one.connect())[0]
        return one

    yield open_
    for one in opened:
        await one.disconnect()


async def spread(registry: Registry, market: int, seq: int) -> None:
    frame = json.dumps({"type": "tick", "market": market, "seq": seq})
    await registry._spread({"data": frame.encode()})


async def test_who_never_answers_is_closed(browse: Browse, registry: Registry) -> None:
    one = await browse()
    beats = 0

    while True:
        message = await one.receive_output()
        if message["type"] == "websocket.close":
            break
        beats += json.loads(message["text"])["type"] == "heartbeat"

    assert message["code"] == consumers.CLOSE_SLOW
    assert beats == consumers.UNANSWERED_MAX


async def test_who_answers_stays(browse: Browse) -> None:
    one = await browse()

    for _ in range(3 * consumers.UNANSWERED_MAX):
        message = json.loads(await one.receive_from())
        if message["type"] == "heartbeat":
            await one.send_to(json.dumps({"ack": message["sent"]}))

    assert json.loads(await one.receive_from())["type"] == "heartbeat"


async def test_a_slow_reader_gets_the_newest_of_each_market_and_no_more(
    browse: Browse, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "HEARTBEAT_S", 60)
    one = await browse()
    await one.receive_from()

    for seq in range(1, 101):
        for market in (1, 2):
            await spread(registry, market, seq)
    first = [json.loads(await one.receive_from()) for _ in range(BEHIND)]
    assert await one.receive_nothing(0.1)
    await one.send_to(json.dumps({"ack": BEHIND}))
    after = [json.loads(await one.receive_from()) for _ in range(2)]

    assert [m["seq"] for m in first] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert sorted((m["market"], m["seq"]) for m in after) == [(1, 100), (2, 100)]
    assert await one.receive_nothing(0.1)
    await spread(registry, 1, 101)
    assert json.loads(await one.receive_from())["seq"] == 101


async def test_who_acknowledges_what_was_never_sent_is_not_believed(
    browse: Browse, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read here; a count that is made up must not keep the frames coming."""
    monkeypatch.setattr(consumers, "HEARTBEAT_S", 60)
    one = await browse()
    frames = 10 * BEHIND

    for seq in range(frames):
        await spread(registry, 1, seq)
        await one.send_to('{"ack": 1000000000}')
        await asyncio.sleep(0.01)

    sent = [await one.receive_output() for _ in range(one.output_queue.qsize())]
    assert len([m for m in sent if m["type"] == "websocket.send"]) <= BEHIND + 1


async def test_a_count_that_cannot_be_is_no_answer(browse: Browse) -> None:
    one = await browse()

    while (message := await one.receive_output())["type"] != "websocket.close":
        await one.send_to('{"ack": 1000000000}')

    assert message["code"] == consumers.CLOSE_SLOW


async def test_a_flood_ends_and_what_waits_behind_it_is_not_read(
    browse: Browse, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "HEARTBEAT_S", 60)
    one = await browse()
    await one.receive_from()

    for _ in range(consumers.FRAMES_PER_BEAT_MAX + 100):
        await one.send_to('{"ack": 0}')

    assert await one.receive_output() == {
        "type": "websocket.close",
        "code": consumers.CLOSE_FLOOD,
    }
    await one.wait()
    assert one.input_queue.qsize() >= 99
    assert dict(registry._listeners) == {}


async def test_a_heart_that_breaks_closes_the_socket(
    browse: Browse, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: object) -> int | None:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(consumers.MarketConsumer, "_beat", broken)
    one = await browse()
    await one.receive_from()

    assert (await one.receive_output())["code"] == consumers.CLOSE_TROUBLE
    assert dict(registry._listeners) == {}


@pytest.mark.parametrize("frame", ["[" * 1000, "x", '{"ack": 1}'])
async def test_whatever_is_said_nobody_stays_in_the_registry(
    browse: Browse, registry: Registry, frame: str
) -> None:
    one = await browse()

    await one.send_to(frame)
    await asyncio.sleep(0.1)
    await one.disconnect()
    await asyncio.sleep(0.1)

    assert dict(registry._listeners) == {}


async def test_a_snapshot_that_fails_leaves_nobody_in_the_registry(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> str:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(consumers.MarketConsumer, "snapshot", broken)
    one = Visitor(consumers.MarketConsumer.as_asgi(), "/ws/markets/?m=1")
    await one.connect()
    with pytest.raises(OperationalError):
        await asyncio.wait_for(one.future, PATIENCE_S)

    assert dict(registry._listeners) == {}


class Mute:
    """A listener that is told nothing but frames."""

    async def tell_standing(self) -> None:
        raise AssertionError("the broker was never lost")


async def test_a_listener_that_breaks_does_not_silence_the_others(registry: Registry) -> None:
    got: list[int] = []

    class Broken(Mute):
        async def deliver(self, place: int | str, seq: int, frame: str) -> None:
            raise RuntimeError("cannot send once a close message has been sent")

    class Sound(Mute):
        async def deliver(self, place: int | str, seq: int, frame: str) -> None:
            got.append(seq)

    listeners: list[Listener] = [Broken(), Sound(), Broken(), Sound()]
    for one in listeners:
        registry.add([1], one)
    try:
        await spread(registry, 1, 7)
    finally:
        for one in listeners:
            registry.remove(one)

    assert got == [7, 7]


async def test_what_is_published_once_a_socket_knows_where_things_stand_is_not_missed(
    browse: Browse, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt, broker = PubSub.subscribe, outbox.client()

    async def slow(channel: PubSub, *names: str) -> None:
        await asyncio.sleep(0.3)
        await prompt(channel, *names)

    monkeypatch.setattr(PubSub, "subscribe", slow)
    one = await browse("m=1")
    assert json.loads(await one.receive_from())["type"] == "snapshot"
    broker.publish(CHANNEL, json.dumps({"type": "tick", "market": 1, "seq": 7}))

    frames = [json.loads(await one.receive_from())]
    while frames[-1]["type"] == "heartbeat" and len(frames) < 50:
        frames.append(json.loads(await one.receive_from()))
    assert frames[-1].get("seq") == 7


async def test_the_registry_forgets_who_leaves(browse: Browse, registry: Registry) -> None:
    sockets = [await browse() for _ in range(5)]
    assert len(registry._listeners[1]) == 5

    for one in sockets:
        await one.disconnect()

    assert dict(registry._listeners) == {}
    assert registry._feeder is None


class Leaver(Mute):
    """A listener that goes while it is told something, and keeps the cancellation to itself."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    async def deliver(self, _place: int | str, _seq: int, _frame: str) -> None:
        asyncio.get_running_loop().call_soon(self.registry.remove, self)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(5)


class Hasty(Leaver):
    """A listener that goes in the feeder's own turn."""

    async def deliver(self, _place: int | str, _seq: int, _frame: str) -> None:
        self.registry.remove(self)


class Counter(Mute):
    """A listener that remembers what it hears."""

    def __init__(self) -> None:
        self.heard: list[int] = []

    async def deliver(self, _place: int | str, seq: int, _frame: str) -> None:
        self.heard.append(seq)


@pytest.mark.parametrize("kind", [Leaver, Hasty])
async def test_a_feeder_that_was_replaced_ends(registry: Registry, kind: type[Leaver]) -> None:
    broker, counter = outbox.client(), Counter()

    async def subscribers(count: int) -> None:
        while broker.pubsub_numsub(CHANNEL)[0][1] != count:
            await asyncio.sleep(0.01)

    async with asyncio.timeout(PATIENCE_S):
        await subscribers(0)  # that of the test before may still be on its way out
        registry.add([1], kind(registry))
        first = registry._feeder
        assert first is not None
        await subscribers(1)
        broker.publish(CHANNEL, json.dumps({"market": 1, "seq": 1}))
        await first
        await subscribers(0)
        try:
            registry.add([1], counter)
            await subscribers(1)
            for seq in (2, 3):
                broker.publish(CHANNEL, json.dumps({"market": 1, "seq": seq}))
            while len(counter.heard) < 2:
                await asyncio.sleep(0.01)
        finally:
            registry.remove(counter)

    assert counter.heard == [2, 3]
