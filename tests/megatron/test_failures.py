import json

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import InterfaceError, OperationalError
from django.test import Client

from exchange.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    client.raise_request_exception = False
    return client


def _fail(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    def fail(_store: SessionStore) -> None:
        raise failure

    monkeypatch.setattr(SessionStore, "load", fail)


@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_a_lost_store_is_503_wherever_it_shows(
    browser: Client, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    _fail(monkeypatch, kind("canary"))

    page = browser.get("/portfolio/")
    program = browser.get("/api/v1/portfolio/")

    assert (page.status_code, program.status_code) == (503, 503)
    assert page.headers["Retry-After"] == program.headers["Retry-After"] == "1"
    assert "cannot reach our books" in page.content.decode()
    assert json.loads(program.content)["error"]["code"] == "store_down"
    assert b"canary" not in page.content + program.content


def test_a_defect_is_500_and_says_nothing_of_itself(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail(monkeypatch, RuntimeError("canary"))

    page = browser.get("/portfolio/")
    program = browser.get("/api/v1/nowhere/")

    assert page.status_code == 500
    assert "broke on our side" in page.content.decode()
    assert program.headers["Content-Type"] == "application/json"
    assert b"canary" not in page.content + program.content


def test_a_probe_does_not_ask_who_is_signed_in(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail(monkeypatch, OperationalError("canary"))

    assert browser.get("/healthz").status_code == 200
