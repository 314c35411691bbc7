"""One shape for every failure, whatever layer it comes from."""

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from exchange.api import errors
from exchange.errors import InvariantBroken, TooMany, Unavailable
from exchange.models import Market
from exchange.services import orders
from tests.api.caller import V1, Answer, Caller
from tests.factories import key

pytestmark = pytest.mark.django_db
BUY = {"side": "buy", "amount": "10"}


def assert_shape(answer: Answer) -> None:
    assert answer.headers["Content-Type"] == "application/json"
    error = answer.json["error"]
    assert set(answer.json) == {"error"}
    assert set(error) == {"code", "message", "fields", "request_id"}
    assert error["code"]
    assert error["message"]
    assert isinstance(error["fields"], dict)
    assert error["request_id"]


@pytest.mark.parametrize(
    "address",
    ["nowhere/", "markets", "markets/oil", "orders//", "../v1/x/", "markets/a b/", "?x=1"],
)
def test_an_address_that_is_none(anyone: Caller, address: str) -> None:
    for answer in (anyone.get(address), anyone.post(address, {})):
        assert (answer.status, answer.code) == (404, "not_found")
        assert_shape(answer)


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_a_verb_that_is_none(as_alice: Caller, method: str) -> None:
    answer = Answer(getattr(as_alice.client, method)(f"{V1}markets/"))

    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert_shape(answer)


@pytest.mark.parametrize(
    "media", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""]
)
def test_a_body_that_is_no_json(as_alice: Caller, market: Market, media: str) -> None:
    answer = as_alice.post(
        "markets/oil/orders/", raw="side=buy", Content_Type=media, Idempotency_Key=key()
    )

    assert (answer.status, answer.code) == (415, "media_type_unsupported")
    assert_shape(answer)


def test_a_form_with_files(as_alice: Caller, market: Market) -> None:
    raw = as_alice.client.post(f"{V1}markets/oil/orders/", {"side": "buy"})

    assert Answer(raw).code in {"media_type_unsupported", "key_missing"}


@pytest.mark.parametrize("accepted", ["text/html", "application/xml", "image/*"])
def test_an_answer_that_cannot_be_given(anyone: Caller, accepted: str) -> None:
    anyone.headers["Accept"] = accepted

    answer = anyone.get("markets/")

    assert (answer.status, answer.code) == (406, "not_acceptable")
    assert_shape(answer)


def test_a_query_does_not_choose_the_form(anyone: Caller) -> None:
    answer = anyone.get("markets/", format="xml")

    assert answer.status in {400, 404}
    assert_shape(answer)


def test_validation_names_every_field(anyone: Caller, market: Market) -> None:
    answer = anyone.post("markets/oil/quotes/", {"side": "up", "amount": "x"})

    assert set(answer.fields) == {"side", "amount"}
    assert_shape(answer)


def test_an_echo_is_short(anyone: Caller, market: Market) -> None:
    answer = anyone.post("markets/oil/quotes/", {"side": "u" * 30_000, "v" * 30_000: 1})

    assert answer.status == 400
    assert len(answer.raw) < 2_000


def _failing(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    def fail(**_: Any) -> None:
        raise failure

    monkeypatch.setattr(orders, "order_place", fail)


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (Unavailable("the market did not answer", code="busy"), (503, "busy")),
        (OperationalError("server closed the connection"), (503, "store_down")),
        (InvariantBroken("the market was halted"), (500, "invariant_broken")),
        (RuntimeError("secret-canary"), (500, "internal")),
    ],
    ids=["busy", "store", "invariant", "defect"],
)
def test_what_is_not_the_callers_doing(
    as_alice: Caller,
    market: Market,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
    told: tuple[int, str],
) -> None:
    _failing(monkeypatch, failure)

    answer = as_alice.order("oil", BUY)

    assert (answer.status, answer.code) == told
    assert b"canary" not in answer.raw
    assert b"server closed" not in answer.raw
    assert answer.headers.get("Retry-After") == ("1" if answer.status == 503 else None)
    assert_shape(answer)


def test_too_many_says_when_to_come_back() -> None:
    answer = errors.plain(TooMany("slow down", fields={"retry_after_s": 7}))

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_a_caller_does_not_name_the_request(anyone: Caller) -> None:
    anyone.headers["X-Request-ID"] = "mine"

    assert anyone.get("nowhere/").json["error"]["request_id"] != "mine"


def test_a_csrf_failure_keeps_the_shape(market: Market, alice: Any) -> None:
    browser = Caller(alice, enforce_csrf_checks=True)

    assert_shape(browser.order("oil", BUY))


def test_the_docs_and_the_schema_are_not_shadowed(client: Client) -> None:
    assert client.get("/api/docs/").status_code == 200
    assert client.get("/api/schema/").status_code == 200


def test_an_answer_is_json_to_the_byte(anyone: Caller) -> None:
    assert json.loads(anyone.get("nowhere/").raw.decode("ascii"))
