"""Redis dies under open sockets: they stay open, and hear again when it is back."""

import contextlib
import time
from collections.abc import Iterator

import pytest
from django.db import connection
from websockets.exceptions import InvalidStatus

from tests.factories import active_market, buy, funded_user
from tests.faults.broker import OwnBroker
from tests.faults.nursery import database_url
from tests.faults.site import Process, Web, ask
from tests.sockets.browser import Browser, session_of, sign_in

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300), pytest.mark.usefixtures("books")]

BACK_S_MAX = 15.0
REFUSED_S_MAX = 5.0


@pytest.fixture
def site(books: None) -> Iterator[tuple[OwnBroker, Web]]:
    broker = OwnBroker()
    stores = {
        "DATABASE_URL": database_url(str(connection.settings_dict["NAME"])),
        "REDIS_URL": broker.url,
    }
    web, clock = Web(**stores), Process("clock", 0, **stores)
    clock.start()
    web.start()
    yield broker, web
    web.remove()
    clock.remove()
    broker.remove()


def test_sockets_hear_ticks_and_their_own_news_again(site: tuple[OwnBroker, Web]) -> None:
    broker, web = site
    market, alice = active_market(), funded_user("1000")
    browser = Browser(web.port, [market.pk], session=session_of(sign_in(alice)))
    browser.read()
    time.sleep(1)
    buy(alice, market, "5")
    assert {m["type"] for m in browser.rest(2)} == {"tick", "own"}

    broker.stop()
    time.sleep(2)
    broker.start()
    kinds: set[str] = set()
    began = time.monotonic()
    while not kinds >= {"tick", "own"}:
        assert time.monotonic() - began < BACK_S_MAX, f"only {kinds} are heard again"
        buy(alice, market, "5")
        kinds |= {m["type"] for m in browser.rest(1)}
        browser.say('{"ack": 0}')

    browser.close()
    late = Browser(web.port, [market.pk])
    market.live.refresh_from_db()
    assert late.read()["markets"][str(market.pk)]["seq"] == market.live.batch_seq
    late.close()


def test_what_was_told_while_nobody_heard_the_broker_is_told_again(
    site: tuple[OwnBroker, Web],
) -> None:
    broker, web = site
    market = active_market()
    browser = Browser(web.port, [market.pk])
    browser.read()
    broker.stop()
    time.sleep(2)  # the feeder of the web process waits longer each time than the clock does
    buy(funded_user("1000"), market, "5")
    broker.start()
    market.live.refresh_from_db()

    heard: set[int] = set()
    began = time.monotonic()
    while market.live.batch_seq not in heard:
        assert time.monotonic() - began < BACK_S_MAX, f"only {heard} were heard"
        for message in browser.rest(1):
            told = message.get("markets", {}).get(str(market.pk), message)
            heard.add(told.get("seq", 0))
        browser.say('{"ack": 0}')
    browser.close()


def test_without_the_broker_pages_are_right_and_sockets_are_refused_at_once(
    site: tuple[OwnBroker, Web],
) -> None:
    broker, web = site
    market = active_market()
    broker.stop()

    began = time.monotonic()
    with contextlib.suppress(InvalidStatus):
        Browser(web.port, [market.pk]).close()
    assert time.monotonic() - began < REFUSED_S_MAX
    buy(funded_user("100"), market, "5")
    snapshot = ask(web.port, "GET", f"/api/v1/markets/{market.slug}/snapshot/")
    market.live.refresh_from_db()
    assert snapshot.status == 200
    assert str(market.live.last_tick["display"]).rstrip("0") in snapshot.raw.decode()
    assert ask(web.port, "GET", f"/markets/{market.slug}/").status == 200

    broker.start()
    browser = Browser(web.port, [market.pk])
    assert browser.read()["markets"][str(market.pk)]["seq"] == market.live.batch_seq
    browser.close()
