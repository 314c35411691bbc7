"""Redis dies under open sockets: they stay open, and hear again when it is back."""

import time
from collections.abc import Iterator

import pytest
from django.db import connection

from tests.factories import active_market, buy, funded_user
from tests.faults.broker import OwnBroker
from tests.faults.nursery import database_url
from tests.faults.site import Process, Web
from tests.sockets.browser import Browser, session_of, sign_in

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300), pytest.mark.usefixtures("books")]

BACK_S_MAX = 15.0


@pytest.fixture
def site(books: None) -> Iterator[tuple[OwnBroker, Web]]:
    broker = OwnBroker()
    stores = {
        "DATABASE_URL": database_url(str(connection.settings_dict["NAME"])),
        "REDIS_URL": broker.url,
    }
    web, clock = Web(**stores), Process("clock", **stores)
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
    while kinds != {"tick", "own"}:
        assert time.monotonic() - began < BACK_S_MAX, f"only {kinds} are heard again"
        buy(alice, market, "5")
        kinds |= {m["type"] for m in browser.rest(1)}
        browser.say('{"ack": 0}')

    browser.close()
    late = Browser(web.port, [market.pk])
    market.live.refresh_from_db()
    assert late.read()["markets"][str(market.pk)]["seq"] == market.live.batch_seq
    late.close()


def test_a_socket_opens_while_the_broker_is_away(site: tuple[OwnBroker, Web]) -> None:
    """Sockets only improve pages: without Redis they may lag, but a page still gets its snapshot."""
    broker, web = site
    market, alice = active_market(), funded_user("1000")
    broker.stop()

    browser = Browser(web.port, [market.pk])
    assert browser.read()["type"] == "snapshot"
    signed_in = Browser(web.port, [market.pk], session=session_of(sign_in(alice)))
    assert signed_in.read()["type"] == "snapshot"

    broker.start()
    browser.close()
    signed_in.close()
