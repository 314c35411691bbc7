"""Joining by the page is limited as by the API, and a refused one says when to try again."""

import pytest
from django.test import Client
from rest_framework.settings import api_settings

from exchange.models import Session
from tests.factories import open_session
from tests.web.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(api_settings, "DEFAULT_THROTTLE_RATES", {"join": "2/h", "read": "9/s"})
    return open_session()


def _join(session: Session, number: int, address: str = "10.9.0.1") -> tuple[int, str, str]:
    """Join from a browser of one's own; return status, when to come back, and the words."""
    page = Client(REMOTE_ADDR=address).post(
        f"/sessions/{session.code}/join/", {"name": f"N{number}"}
    )
    return page.status_code, page.headers.get("Retry-After", ""), text(page)


def test_joining_by_the_page_has_its_limit(session: Session) -> None:
    answers = [_join(session, number) for number in range(4)]

    assert [status for status, _, _ in answers] == [302, 302, 429, 429]
    _, wait, words = answers[2]
    assert 1_790 <= int(wait) <= 1_800
    assert f"Too many requests; come back in {wait} s." in words
    assert "You can try again at" in words
    assert session.participants.count() == 2
    assert _join(session, 5, "10.9.0.2")[0] == 302


def test_page_and_api_share_one_limit(session: Session) -> None:
    caller = Client(REMOTE_ADDR="10.9.0.3")
    path, kind = f"/api/v1/sessions/{session.code}/join/", "application/json"
    said = [caller.post(path, {"name": f"A{n}"}, content_type=kind) for n in range(3)]

    assert [answer.status_code for answer in said] == [201, 201, 429]
    message = said[2].json()["error"]["message"]
    status, _, words = _join(session, 7, "10.9.0.3")
    assert status == 429
    assert message.partition(" in ")[0] in words.lower()
