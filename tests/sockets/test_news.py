"""What a browser hears: where it stands, then each tick of what it looks at, and its own."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.db import connection
from websockets.exceptions import InvalidStatus

from exchange.models import LiveState, OutboxEvent
from exchange.services import outbox
from tests.factories import active_market, buy, funded_user
from tests.sockets.browser import Browser, session_of, sign_in

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300), pytest.mark.usefixtures("books")]

Open = Callable[..., Browser]
Publish = Callable[[], int]


def test_begins_with_where_each_market_stands(browse: Open) -> None:
    one, two = active_market(), active_market()
    buy(funded_user("100"), one, "5")

    first = browse(one.pk, two.pk, 10**15).read()

    assert first["type"] == "snapshot"
    assert set(first["markets"]) == {str(one.pk), str(two.pk)}
    for market in (one, two):
        live = LiveState.objects.get(market=market)
        assert first["markets"][str(market.pk)] == {"seq": live.batch_seq, "tick": live.last_tick}


def test_hears_the_ticks_of_what_it_looks_at_and_no_others(browse: Open, publish: Publish) -> None:
    mine, other, user = active_market(), active_market(), funded_user("1000")
    publish()
    browser = browse(mine.pk)
    start = browser.read()["markets"][str(mine.pk)]["seq"]
    time.sleep(0.5)

    for _ in range(5):
        buy(user, other, "5")
        buy(user, mine, "5")
    publish()

    ticks = browser.rest(1.5)
    assert {tick["market"] for tick in ticks} == {mine.pk}
    assert [tick["seq"] for tick in ticks] == list(range(start + 1, start + 6))
    assert [tick["tick"]["seq"] for tick in ticks] == [tick["seq"] for tick in ticks]


def test_the_first_browser_misses_nothing_after_its_snapshot(
    browse: Open, publish: Publish
) -> None:
    """Nobody listened before, so the process has to subscribe first: is the news kept meanwhile?"""
    market, user = active_market(), funded_user("1000")
    publish()
    for _ in range(5):
        browser = browse(market.pk)
        seen = browser.read()["markets"][str(market.pk)]["seq"]

        buy(user, market, "5")
        publish()

        assert browser.next("tick", 3)["seq"] == seen + 1
        browser.close()
        time.sleep(0.2)


def test_who_misses_a_tick_can_tell(browse: Open, publish: Publish) -> None:
    market, user = active_market(), funded_user("1000")
    publish()
    browser = browse(market.pk)
    seen = browser.read()["markets"][str(market.pk)]["seq"]
    time.sleep(0.5)

    for _ in range(3):
        buy(user, market, "5")
    OutboxEvent.objects.order_by("id").first().delete()  # type: ignore[union-attr]
    publish()

    assert [tick["seq"] for tick in browser.rest(1)] == [seen + 2, seen + 3]
    again = browse(market.pk).read()
    assert again["markets"][str(market.pk)]["seq"] == seen + 3


def test_own_news_reaches_its_owner_and_nobody_else(browse: Open, publish: Publish) -> None:
    market, alice, bob = active_market(), funded_user("1000"), funded_user("1000")
    publish()
    hers, his, nobodys = (
        browse(market.pk, session=session_of(sign_in(user)) if user else "")
        for user in (alice, bob, None)
    )
    # a name of a group or a user in the address is no way in
    curious = browse(
        market.pk,
        session=session_of(sign_in(bob)),
        query=f"m={market.pk}&user={alice.pk}&u={alice.pk}&group=user.{alice.pk}",
    )
    for one in (hers, his, nobodys, curious):
        one.read()
    time.sleep(0.5)

    for _ in range(10):
        buy(alice, market, "5")
    publish()

    own = [m for m in hers.rest(2) if m["type"] == "own"]
    assert [m["cash"] for m in own] == [f"{1000 - 5 * n}.000000" for n in range(1, 11)]
    versions = [m["version"] for m in own]
    assert versions == sorted(set(versions))
    for one in (his, nobodys, curious):
        others = one.rest(0.3)
        assert {m["type"] for m in others} == {"tick"}
        assert len(others) == 10
        assert "cash" not in str(others)


def test_two_windows_of_one_person_both_hear(browse: Open, publish: Publish) -> None:
    market, alice = active_market(), funded_user("1000")
    publish()
    session = session_of(sign_in(alice))
    windows = [browse(market.pk, session=session) for _ in range(2)]
    for one in windows:
        one.read()
    time.sleep(0.5)

    buy(alice, market, "5")
    publish()

    for one in windows:
        kinds = sorted(m["type"] for m in one.rest(1))
        assert kinds == ["own", "tick"]


def test_a_frame_is_the_same_bytes_for_everybody(browse: Open, publish: Publish) -> None:
    market, user = active_market(), funded_user("1000")
    publish()
    browsers = [browse(market.pk) for _ in range(3)]
    for one in browsers:
        one.read()
    time.sleep(0.5)

    buy(user, market, "5")
    publish()

    frames = {str(one.next("tick")) for one in browsers}
    assert len(frames) == 1
    assert str(user.email) not in frames.pop()


@pytest.mark.parametrize("query", ["", "m=", "m=x", "m=-1", "m=1,,2", "m=1e3", "m=%D9%A1", "m=1.5"])
def test_nonsense_is_refused_before_it_opens(browse: Open, query: str) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        browse(query=query or "n=1")

    assert refusal.value.response.status_code == 403


def test_more_markets_than_a_page_shows_are_refused(browse: Open) -> None:
    browse(*range(1, 51)).read()
    with pytest.raises(InvalidStatus):
        browse(*range(1, 52))


def test_a_broken_message_on_the_wire_silences_nobody(
    browse: Open, publish: Publish, settings: Any
) -> None:
    market, user = active_market(), funded_user("100")
    publish()
    browser = browse(market.pk)
    browser.read()
    time.sleep(0.5)

    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        for junk in (b"not json", b"{}", b"[]", b"\xff\xfe", b'{"market": "x", "seq": null}'):
            broker.publish(outbox.CHANNEL, junk)
    buy(user, market, "5")
    publish()

    assert browser.next("tick", 3)["market"] == market.pk


def test_a_socket_whose_snapshot_fails_is_closed_and_the_next_one_opens(browse: Open) -> None:
    market = active_market()
    browse(market.pk).read()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    opened = 0
    for _ in range(20):
        try:
            browse(market.pk).read(3)
            opened += 1
        except Exception:  # noqa: BLE001 (what a browser does: try again)
            continue

    assert opened >= 3
