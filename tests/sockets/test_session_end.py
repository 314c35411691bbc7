"""A socket does not outlive what let it in: logout, a new password, deactivation, expiry."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from exchange import clock
from exchange.models import User
from tests.factories import active_market, buy, funded_user
from tests.sockets.browser import Browser, session_of, sign_in

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300), pytest.mark.usefixtures("books")]

Open = Callable[..., Browser]
SIGNED_OUT, TROUBLE = 4401, 4503
# A look every five seconds, and a slow machine.
CLOSED_S_MAX = 7.0


def log_out(_: User, client: Client) -> None:
    client.logout()


def deactivate(user: User, _: Client) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def change_password(user: User, _: Client) -> None:
    user.set_password("another-long-secret")
    user.save()


def expire(_: User, client: Client) -> None:
    past = clock.now() - timedelta(seconds=1)
    Session.objects.filter(session_key=session_of(client)).update(expire_date=past)


def delete_session(_: User, client: Client) -> None:
    Session.objects.filter(session_key=session_of(client)).delete()


ENDINGS = (log_out, deactivate, change_password, expire, delete_session)


def test_closed_within_seconds_however_the_session_ends(
    browse: Open, publish: Callable[[], int]
) -> None:
    market = active_market()
    people = [funded_user("100", password="first-long-secret") for _ in ENDINGS]
    clients = [sign_in(user) for user in people]
    browsers = [browse(market.pk, session=session_of(client)) for client in clients]
    for one in browsers:
        one.read()
    bystander = sign_in(funded_user("100"))
    stays = browse(market.pk, session=session_of(bystander))
    stranger = browse(market.pk)

    for ending, user, client in zip(ENDINGS, people, clients, strict=True):
        ending(user, client)
    began = time.monotonic()
    codes = [one.code(CLOSED_S_MAX) for one in browsers]

    assert codes == [SIGNED_OUT] * len(ENDINGS)
    assert time.monotonic() - began < CLOSED_S_MAX
    for user in people:
        buy(user, market, "5")
    publish()
    for one in browsers:
        assert one.rest(0.1) == []
    for one in (stays, stranger):
        assert {m["type"] for m in one.rest(0.5)} <= {"tick", "snapshot"}
        one.say('{"ack": 1}')


def test_a_new_password_keeps_the_window_that_set_it(browse: Open) -> None:
    """The form that changes the password renews its own session; others are signed out."""
    user = funded_user("10", password="first-long-secret")
    here, there = sign_in(user), sign_in(user)
    market = active_market()
    mine = browse(market.pk, session=session_of(here))
    other = browse(market.pk, session=session_of(there))

    user.set_password("second-long-secret")
    user.save()
    request = type("Request", (), {"session": here.session, "user": user})()
    update_session_auth_hash(request, user)
    request.session.save()

    assert other.code(CLOSED_S_MAX) == SIGNED_OUT
    assert mine.code(CLOSED_S_MAX) == SIGNED_OUT  # its cookie is a new one; it connects again
    again = browse(market.pk, session=request.session.session_key)
    assert again.read()["type"] == "snapshot"


def test_a_trouble_of_the_database_does_not_make_a_socket_immortal(browse: Open) -> None:
    """Whose session cannot be looked at is sent away, and comes back when the database does."""
    market, user = active_market(), funded_user("10")
    client = sign_in(user)
    browser = browse(market.pk, session=session_of(client))
    browser.read()

    drop_sessions_for(6.0)
    client.logout()

    assert browser.code(CLOSED_S_MAX) in {SIGNED_OUT, TROUBLE}
    # each lost session of the site's pool costs one browser one more try
    tries = [opens(browse, market.pk) for _ in range(10)]
    assert all(tries[-3:]), tries


def opens(browse: Open, market_id: int) -> bool:
    """Say whether a browser gets a socket and hears where the market stands."""
    try:
        return bool(browse(market_id).read()["type"] == "snapshot")
    except (InvalidHandshake, ConnectionClosed):
        return False


def drop_sessions_for(seconds: float) -> None:
    """End the site's database sessions again and again for that time."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        time.sleep(0.05)
