"""A token that may withdraw is made by its proven owner alone, who is told of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from exchange import clock
from exchange.errors import NotAllowed
from exchange.models import ApiToken, User
from exchange.services import proofs, tokens
from tests.doors import prove
from tests.web.pages import body

pytestmark = pytest.mark.django_db
Nothing = Callable[[], AbstractContextManager[None]]
ASKED = {"name": "payer", "scopes": ["read", "withdraw"]}
PASSWORD = "alice-has-a-long-secret"


def _api(client: Client) -> Any:
    return client.post("/api/v1/tokens/", ASKED, content_type="application/json")


@pytest.mark.parametrize("ago_s", [None, 301])
def test_a_session_alone_makes_none(
    client: Client, alice: User, nothing_happened: Nothing, ago_s: int | None
) -> None:
    client.force_login(alice)
    if ago_s is not None:
        prove(client, alice, ago_s)
    with nothing_happened():
        page, program = client.post("/account/tokens/", ASKED), _api(client)

    assert page.status_code == 302
    assert "reauthenticate" in page["Location"]
    assert (program.status_code, program.json()["error"]["code"]) == (403, "step_up_needed")
    assert not ApiToken.objects.exists()
    assert not mail.outbox


def test_the_password_given_once_more_makes_it_and_writes_to_the_owner(
    client: Client, alice: User, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    client.force_login(alice)
    away = client.post("/account/tokens/", ASKED)["Location"]
    with django_capture_on_commit_callbacks(execute=True):
        made = client.post(away, {"password": PASSWORD})

    token = ApiToken.objects.get()
    assert (token.user, token.scopes) == (alice, ["read", "withdraw"])
    assert 'value="mgt_' in body(made)
    (letter,) = [one for one in mail.outbox if one.to == [alice.email]]
    assert letter.subject == "A token that may withdraw was made"
    assert token.prefix in letter.body
    assert f"{tokens.withdraws_from(token):%d %b %Y %H:%M} UTC" in letter.body


def test_a_proven_session_makes_it_by_the_api_and_is_written_to(
    client: Client, alice: User, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    client.force_login(alice)
    prove(client, alice)
    with django_capture_on_commit_callbacks(execute=True):
        assert _api(client).status_code == 201

    assert [one.to for one in mail.outbox] == [[alice.email]]


def test_the_service_itself_asks(alice: User) -> None:
    for proved_at in (None, clock.now() - proofs.STEP_UP - timedelta(seconds=1)):
        with pytest.raises(NotAllowed) as refused:
            tokens.create(user=alice, name="payer", scopes=["withdraw"], proved_at=proved_at)
        assert refused.value.code == "step_up_needed"


def test_a_token_makes_none_even_beside_a_proven_session(
    client: Client, alice: User, nothing_happened: Nothing
) -> None:
    _, secret = tokens.create(
        user=alice, name="bot", scopes=["read", "withdraw"], proved_at=clock.now()
    )
    client.force_login(alice)
    prove(client, alice)
    head = {"Authorization": f"Bearer {secret}"}
    client.get("/api/v1/me/", headers=head)  # from now on its last use is known
    with nothing_happened():
        answer = client.post(
            "/api/v1/tokens/", ASKED, content_type="application/json", headers=head
        )

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_allowed")


def test_other_tokens_need_no_proof_and_no_letter(client: Client, alice: User) -> None:
    client.force_login(alice)
    made = client.post("/account/tokens/", {"name": "bot", "scopes": ["read", "trade"]})

    assert made.status_code == 200
    assert not mail.outbox
