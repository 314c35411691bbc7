from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from exchange.errors import Malformed, Unprocessable
from exchange.ids import public_id
from exchange.models import ApiToken, User
from exchange.selectors import portfolio
from exchange.services import tokens
from tests.factories import usdc
from tests.web.pages import body, text

pytestmark = pytest.mark.django_db

Watch = Callable[[], AbstractContextManager[None]]


def test_changes_the_name_others_see(client: Client, alice: User) -> None:
    client.force_login(alice)

    response = client.post("/account/", {"display_name": "Ann"}, follow=True)

    alice.refresh_from_db()
    assert alice.display_name == "Ann"
    assert "Your name was changed." in text(response)


@pytest.mark.parametrize("name", ["x" * 41, "a\u202eb", "a\x00b", "a\u200bb"])
def test_refuses_names_that_cannot_be_read(client: Client, alice: User, name: str) -> None:
    client.force_login(alice)

    response = client.post("/account/", {"display_name": name})

    alice.refresh_from_db()
    assert response.status_code == 422
    assert alice.display_name == "Alice"


def test_shows_a_token_once(client: Client, alice: User) -> None:
    client.force_login(alice)

    made = client.post(
        "/account/tokens/", {"name": "My bot", "scopes": ["read", "trade"], "days": "90"}
    )

    token = ApiToken.objects.get()
    assert (token.user, token.scopes) == (alice, ["read", "trade"])
    secret = body(made).partition('value="mgt_')[2].partition('"')[0]
    assert bytes(token.digest) == tokens.digest(f"mgt_{secret}")
    assert secret not in body(client.get("/account/"))
    assert "no-store" in made["Cache-Control"]


def test_withdrawing_is_off_unless_asked_for(client: Client, alice: User) -> None:
    client.force_login(alice)

    page = body(client.get("/account/"))

    assert 'value="read" checked' in page
    assert 'value="withdraw" checked' not in page


@pytest.mark.parametrize(
    "sent",
    [
        {"name": "", "scopes": ["read"]},
        {"name": "x" * 61, "scopes": ["read"]},
        {"name": "bot", "scopes": []},
        {"name": "bot", "scopes": ["admin"]},
        {"name": "bot", "scopes": ["read"], "days": "10000"},
    ],
)
def test_refuses_a_malformed_token(
    client: Client, alice: User, nothing_happened: Watch, sent: dict[str, object]
) -> None:
    client.force_login(alice)

    with nothing_happened():
        response = client.post("/account/tokens/", sent)

    assert response.status_code == 422


def test_revokes_a_token_for_good(client: Client, alice: User) -> None:
    token, _ = tokens.create(user=alice, name="bot", scopes=["read"])
    client.force_login(alice)

    client.post(f"/account/tokens/{public_id('tok', token.pk)}/revoke/")

    token.refresh_from_db()
    assert token.revoked_at is not None
    assert not tokens.revoke(token=token)


def test_cannot_revoke_anothers_token(
    client: Client, alice: User, charlie: User, nothing_happened: Watch
) -> None:
    token, _ = tokens.create(user=alice, name="bot", scopes=["read"])
    client.force_login(charlie)

    with nothing_happened():
        response = client.post(f"/account/tokens/{public_id('tok', token.pk)}/revoke/")

    assert response.status_code == 404


def test_a_person_has_a_limited_number_of_tokens(alice: User) -> None:
    for _ in range(tokens.TOKENS_MAX):
        tokens.create(user=alice, name="bot", scopes=["read"])

    with pytest.raises(Unprocessable) as refused:
        tokens.create(user=alice, name="bot", scopes=["read"])

    assert refused.value.code == "token_limit"


@pytest.mark.parametrize("ttl", [timedelta(), timedelta(days=-1), timedelta(days=367)])
def test_a_token_lives_a_sensible_time(alice: User, ttl: timedelta) -> None:
    with pytest.raises(Malformed):
        tokens.create(user=alice, name="bot", scopes=["read"], ttl=ttl)


def test_gives_demo_money_once_a_day(client: Client, alice: User) -> None:
    client.force_login(alice)

    first = client.post("/demo-funds/", {"next": "/help/"}, follow=True)
    second = client.post("/demo-funds/", follow=True)

    assert "1 000 demo USDC are in your cash" in text(first).replace("\u202f", " ")
    assert first.redirect_chain == [("/help/", 302)]
    assert "You had today's demo USDC already" in text(second)
    assert portfolio.money(alice).cash_micro == usdc("2000")


def test_there_is_no_play_money_on_a_real_site(
    client: Client, alice: User, settings: Settings, nothing_happened: Watch
) -> None:
    settings.DEMO = False
    client.force_login(alice)

    with nothing_happened():
        assert client.post("/demo-funds/").status_code == 404
    assert "demo" not in text(client.get("/portfolio/")).lower().replace("demo money", "")


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "evil"]
)
def test_never_leaves_the_site(client: Client, alice: User, target: str) -> None:
    client.force_login(alice)

    response = client.post("/demo-funds/", {"next": target})

    assert response["Location"] == "/"
