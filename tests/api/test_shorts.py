"""Shorts through the API: margin, escrow and liquidation shown before and after; commits."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from exchange.models import LiveState, Market, Position, RestingOrder, User
from tests.api.caller import Caller
from tests.factories import active_market, key, oracle_moves, short

pytestmark = pytest.mark.django_db
QUOTES = "markets/oil/quotes/"
TEN = {"side": "sell", "shares": "10"}
Nothing = Callable[[], AbstractContextManager[None]]


def test_the_quote_shows_margin_escrow_and_level_before_and_after(
    as_alice: Caller, market: Market
) -> None:
    quote = as_alice.post(QUOTES, TEN).json
    receipt = as_alice.order("oil", TEN).json

    held = as_alice.get("positions/").json["results"][0]
    assert quote["filled"] == receipt["filled"]
    before, after = quote["before"], quote["after"]
    assert (before["escrow"], before["liquidation_price"]) == ("0.000000", None)
    assert after["shares"] == held["shares"] == "-10.000000000"
    for name in ("escrow", "margin", "liquidation_price"):
        assert after[name] == held[name], name
    assert float(after["liquidation_price"]) > float(quote["close_out_price_after"])
    assert quote["close_out_price_after"] == held["close_out_price"]
    assert quote["filled"]["margin"] == held["margin"]
    assert held["side"] == "short"
    assert as_alice.get("balances/").json["escrow"] == held["escrow"]


def test_extra_margin_moves_the_level_away(as_alice: Caller, market: Market) -> None:
    plain = as_alice.post(QUOTES, TEN).json["after"]
    secured = as_alice.post(QUOTES, {**TEN, "extra": "50"}).json["after"]

    assert float(secured["escrow"]) == float(plain["escrow"]) + 50
    assert float(secured["liquidation_price"]) > float(plain["liquidation_price"])


def test_too_much_margin_is_refused(
    as_alice: Caller, market: Market, nothing_happened: Nothing
) -> None:
    asked = {**TEN, "max_margin": "50"}
    with nothing_happened():
        quote = as_alice.post(QUOTES, asked).json
        answer = as_alice.order("oil", asked)

    assert (answer.status, answer.code) == (422, "margin_limit")
    assert quote["refused"]["fields"] == answer.fields
    assert answer.fields["margin_max"] == "50.000000"


def test_the_largest_short_that_passes_is_in_the_refusal(
    as_alice: Caller, market: Market, nothing_happened: Nothing
) -> None:
    with nothing_happened():
        answer = as_alice.order("oil", {"side": "sell", "shares": "45"})

    assert answer.status == 422
    largest = answer.fields["shares_max"]
    assert "The most that passes now is" in answer.json["error"]["message"]
    assert as_alice.order("oil", {"side": "sell", "shares": largest}).status == 201


def test_an_open_beyond_the_band_waits_if_it_may(
    as_alice: Caller, alice: User, market: Market
) -> None:
    asked = {"side": "buy", "amount": "600"}

    refused = as_alice.post(QUOTES, asked).json["refused"]
    quote = as_alice.post(QUOTES, {**asked, "commit": True}).json
    receipt = as_alice.order("oil", {**asked, "commit": True})

    assert refused["code"] == "band"
    assert quote["committed"] == {"reserved": "600.000000"}
    body = receipt.json
    assert (receipt.status, body["status"], body["asked"]["commit"]) == (201, "placed", True)
    assert body["placed"]["kind"] == "commit"
    assert body["placed"]["reserved"] == "600.000000"
    assert (body["filled"]["shares"], body["filled"]["legs"]) == ("0.000000000", [])
    waiting = as_alice.get(f"resting/{body['placed']['id']}/").json
    assert (waiting["kind"], waiting["amount"], waiting["intent"]) == (
        "commit",
        "600.000000",
        "open_long",
    )
    assert waiting["expires_at"] is not None

    oracle_moves(market, 1)

    row = as_alice.get(f"resting/{body['placed']['id']}/").json
    fill = as_alice.get("fills/").json["results"][0]
    assert (row["status"], row["reserved"], row["expires_at"]) == ("filled", "0.000000", None)
    assert (fill["cause"], fill["resting"], fill["order"]) == ("commit", row["id"], None)
    assert as_alice.get(f"orders/{body['id']}/").raw == receipt.raw


@pytest.mark.parametrize(
    "change",
    [
        {"commit": "true"}, {"commit": 1}, {"commit": None}, {"reduce_only": "yes"},
        {"reduce_only": 0}, {"extra": "5"}, {"max_margin": "5"}, {"margin": "5"},
    ],
)  # fmt: skip
def test_flags_are_true_or_false_and_sizes_of_a_sale_are_of_a_sale(
    as_alice: Caller, market: Market, nothing_happened: Nothing, change: Any
) -> None:
    with nothing_happened():
        answer = as_alice.order("oil", {"side": "buy", "amount": "10"} | change)

    assert answer.status == 400


def test_an_idle_flag_is_the_same_order(as_alice: Caller, market: Market) -> None:
    name, asked = key(), {"side": "buy", "amount": "10"}
    first = as_alice.order("oil", {**asked, "commit": False, "reduce_only": False}, name)

    assert as_alice.order("oil", asked, name).raw == first.raw
    assert as_alice.get(f"orders/{first.json['id']}/").raw == first.raw


def test_collateral_goes_in_and_out_as_quoted(
    as_alice: Caller, alice: User, market: Market
) -> None:
    short(alice, market, "10")
    add, remove = {"action": "add", "amount": "25"}, {"action": "remove", "amount": "20"}

    quote = as_alice.post("markets/oil/collateral/quote/", add).json
    added = as_alice.post("markets/oil/collateral/", add, Idempotency_Key=key())
    taken = as_alice.post("markets/oil/collateral/", remove, Idempotency_Key=key())

    assert (added.status, taken.status) == (201, 201)
    assert added.json["collateral"]["escrow"] == quote["after"]["escrow"]
    assert float(quote["after"]["escrow"]) == float(quote["before"]["escrow"]) + 25
    assert float(quote["after"]["liquidation_price"]) > float(quote["before"]["liquidation_price"])
    assert as_alice.get(f"orders/{added.json['id']}/").raw == added.raw


def test_collateral_below_the_initial_margin_is_refused_with_the_most(
    as_alice: Caller, alice: User, market: Market, nothing_happened: Nothing
) -> None:
    short(alice, market, "10")
    body = {"action": "remove", "amount": "100"}

    with nothing_happened():
        answer = as_alice.post("markets/oil/collateral/", body, Idempotency_Key=key())

    assert (answer.status, answer.code) == (422, "margin_low")
    most = answer.fields["amount_max"]
    passes = as_alice.post("markets/oil/collateral/quote/", {**body, "amount": most}).json
    assert passes["refused"] is None


def test_charlie_has_no_short_to_secure(
    as_charlie: Caller, alice: User, market: Market, nothing_happened: Nothing
) -> None:
    short(alice, market, "10")
    body = {"action": "add", "amount": "25"}

    with nothing_happened():
        answer = as_charlie.post("markets/oil/collateral/", body, Idempotency_Key=key())

    assert (answer.status, answer.code) == (422, "no_short")
    assert Position.objects.get(user=alice).escrow_micro > 0


@pytest.mark.parametrize(
    "body", [{}, {"action": "take", "amount": "1"}, {"action": "add", "amount": 1}]
)
def test_malformed_collateral_is_refused(
    as_alice: Caller, alice: User, market: Market, nothing_happened: Nothing, body: Any
) -> None:
    short(alice, market, "10")

    with nothing_happened():
        answers = [
            as_alice.post("markets/oil/collateral/", body, Idempotency_Key=key()),
            as_alice.post("markets/oil/collateral/quote/", body),
        ]

    assert {answer.status for answer in answers} == {400}


def test_a_liquidation_says_its_cause_and_its_fee(as_alice: Caller, alice: User) -> None:
    steep = active_market("tin", m_open="0.5", day_max="1", beta="1")
    short(alice, steep, "20")
    oracle_moves(steep, 30, times=6)

    fill = as_alice.get("fills/").json["results"][-2]

    assert (fill["cause"], fill["leg"], fill["order"], fill["resting"]) == (
        "margin",
        "liquidation",
        None,
        None,
    )
    assert float(fill["liquidation_fee"]) > 0 > float(fill["escrow_change"])


def test_a_paused_market_says_why_and_until_when(
    as_alice: Caller, market: Market, nothing_happened: Nothing
) -> None:
    LiveState.objects.filter(market=market).update(
        pause_rule="price_move", pause_since_s=1, pause_until_s=4_000_000_000
    )

    with nothing_happened():
        answer = as_alice.order("oil", TEN)
    quote = as_alice.post(QUOTES, TEN).json["refused"]

    assert (answer.code, answer.fields["by"]) == ("closed_only", "pause")
    assert answer.fields["rule"] == "price_move"
    assert "moved too far" in answer.json["error"]["message"]
    assert (quote["fields"], quote["message"]) == (
        answer.fields,
        answer.json["error"]["message"],
    )
    assert not RestingOrder.objects.exists()


@pytest.mark.parametrize("by", ["reduce_only", "account"])
def test_who_bars_is_told(as_alice: Caller, alice: User, market: Market, by: str) -> None:
    if by == "account":
        User.objects.filter(pk=alice.pk).update(opens_barred=True)
    else:
        LiveState.objects.filter(market=market).update(reduce_only_since="2026-01-01T00:00:00Z")

    answer = as_alice.order("oil", TEN)

    assert (answer.code, answer.fields) == ("closed_only", {"reason": "barred", "by": by})
    assert ("your account" in answer.json["error"]["message"]) == (by == "account")
