"""Who calls: tokens by digest, their last use, and what is no token."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exchange import clock
from exchange.models import ApiToken, User
from exchange.services import tokens
from tests.api.caller import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def secret(alice: User) -> str:
    """Return the secret of a token that may read."""
    return tokens.create(user=alice, name="bot", scopes=["read"])[1]


def header(value: str) -> Caller:
    caller = Caller()
    caller.headers = {"Authorization": value}
    return caller


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_of_any_case(secret: str, scheme: str) -> None:
    assert header(f"{scheme} {secret}").get("me/").status == 200


@pytest.mark.parametrize(
    "wrong",
    [
        "Bearer", "Bearer ", "Bearer mgt_a mgt_b", "Bearer mgt_", "Bearer mgt_wrong",
        "Bearer xyz", "Bearer mgt_" + "x" * 200, "Bearer \xff\xfe", "bearer null",
    ],
)  # fmt: skip
def test_what_is_no_token_is_refused(secret: str, wrong: str) -> None:
    answer = header(wrong).get("me/")

    assert (answer.status, answer.code) == (401, "token_invalid")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("other", ["Basic YWxpY2U6cHc=", "Token abc", "mgt_abc", ""])
def test_another_scheme_is_nobody(secret: str, other: str) -> None:
    assert header(other).get("me/").code == "not_signed_in"


def test_a_secret_is_exact(secret: str) -> None:
    for near in (secret[:-1], secret + "A", secret.swapcase(), secret.upper()):
        assert header(f"Bearer {near}").get("me/").code == "token_invalid"


def test_an_inactive_owner_is_refused(secret: str, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert header(f"Bearer {secret}").get("me/").code == "token_invalid"


def test_the_last_use_is_noted_once_a_minute(secret: str) -> None:
    program = header(f"Bearer {secret}")
    program.get("me/")
    noted = ApiToken.objects.get().last_used_at

    with CaptureQueriesContext(connection) as queries:
        program.get("me/")

    assert noted is not None
    assert clock.now() - noted < timedelta(minutes=1)
    assert ApiToken.objects.get().last_used_at == noted
    assert not any("UPDATE" in query["sql"] for query in queries)
    with clock.shifted(61):
        program.get("me/")
    later = ApiToken.objects.get().last_used_at
    assert later is not None
    assert later > noted


def test_a_token_outranks_a_session(secret: str, charlie: User, alice: User) -> None:
    caller = Caller(charlie, secret=secret)

    assert caller.get("me/").json["email"] == alice.email


def test_a_bad_token_does_not_fall_back_to_the_session(charlie: User) -> None:
    assert Caller(charlie, secret="mgt_wrong").get("me/").code == "token_invalid"
