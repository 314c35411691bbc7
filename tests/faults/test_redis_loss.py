"""Redis is emptied, killed, absent or silent: orders go on, and the news comes when it is back."""

import http.client
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from exchange import clock
from exchange.models import Command, Market, OutboxEvent, User
from exchange.services import tokens
from tests.doors import prove
from tests.factories import active_market, funded_user
from tests.faults.broker import Listener, OwnBroker
from tests.faults.nursery import database_url
from tests.faults.scale import scaled
from tests.faults.site import Order, Process, Web, ask, new_key

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

FLUSHES = scaled(5, 10)
ABSENT_S = scaled(4, 60)
CLEARED_S_MAX = 30.0
PATIENCE_S_MAX = 2.5


class Site:
    """A web process, a clock, and a broker that is ours."""

    def __init__(self) -> None:
        self.broker = OwnBroker()
        stores = {
            "DATABASE_URL": database_url(str(connection.settings_dict["NAME"])),
            "REDIS_URL": self.broker.url,
        }
        self.web, self.clock = Web(**stores), Process("clock", 0, **stores)
        self.clock.start()
        self.web.start()

    def remove(self) -> None:
        """End everything."""
        self.web.remove()
        self.clock.remove()
        self.broker.remove()


class Scene:
    """A market on such a site, and traders who order there one after the other."""

    def __init__(self, site: Site) -> None:
        self.broker, self.web = site.broker, site.web
        self.stop = threading.Event()
        self.answers: list[tuple[str, int, float]] = []
        self.threads: list[threading.Thread] = []

    def open(self, traders: int = 4) -> None:
        """Let traders order one after the other until the end."""
        self.market: Market = active_market(pool="100000")
        for _ in range(traders):
            user = funded_user("10000")
            thread = threading.Thread(target=self._trade, args=(user,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _trade(self, user: User) -> None:
        _, secret = tokens.create(user=user, name="bot", scopes=["trade"])
        connection.close()
        while not self.stop.is_set():
            order = Order(self.market.slug, {"side": "buy", "amount": "5"}, secret, new_key())
            began = time.monotonic()
            status = order.send(self.web.port).status
            self.answers.append((order.key, status, time.monotonic() - began))
            time.sleep(0.02)

    def finish(self) -> None:
        """Let everybody end their last order."""
        self.stop.set()
        for thread in self.threads:
            thread.join(30)


@pytest.fixture(scope="module")
def _site(django_db_setup: None) -> Iterator[Site]:
    one = Site()
    yield one
    one.remove()


@pytest.fixture
def scene(_site: Site, books: None) -> Iterator[Scene]:
    one = Scene(_site)
    yield one
    one.finish()
    _site.broker.heal()


def cleared(within_s: float = CLEARED_S_MAX) -> None:
    """Wait until no news waits any more."""
    deadline = time.monotonic() + within_s
    while OutboxEvent.objects.exists():
        assert time.monotonic() < deadline, f"{OutboxEvent.objects.count()} batches' news wait"
        time.sleep(0.05)


def judge(scene: Scene) -> None:
    """Every order was answered as usual, and every answer is in the log."""
    assert {status for _, status, _ in scene.answers} <= {201, 422}
    rows = dict(Command.objects.filter(market=scene.market).values_list("key", "accepted"))
    for name, status, _ in scene.answers:
        assert rows[name] is (status == 201)
    assert any(status == 201 for _, status, _ in scene.answers)


def test_flushed_under_load_orders_and_news_go_on(scene: Scene) -> None:
    scene.open()
    listener = Listener(scene.broker.url)
    listener.listens.wait(10)
    for _ in range(FLUSHES):
        time.sleep(0.4)
        scene.broker.flush()
    scene.finish()

    cleared()
    time.sleep(0.3)
    listener.close()

    judge(scene)
    heard = listener.firsts(scene.market.pk)
    assert heard == sorted(heard)
    scene.market.live.refresh_from_db()
    assert set(range(heard[0], scene.market.live.batch_seq + 1)) == set(heard)


def test_killed_and_back_empty_the_backlog_follows(scene: Scene) -> None:
    scene.open()
    time.sleep(1)
    scene.broker.stop()
    time.sleep(ABSENT_S)
    count, waiting = len(scene.answers), OutboxEvent.objects.count()
    time.sleep(1)
    assert len(scene.answers) > count, "nobody trades without Redis"
    assert waiting > 0
    scene.finish()
    left = list(OutboxEvent.objects.order_by("id").values_list("seq", flat=True))

    listener = Listener(scene.broker.url)
    scene.broker.start()
    assert listener.listens.wait(10)
    cleared()
    time.sleep(0.3)
    listener.close()

    judge(scene)
    heard = listener.firsts(scene.market.pk)
    assert heard == sorted(heard)
    # the publisher may have been a moment faster than the listener
    assert set(heard) >= set(left[len(left) // 2 :])


def test_silent_it_costs_an_order_little_time(scene: Scene) -> None:
    scene.open()
    time.sleep(1)
    before = len(scene.answers)
    scene.broker.freeze()
    time.sleep(ABSENT_S)
    during = list(scene.answers[before + len(scene.threads) :])
    scene.broker.freeze(silent=False)
    scene.finish()

    cleared()
    judge(scene)
    assert during, "nobody trades while Redis is silent"
    assert max(took for _, _, took in during) < PATIENCE_S_MAX


def _post(port: int, browser: Client, path: str, fields: dict[str, str]) -> int:
    """Send a form as a browser that is signed in and has the site's cookie against forgery."""
    forgery = "f" * 32
    jar = f"sessionid={browser.cookies['sessionid'].value}; csrftoken={forgery}"
    caller = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    body = urlencode({**fields, "csrfmiddlewaretoken": forgery})
    head = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": jar}
    caller.request("POST", path, body, head)
    answer = caller.getresponse()
    assert b"limits cannot be checked" in answer.read()
    caller.close()
    return answer.status


def test_what_moves_money_out_or_makes_keys_waits_for_it(scene: Scene) -> None:
    scene.open(traders=0)
    owner, browser, port = funded_user("10"), Client(), scene.web.port
    browser.force_login(owner)
    prove(browser, owner)
    _, secret = tokens.create(
        user=owner, name="bot", scopes=["read", "withdraw"], proved_at=clock.now()
    )
    scene.broker.stop()

    assert ask(port, "GET", "/api/v1/balances/", token=secret).status == 200
    assert ask(port, "GET", "/api/v1/markets/").status == 200
    asked, address = (
        {"address_id": "abk_0000000000001", "amount": "5"},
        "/api/v1/wallet/withdrawals/",
    )
    refused = ask(port, "POST", address, asked, token=secret, key=new_key())
    assert (refused.status, refused.code) == (503, "busy")
    form = {"entry": "abk_0000000000001", "amount": "5", "key": new_key()}
    assert _post(port, browser, "/wallet/withdrawals/", form) == 503
    assert _post(port, browser, "/account/tokens/", {"name": "bot", "scopes": "read"}) == 503
    assert owner.api_tokens.count() == 1
