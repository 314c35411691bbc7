"""The database is slow, silent, or drops everybody: callers are told so soon, and nothing tears."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from exchange.models import Command, Market, User
from exchange.services import tokens
from megatron import embedded
from tests.factories import active_market, funded_user
from tests.fakes.tcp_proxy import TcpProxy
from tests.faults.site import Answer, Order, Web, ask, new_key

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300), pytest.mark.usefixtures("books")]

CALLERS = 24
TOLD_S_MAX = 5.0
STUCK_S_MAX = 10.0
BACK_S_MAX = 15.0
# for the way of an answer over a loaded machine
SLACK_S = 1.0
PAGES = ("/", "/portfolio/", "/accounts/login/", "/admin/", "/nowhere/", "/readyz")
SOCKET = ".s.PGSQL.5432"


def orders(market: Market, user: User, count: int = CALLERS) -> list[Order]:
    _, secret = tokens.create(user=user, name="bot", scopes=["trade", "read"])
    return [
        Order(market.slug, {"side": "buy", "amount": "5"}, secret, new_key()) for _ in range(count)
    ]


def send_all(port: int, asked: list[Order], within_s: float) -> list[tuple[Answer | None, float]]:
    """Send them at once; return each answer, None for none at all, and how long it took."""
    return at_once([partial(order.send, port, within_s) for order in asked])


def at_once(asks: Sequence[Callable[[], Answer]]) -> list[tuple[Answer | None, float]]:
    def send(one: Callable[[], Answer]) -> tuple[Answer | None, float]:
        began = time.monotonic()
        try:
            answer: Answer | None = one()
        except OSError as fault:
            print(f"no answer: {fault!r}")
            answer = None
        return answer, time.monotonic() - began

    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(send, asks))


def statuses(answers: list[tuple[Answer | None, float]]) -> Counter[int]:
    return Counter(answer.status if answer else 0 for answer, _ in answers)


def end_every_session_of_the_site() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_dropped_sessions_are_told_as_unavailable_and_heal(web: Web) -> None:
    market, alice = active_market(pool="100000"), funded_user("10000")
    asked = orders(market, alice)
    warm = send_all(web.port, asked, 20)
    assert statuses(warm) == {201: CALLERS}

    end_every_session_of_the_site()
    again = send_all(web.port, orders(market, alice), 20)
    assert set(statuses(again)) <= {201, 503}, [a.raw[:200] for a, _ in again if a]
    end_every_session_of_the_site()
    read = [ask(web.port, "GET", "/api/v1/markets/") for _ in range(CALLERS)]
    assert {answer.status for answer in read} <= {200, 503}
    end_every_session_of_the_site()
    pages = [ask(web.port, "GET", "/") for _ in range(CALLERS)]
    assert {answer.status for answer in pages} <= {200, 503}

    assert statuses(send_all(web.port, orders(market, alice), 20))[201] == CALLERS


@pytest.fixture(scope="module")
def _wire(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TcpProxy, Web]]:
    told = connection.settings_dict
    real = Path(str(told["HOST"] or told["OPTIONS"].get("host", "")))
    sockets = tmp_path_factory.mktemp("s")
    with TcpProxy(real / SOCKET, sockets / SOCKET) as proxy:
        web = Web(DATABASE_URL=f"postgresql://{embedded.NAME}@/{told['NAME']}?host={sockets}")
        web.start()
        yield proxy, web
        proxy.silent = False
        web.remove()


@pytest.fixture
def wire(_wire: tuple[TcpProxy, Web], books: None) -> Iterator[tuple[TcpProxy, Web]]:
    """Return a wire to the database and a web process whose every query runs over it."""
    yield _wire
    _wire[0].silent, _wire[0].delay_s = False, 0.0


def test_a_silent_database_is_told_within_five_seconds_and_nothing_is_half_done(
    wire: tuple[TcpProxy, Web],
) -> None:
    proxy, web = wire
    market, alice = active_market(pool="100000"), funded_user("10000")
    assert statuses(send_all(web.port, orders(market, alice), 20)) == {201: CALLERS}
    asked = orders(market, alice)

    proxy.silent = True
    told = send_all(web.port, asked, STUCK_S_MAX)
    proxy.silent = False
    began = time.monotonic()
    while statuses(send_all(web.port, asked, 20)) != {201: CALLERS}:
        assert time.monotonic() - began < BACK_S_MAX, "it does not heal"

    assert statuses(told) == {503: CALLERS}
    assert max(seconds for _, seconds in told) <= TOLD_S_MAX + SLACK_S
    names = [order.key for order in asked]
    assert Command.objects.filter(key__in=names, accepted=True).count() == CALLERS


def test_a_silent_database_is_told_at_every_door(wire: tuple[TcpProxy, Web]) -> None:
    proxy, web = wire
    browser = Client()
    browser.force_login(funded_user("10"))
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.session.session_key}"
    read = partial(ask, web.port, "GET", cookie=cookie, within_s=STUCK_S_MAX)
    paths = (*PAGES, "/api/v1/markets/", "/api/v1/portfolio/")

    proxy.silent = True
    alive = at_once([partial(read, "/healthz")])
    told = at_once([partial(read, path) for path in paths])
    proxy.silent = False

    assert statuses(alive) == {200: 1}
    assert alive[0][1] < SLACK_S
    assert statuses(told) == {503: len(paths)}
    assert max(seconds for _, seconds in told) <= TOLD_S_MAX + SLACK_S
    said = {path: answer for path, (answer, _) in zip(paths, told, strict=True) if answer}
    assert b"cannot reach our books" in said["/portfolio/"].raw
    assert said["/api/v1/portfolio/"].code == "store_down"
    assert {said[path].headers.get("Retry-After") for path in paths if path != "/readyz"} == {"1"}


def test_a_slow_database_slows_everybody_and_stops_nobody(wire: tuple[TcpProxy, Web]) -> None:
    proxy, web = wire
    market, alice = active_market(pool="100000"), funded_user("10000")
    asked = orders(market, alice)
    proxy.delay_s = 0.25

    told = send_all(web.port, asked, 30)
    proxy.delay_s = 0.0
    again = send_all(web.port, asked, 20)

    assert set(statuses(told)) <= {201, 503}
    assert max(seconds for _, seconds in told) < STUCK_S_MAX
    assert statuses(again) == {201: CALLERS}


def test_more_callers_than_connections_are_served_or_told(web: Web) -> None:
    markets, alice = [active_market(pool="100000") for _ in range(2)], funded_user("100000")
    asked = [order for market in markets for order in orders(market, alice, 100)]

    began = time.monotonic()
    told = send_all(web.port, asked, 60)
    took_s = time.monotonic() - began

    found = statuses(told)
    assert set(found) <= {201, 503}
    assert found[201] / took_s >= 5, f"{found} in {took_s:.1f} s"
