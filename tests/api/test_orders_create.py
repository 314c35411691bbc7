"""POST /markets/{slug}/orders/: one order from a program's words to its receipt."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from exchange.models import Command, Fill, LiveState, Market, Position, User
from tests.api.caller import Answer, Caller
from tests.factories import buy, funded_user, key, open_market

pytestmark = pytest.mark.django_db
HUNDRED = {"side": "buy", "amount": "100"}
Nothing = Callable[[], AbstractContextManager[None]]


def test_buys_for_an_amount(as_alice: Caller, alice: User, market: Market) -> None:
    answer = as_alice.order("oil", HUNDRED)

    assert answer.status == 201
    body = answer.json
    assert (body["market"], body["kind"], body["status"]) == ("oil", "buy", "filled")
    assert body["asked"]["amount"] == "100.000000"
    assert {v for k, v in body["asked"].items() if k != "amount"} == {None}
    filled = body["filled"]
    assert (filled["total"], filled["fee"]) == ("100.000000", "0.500000")
    assert (filled["value"], filled["fee_to_providers"]) == ("99.500000", "0.450000")
    held = Position.objects.get(user=alice, market=market)
    assert filled["shares"].replace(".", "") == str(held.shares_nano)
    assert "Idempotent-Replay" not in answer.headers


def test_buys_a_number_of_shares(as_alice: Caller, alice: User, market: Market) -> None:
    answer = as_alice.order("oil", {"side": "buy", "shares": "2.5", "max_cost": "30"})

    assert answer.status == 201
    assert answer.json["filled"]["shares"] == "2.500000000"
    assert Position.objects.get(user=alice).shares_nano == 2_500_000_000


def test_sells_shares_and_for_a_target(as_alice: Caller, alice: User, market: Market) -> None:
    buy(alice, market, "100")

    by_shares = as_alice.order("oil", {"side": "sell", "shares": "1", "min_out": "9"})
    by_target = as_alice.order("oil", {"side": "sell", "target": "20"})

    assert (by_shares.status, by_target.status) == (201, 201)
    assert by_shares.json["filled"]["shares"] == "1.000000000"
    assert float(by_target.json["filled"]["value"]) >= 20
    assert Fill.objects.filter(user=alice, side="sell").count() == 2


def test_needs_a_key(as_alice: Caller, market: Market, nothing_happened: Nothing) -> None:
    with nothing_happened():
        answer = as_alice.post("markets/oil/orders/", HUNDRED)

    assert (answer.status, answer.code) == (400, "key_missing")


@pytest.mark.parametrize(
    "bad", ["short", "x" * 65, "has space", "semi;colon", "naïve-key", "../../etc", "a\tb-c-d-e-f"]
)
def test_refuses_a_malformed_key(
    as_alice: Caller, market: Market, nothing_happened: Nothing, bad: str
) -> None:
    with nothing_happened():
        answer = as_alice.order("oil", HUNDRED, bad)

    assert (answer.status, answer.code) == (400, "key_malformed")


def test_a_replay_is_byte_identical(as_alice: Caller, alice: User, market: Market) -> None:
    name = key()
    first = as_alice.order("oil", HUNDRED, name)
    buy(funded_user("500"), market, "200")

    again = [as_alice.order("oil", HUNDRED, name) for _ in range(3)]

    assert {answer.raw for answer in again} == {first.raw}
    assert {answer.status for answer in again} == {201}
    assert {answer.headers["Idempotent-Replay"] for answer in again} == {"true"}
    assert Fill.objects.filter(user=alice).count() == 1


def test_the_same_words_in_other_spelling_are_the_same_order(
    as_alice: Caller, market: Market
) -> None:
    name = key()
    first = as_alice.order("oil", HUNDRED, name)

    again = as_alice.order("oil", {"amount": "0100.000000", "side": "buy"}, name)

    assert again.raw == first.raw


@pytest.mark.parametrize(
    "other",
    [
        {"side": "buy", "amount": "100.000001"},
        {"side": "buy", "shares": "1"},
        {"side": "buy", "amount": "100", "min_shares": "0"},
        {"side": "sell", "shares": "1"},
    ],
)
def test_a_key_is_not_used_for_something_else(
    as_alice: Caller, market: Market, nothing_happened: Nothing, other: dict[str, str]
) -> None:
    name = key()
    as_alice.order("oil", HUNDRED, name)

    with nothing_happened():
        answer = as_alice.order("oil", other, name)

    assert (answer.status, answer.code) == (409, "key_reused")


def test_keys_of_two_people_do_not_meet(
    as_alice: Caller, as_charlie: Caller, market: Market
) -> None:
    name = key()

    hers = as_alice.order("oil", HUNDRED, name)
    his = as_charlie.order("oil", HUNDRED, name)

    assert (hers.status, his.status) == (201, 201)
    assert hers.json["id"] != his.json["id"]


def test_a_refusal_has_its_code_and_its_numbers(
    as_alice: Caller, market: Market, nothing_happened: Nothing
) -> None:
    with nothing_happened():
        answer = as_alice.order("oil", {**HUNDRED, "min_shares": "100"})

    assert (answer.status, answer.code) == (422, "slippage")
    assert answer.fields["shares_min"] == "100.000000000"
    assert float(answer.fields["shares"]) < 100
    assert "price moved" in answer.json["error"]["message"]


def test_a_refusal_is_replayed_byte_for_byte(
    as_alice: Caller, market: Market, nothing_happened: Nothing
) -> None:
    name, hopeful = key(), {**HUNDRED, "min_shares": "100"}
    first = as_alice.order("oil", hopeful, name)

    with nothing_happened():
        again = as_alice.order("oil", hopeful, name)

    assert (again.status, again.raw) == (422, first.raw)
    assert again.headers["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in first.headers
    order_id = first.json["error"]["request_id"]
    assert as_alice.get(f"orders/{order_id}/").json["refused"]["code"] == "slippage"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"side": "buy", "amount": "1001"}, {"insufficient_funds", "band", "impact_cap"}),
        ({"side": "buy", "amount": "0.5"}, {"too_small"}),
        ({"side": "buy", "amount": "0"}, {"args"}),
        ({"side": "sell", "shares": "1", "reduce_only": True}, {"no_position"}),
        ({"side": "sell", "target": "9000000000"}, {"curve_depth"}),
    ],
)
def test_what_the_market_refuses_leaves_no_trace(
    as_alice: Caller,
    market: Market,
    nothing_happened: Nothing,
    asked: dict[str, str],
    code: set[str],
) -> None:
    with nothing_happened():
        answer = as_alice.order("oil", asked)

    assert answer.status == 422
    assert answer.code in code


def test_a_halted_market_says_so(
    as_alice: Caller, market: Market, nothing_happened: Nothing
) -> None:
    LiveState.objects.filter(market=market).update(halt_rule="invariant")

    with nothing_happened():
        answer = as_alice.order("oil", HUNDRED)

    assert (answer.status, answer.code) == (422, "market_halted")
    assert answer.fields == {"rule": "invariant"}
    LiveState.objects.filter(market=market).update(halt_rule="")


def test_a_market_in_funding_does_not_trade(as_alice: Caller, nothing_happened: Nothing) -> None:
    open_market("gas")

    with nothing_happened():
        answer = as_alice.order("gas", HUNDRED)

    assert (answer.status, answer.code) == (422, "not_active")


MALFORMED = {
    "no side": ({"amount": "1"}, "field_missing"),
    "no size": ({"side": "buy"}, "field_missing"),
    "two sizes": ({"side": "buy", "amount": "1", "shares": "1"}, "field_missing"),
    "a sale for an amount": ({"side": "sell", "amount": "1"}, "field_unknown"),
    "a purchase for a target": ({"side": "buy", "target": "1"}, "field_unknown"),
    "a sale with max_cost": ({"side": "sell", "shares": "1", "max_cost": "1"}, "field_unknown"),
    "another side": ({"side": "hold", "amount": "1"}, "malformed"),
    "a side in capitals": ({"side": "BUY", "amount": "1"}, "malformed"),
    "a side that is a list": ({"side": ["buy"], "amount": "1"}, "malformed"),
    "a null size": ({"side": "buy", "amount": None}, "malformed"),
    "a list": ([HUNDRED], "malformed"),
    "a word": ("buy", "malformed"),
    "nothing": (None, "field_missing"),
}


@pytest.mark.parametrize(("asked", "code"), MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_malformed_is_refused(
    as_alice: Caller, market: Market, nothing_happened: Nothing, asked: object, code: str
) -> None:
    with nothing_happened():
        answer = as_alice.order("oil", asked)

    assert (answer.status, answer.code) == (400, code)
    assert not Command.objects.filter(kind="buy").exists()


@pytest.mark.parametrize(
    "field",
    [
        "user", "user_id", "trader", "price", "price_pico", "status", "fee", "fee_micro", "market",
        "amount_micro", "shares_nano", "seq", "key", "id", "accepted", "realised", "__class__", "",
    ],
)  # fmt: skip
def test_privileged_fields_are_refused(
    as_alice: Caller, market: Market, nothing_happened: Nothing, field: str
) -> None:
    with nothing_happened():
        answer = as_alice.order("oil", {**HUNDRED, field: "1"})

    assert (answer.status, answer.code) == (400, "field_unknown")


def test_an_unknown_market_is_not_found(as_alice: Caller, nothing_happened: Nothing) -> None:
    with nothing_happened():
        answer = as_alice.order("no-such-market", HUNDRED)

    assert (answer.status, answer.code) == (404, "not_found")


def test_a_visitor_is_refused(anyone: Caller, market: Market, nothing_happened: Nothing) -> None:
    with nothing_happened():
        answer = anyone.order("oil", HUNDRED)

    assert (answer.status, answer.code) == (401, "not_signed_in")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_needs_the_scope(
    by_token: Callable[..., Caller], alice: User, market: Market, nothing_happened: Nothing
) -> None:
    reader, trader = by_token(alice, "read", "withdraw"), by_token(alice, "trade")
    reader.get("me/")  # notes the use of the token, which the next request then need not

    with nothing_happened():
        refused = reader.order("oil", HUNDRED)

    assert (refused.status, refused.code) == (403, "scope_missing")
    assert refused.fields == {"scope": "trade"}
    assert trader.order("oil", HUNDRED).status == 201


def test_a_session_needs_its_csrf_token(
    alice: User, market: Market, nothing_happened: Nothing
) -> None:
    browser = Caller(alice, enforce_csrf_checks=True)

    with nothing_happened():
        answer = browser.order("oil", HUNDRED)

    assert (answer.status, answer.code) == (403, "not_allowed")
    assert "CSRF" in answer.json["error"]["message"]


def test_a_token_needs_none(by_token: Callable[..., Caller], alice: User, market: Market) -> None:
    program = by_token(alice, "trade")
    program.client.handler.enforce_csrf_checks = True

    assert program.order("oil", HUNDRED).status == 201


def test_charlie_spends_his_own_money_only(
    as_charlie: Caller, alice: User, charlie: User, market: Market
) -> None:
    forged: Answer = as_charlie.order("oil", {**HUNDRED, "user": str(alice.pk)})
    honest = as_charlie.order("oil", HUNDRED)

    assert (forged.status, honest.status) == (400, 201)
    assert list(Position.objects.values_list("user", flat=True)) == [charlie.pk]
