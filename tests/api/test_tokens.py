"""/tokens/: keys are made, listed and revoked by a person who is signed in."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from exchange import clock
from exchange.ids import public_id
from exchange.models import ApiToken, User
from exchange.services import tokens
from tests.api.caller import Caller

pytestmark = pytest.mark.django_db
Nothing = Callable[[], AbstractContextManager[None]]
BOT = {"name": "bot", "scopes": ["read", "trade"], "ttl_days": 30}


def test_makes_a_key_that_works(as_alice: Caller, alice: User) -> None:
    answer = as_alice.post("tokens/", BOT)

    body = answer.json
    assert answer.status == 201
    assert body["secret"].startswith("mgt_")
    assert (body["name"], body["scopes"]) == ("bot", ["read", "trade"])
    assert body["expires_at"] > body["created_at"]
    assert Caller(secret=body["secret"]).get("me/").json["email"] == alice.email
    assert body["secret"] not in str(ApiToken.objects.values())


def test_the_secret_is_shown_once(as_alice: Caller) -> None:
    made = as_alice.post("tokens/", BOT).json

    listed, read = as_alice.get("tokens/"), as_alice.get(f"tokens/{made['id']}/")

    assert listed.json["results"][0]["id"] == read.json["id"] == made["id"]
    for answer in (listed, read):
        assert made["secret"].encode() not in answer.raw
        assert b"digest" not in answer.raw


def test_a_key_without_an_end(as_alice: Caller) -> None:
    assert as_alice.post("tokens/", {"name": "bot", "scopes": ["read"]}).json["expires_at"] is None


def test_revokes_a_key_for_good(as_alice: Caller) -> None:
    made = as_alice.post("tokens/", BOT).json
    program = Caller(secret=made["secret"])

    first, second = (as_alice.delete(f"tokens/{made['id']}/") for _ in range(2))

    assert (first.status, first.raw, second.status) == (204, b"", 204)
    assert program.get("me/").code == "token_invalid"
    assert as_alice.get(f"tokens/{made['id']}/").json["revoked_at"] is not None


def test_charlie_neither_reads_nor_revokes_hers(
    as_charlie: Caller, alice: User, nothing_happened: Nothing
) -> None:
    token, _ = tokens.create(user=alice, name="bot", scopes=["read"])
    address = f"tokens/{public_id('tok', token.pk)}/"

    with nothing_happened():
        answers = [as_charlie.get(address), as_charlie.delete(address)]

    assert {answer.code for answer in answers} == {"not_found"}
    assert as_charlie.get("tokens/").json == {"results": []}


def test_a_key_makes_no_keys(
    by_token: Callable[..., Caller], alice: User, nothing_happened: Nothing
) -> None:
    program = by_token(alice, "read", "trade", "withdraw")
    program.get("me/")

    with nothing_happened():
        made, listed = program.post("tokens/", BOT), program.get("tokens/")

    assert (made.status, made.code) == (403, "not_allowed")
    assert listed.status == 403


def test_a_visitor_makes_no_keys(anyone: Caller, db: None, nothing_happened: Nothing) -> None:
    with nothing_happened():
        assert anyone.post("tokens/", BOT).code == "not_signed_in"
        assert anyone.get("tokens/").code == "not_signed_in"


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""}, {"name": "   "}, {"name": "x" * 61}, {"name": 7}, {"name": None},
        {"name": ["bot"]}, {"name": "a\x00b"}, {"scopes": []}, {"scopes": ["admin"]},
        {"scopes": "read"}, {"scopes": [["read"]]}, {"scopes": None}, {"scopes": {"read": 1}},
        {"scopes": ["read"] * 5}, {"ttl_days": 0}, {"ttl_days": -1}, {"ttl_days": 367},
        {"ttl_days": "30"}, {"ttl_days": True}, {"ttl_days": None}, {"user": 1}, {"secret": "x"},
        {"expires_at": "2030-01-01"}, {"digest": "00"},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_malformed_is_refused(
    as_alice: Caller, nothing_happened: Nothing, change: dict[str, object]
) -> None:
    with nothing_happened():
        answer = as_alice.post("tokens/", {**BOT, **change})

    assert answer.status == 400
    assert answer.code in {"malformed", "field_unknown", "field_missing"}


def test_there_is_an_end_to_keys(as_alice: Caller, alice: User, nothing_happened: Nothing) -> None:
    for number in range(tokens.TOKENS_MAX):
        tokens.create(user=alice, name=f"bot {number}", scopes=["read"])

    with nothing_happened():
        answer = as_alice.post("tokens/", BOT)

    assert (answer.status, answer.code) == (422, "token_limit")


@pytest.mark.parametrize("token", ["1", "tok_1", "ord_0000000000001", "tok_0000000000001"])
def test_an_unknown_key_is_not_found(as_alice: Caller, token: str) -> None:
    assert as_alice.get(f"tokens/{token}/").code == "not_found"
    assert as_alice.delete(f"tokens/{token}/").code == "not_found"


def test_an_expired_key_is_refused(alice: User) -> None:
    _, secret = tokens.create(user=alice, name="bot", scopes=["read"], ttl=tokens.TTL_MAX)
    program = Caller(secret=secret)

    assert program.get("me/").status == 200
    with clock.shifted(int(tokens.TTL_MAX.total_seconds()) + 1):
        assert program.get("me/").code == "token_invalid"
