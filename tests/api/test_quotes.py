"""POST /markets/{slug}/quotes/: what an order would do, for anyone, without doing it."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from exchange.models import Command, LiveState, Market, User
from tests.api.caller import Caller
from tests.factories import buy, open_market

pytestmark = pytest.mark.django_db
QUOTES = "markets/oil/quotes/"
Nothing = Callable[[], AbstractContextManager[None]]


def test_says_what_the_order_then_does(as_alice: Caller, market: Market) -> None:
    asked = {"side": "buy", "amount": "100"}

    quote = as_alice.post(QUOTES, asked)
    receipt = as_alice.order("oil", asked)

    assert quote.status == 200
    assert quote.json["filled"] == receipt.json["filled"]
    assert quote.json["refused"] is None


def test_shows_the_holding_afterwards_and_the_round_trip(as_alice: Caller, market: Market) -> None:
    quote = as_alice.post(QUOTES, {"side": "buy", "amount": "100"}).json

    assert quote["after"]["cash"] == "900.000000"
    assert quote["after"]["cost"] == "99.500000"
    assert float(quote["exit_value"]) < 100
    assert float(quote["round_trip"]) == pytest.approx(float(quote["exit_value"]) - 100)
    assert quote["valid_s"] == 10


def test_changes_nothing(as_alice: Caller, market: Market, nothing_happened: Nothing) -> None:
    seq = LiveState.objects.get(market=market).batch_seq
    commands = Command.objects.count()

    with nothing_happened():
        as_alice.post(QUOTES, {"side": "buy", "amount": "100"})

    assert LiveState.objects.get(market=market).batch_seq == seq
    assert Command.objects.count() == commands


def test_a_visitor_is_quoted_too(anyone: Caller, market: Market) -> None:
    quote = anyone.post(QUOTES, {"side": "buy", "shares": "1"})

    assert quote.status == 200
    assert quote.json["filled"]["shares"] == "1.000000000"
    assert quote.json["after"] is None


def test_a_refusal_is_an_answer_with_its_numbers(as_alice: Caller, market: Market) -> None:
    quote = as_alice.post(QUOTES, {"side": "buy", "amount": "900"}).json

    assert quote["filled"] is None
    assert quote["refused"]["code"] in {"band", "impact_cap"}
    largest = quote["refused"]["fields"]["amount_max"]
    passes = as_alice.post(QUOTES, {"side": "buy", "amount": largest}).json
    assert passes["refused"] is None


def test_selling_needs_a_holding(as_alice: Caller, alice: User, market: Market) -> None:
    sell = {"side": "sell", "target": "5", "reduce_only": True}

    before = as_alice.post(QUOTES, sell).json
    buy(alice, market, "100")
    after = as_alice.post(QUOTES, sell).json

    assert before["refused"]["code"] == "no_position"
    assert float(after["filled"]["value"]) >= 5
    assert after["round_trip"] is None


def test_a_halted_market_refuses(as_alice: Caller, market: Market) -> None:
    LiveState.objects.filter(market=market).update(halt_rule="invariant")

    refused = as_alice.post(QUOTES, {"side": "buy", "amount": "10"}).json["refused"]

    assert (refused["code"], refused["fields"]) == ("market_halted", {"rule": "invariant"})


def test_a_market_in_funding_refuses(anyone: Caller) -> None:
    open_market("gas")

    answer = anyone.post("markets/gas/quotes/", {"side": "buy", "amount": "10"})

    assert answer.json["refused"]["code"] == "not_active"
    assert "funded" in answer.json["refused"]["message"]


def test_a_market_in_reduce_only_refuses_opens(anyone: Caller, market: Market) -> None:
    LiveState.objects.filter(market=market).update(reduce_only_since="2026-01-01T00:00:00Z")

    answer = anyone.post(QUOTES, {"side": "buy", "amount": "10"})

    assert answer.json["refused"]["code"] == "closed_only"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "field_missing"),
        ({"side": "buy"}, "field_missing"),
        ({"side": "buy", "amount": "1", "shares": "1"}, "field_missing"),
        ({"side": "sell", "amount": "1"}, "field_unknown"),
        ({"side": "buy", "amount": "1", "min_shares": "1"}, "field_unknown"),
        ({"side": "buy", "amount": "1", "cash": "1000000"}, "field_unknown"),
        ({"side": "up", "amount": "1"}, "malformed"),
    ],
)
def test_what_is_malformed_is_refused(
    anyone: Caller, market: Market, asked: dict[str, str], code: str
) -> None:
    answer = anyone.post(QUOTES, asked)

    assert (answer.status, answer.code) == (400, code)


def test_an_unknown_market_is_not_found(anyone: Caller, db: None) -> None:
    answer = anyone.post(QUOTES, {"side": "buy", "amount": "1"})

    assert (answer.status, answer.code) == (404, "not_found")


def test_charlie_is_quoted_on_his_own_holding(
    as_charlie: Caller, alice: User, market: Market
) -> None:
    buy(alice, market, "100")

    refused = as_charlie.post(QUOTES, {"side": "sell", "shares": "1", "reduce_only": True}).json[
        "refused"
    ]

    assert (refused["code"], refused["fields"]["held"]) == ("no_position", "0.000000000")


def test_a_bad_token_is_no_visitor(market: Market) -> None:
    answer = Caller(secret="mgt_wrong").post(QUOTES, {"side": "buy", "amount": "1"})

    assert (answer.status, answer.code) == (401, "token_invalid")
