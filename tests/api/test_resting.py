"""Limit orders, targets, timed exits, and what rests: from a program's words to the rows."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from exchange.ids import public_id
from exchange.models import Account, AccountKind, Command, Market, Position, RestingOrder, User
from exchange.services import orders
from tests.api.caller import Answer, Caller
from tests.factories import active_market, buy, funded_user, key, limit, rested, sell, short

pytestmark = pytest.mark.django_db
Nothing = Callable[[], AbstractContextManager[None]]
LIMIT = {"intent": "open_long", "shares": "2", "price": "9"}


def place(caller: Caller, body: Any, name: str = "", slug: str = "oil") -> Answer:
    return caller.post(f"markets/{slug}/limit-orders/", body, Idempotency_Key=name or key())


def cancel(caller: Caller, resting: str, name: str = "") -> Answer:
    return caller.post(f"resting/{resting}/cancel/", {}, Idempotency_Key=name or key())


def reserved(user: User) -> int:
    rows = Account.objects.filter(user=user, kind=AccountKind.RESERVED)
    return sum(rows.values_list("balance_micro", flat=True))


def test_a_limit_order_rests_under_its_public_id(
    as_alice: Caller, alice: User, market: Market
) -> None:
    answer = place(as_alice, LIMIT)

    assert answer.status == 201
    body = answer.json
    row = RestingOrder.objects.get(user=alice)
    assert (body["kind"], body["status"]) == ("limit", "placed")
    assert body["placed"]["id"] == public_id("rst", row.pk)
    assert body["placed"]["kind"] == "limit"
    assert body["placed"]["reserved"].replace(".", "").lstrip("0") == str(row.reserved_micro)
    asked = body["asked"]
    assert (asked["intent"], asked["shares"], asked["price"]) == (
        "open_long",
        "2.000000000",
        "9.000000000000",
    )
    assert as_alice.get("balances/").json["reserved"] == body["placed"]["reserved"]


def test_reads_like_the_receipt_and_like_the_row(as_alice: Caller, market: Market) -> None:
    receipt = place(as_alice, LIMIT)

    order = as_alice.get(f"orders/{receipt.json['id']}/")
    row = as_alice.get(f"resting/{receipt.json['placed']['id']}/").json

    assert order.raw == receipt.raw
    assert as_alice.get("orders/").json["results"][0] == receipt.json
    assert (row["kind"], row["status"], row["intent"]) == ("limit", "open", "open_long")
    assert (row["shares"], row["shares_left"]) == ("2.000000000", "2.000000000")
    assert row["price"] == "9.000000000000"
    assert row["reserved"] == receipt.json["placed"]["reserved"]
    assert row["guard_price"] is row["chunks"] is row["units"] is row["expires_at"] is None


def test_what_fills_at_once_keeps_what_was_asked(as_alice: Caller, market: Market) -> None:
    receipt = place(as_alice, {**LIMIT, "price": "11"}).json

    row = as_alice.get(f"resting/{receipt['placed']['id']}/").json

    assert (row["status"], row["shares"], row["shares_left"], row["reserved"]) == (
        "filled",
        "2.000000000",
        "0.000000000",
        "0.000000",
    )
    assert float(receipt["placed"]["reserved"]) > 22
    fill = as_alice.get("fills/").json["results"][0]
    assert (fill["cause"], fill["order"], fill["resting"]) == ("limit", None, row["id"])


def test_the_quote_says_what_then_happens(as_alice: Caller, market: Market) -> None:
    asked = {**LIMIT, "shares": "15", "price": "10.02"}

    quote = as_alice.post("markets/oil/limit-orders/quote/", asked).json
    receipt = place(as_alice, asked).json

    row = as_alice.get(f"resting/{receipt['placed']['id']}/").json
    fill = as_alice.get("fills/").json["results"][0]
    now, rests = quote["fills_now"], quote["rests"]
    assert (now["shares"], now["fee"]) == (fill["shares"], fill["fee"])
    assert (rests["shares"], rests["reserved"]) == (row["shares_left"], row["reserved"])
    assert quote["after"]["reserved"] == row["reserved"]
    assert quote["after"]["shares"] == fill["shares"]
    assert quote["before"]["shares"] == "0.000000000"
    assert quote["refused"] is None


def test_a_visitor_is_quoted_and_nothing_is_kept(
    anyone: Caller, market: Market, nothing_happened: Nothing
) -> None:
    with nothing_happened():
        quote = anyone.post("markets/oil/limit-orders/quote/", LIMIT).json

    assert quote["fills_now"] is None
    assert quote["rests"]["shares"] == "2.000000000"
    assert quote["before"] is quote["after"] is None
    assert not RestingOrder.objects.exists()


def test_an_order_that_opens_a_short_brings_its_margin(
    as_alice: Caller, alice: User, market: Market
) -> None:
    body = {"intent": "open_short", "shares": "5", "price": "11", "margin": "90"}

    answer = place(as_alice, body)

    assert answer.json["placed"]["reserved"] == "90.000000"
    assert reserved(alice) == 90 * 10**6


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"intent": "open_short", "shares": "5", "price": "11"}, "field_missing"),
        ({**LIMIT, "margin": "5"}, "field_unknown"),
        ({**LIMIT, "intent": "buy"}, "malformed"),
        ({**LIMIT, "stop": "5"}, "field_unknown"),
        ({"intent": "open_long", "shares": "5"}, "field_missing"),
        ({**LIMIT, "user": "1"}, "field_unknown"),
        ({**LIMIT, "price": None}, "malformed"),
    ],
)
def test_a_malformed_limit_order_is_refused(
    as_alice: Caller, market: Market, nothing_happened: Nothing, body: Any, code: str
) -> None:
    with nothing_happened():
        answers = [place(as_alice, body), as_alice.post("markets/oil/limit-orders/quote/", body)]

    assert [(a.status, a.code) for a in answers] == [(400, code)] * 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({**LIMIT, "shares": "0.01"}, "too_small"),
        ({**LIMIT, "shares": "500"}, "insufficient_funds"),
        ({**LIMIT, "intent": "close_long"}, "no_position"),
        ({**LIMIT, "shares": "0"}, "args"),
    ],
)
def test_a_limit_order_is_refused_without_trace(
    as_alice: Caller, market: Market, nothing_happened: Nothing, body: Any, code: str
) -> None:
    name = key()
    with nothing_happened():
        quote = as_alice.post("markets/oil/limit-orders/quote/", body).json
        answer, again = place(as_alice, body, name), place(as_alice, body, name)

    assert (answer.status, answer.code, again.raw) == (422, code, answer.raw)
    assert quote["refused"]["code"] == code
    assert quote["refused"]["message"] == answer.json["error"]["message"]
    assert not RestingOrder.objects.exists()


def test_a_replay_is_byte_identical_whatever_became_of_it(as_alice: Caller, market: Market) -> None:
    name = key()
    first = place(as_alice, LIMIT, name)
    cancel(as_alice, first.json["placed"]["id"])

    again = place(as_alice, {**LIMIT, "shares": "2.0"}, name)

    assert again.raw == first.raw
    assert again.headers["Idempotent-Replay"] == "true"
    assert place(as_alice, {**LIMIT, "shares": "3"}, name).code == "key_reused"


def test_cancelling_returns_the_reserve_once(as_alice: Caller, alice: User, market: Market) -> None:
    resting, name = rested(alice, market), key()

    first, again = cancel(as_alice, resting, name), cancel(as_alice, resting, name)
    late = cancel(as_alice, resting)

    assert (first.status, first.json["cancelled"]["id"], again.raw) == (201, resting, first.raw)
    assert as_alice.get(f"orders/{first.json['id']}/").raw == first.raw
    assert reserved(alice) == 0
    assert (late.status, late.code) == (422, "nothing")
    assert "no longer open" in late.json["error"]["message"]
    assert as_alice.get(f"resting/{resting}/").json["status"] == "cancelled"


def test_charlie_does_not_learn_that_it_exists(
    as_charlie: Caller, alice: User, market: Market, nothing_happened: Nothing
) -> None:
    hers, nobodys = rested(alice, market), public_id("rst", 10**9)

    with nothing_happened():
        read = [as_charlie.get(f"resting/{one}/") for one in (hers, nobodys)]
        tried = [cancel(as_charlie, one) for one in (hers, nobodys)]
        swept = as_charlie.post("resting/cancel-all/", {}, Idempotency_Key=key())

    assert {(a.status, a.code) for a in read + tried} == {(404, "not_found")}
    messages = [a.json["error"]["message"] for a in read]
    assert messages[0].replace(hers, "") == messages[1].replace(nobodys, "")
    assert swept.json == {"cancelled": 0}
    assert as_charlie.get("resting/").json["results"] == []
    assert not Command.objects.filter(kind="cancel").exists()


def test_cancel_all_counts_and_stays_with_what_there_was(
    as_alice: Caller, alice: User, bob: User, market: Market
) -> None:
    gas = active_market("gas")
    for _ in range(3):
        rested(alice, market)
    rested(alice, gas)
    rested(bob, market)
    name = key()

    of_oil = as_alice.post("resting/cancel-all/", {"market": "oil"}, Idempotency_Key=name)
    again = as_alice.post("resting/cancel-all/", {"market": "oil"}, Idempotency_Key=name)

    assert (of_oil.status, of_oil.json) == (200, {"cancelled": 3})
    assert again.raw == of_oil.raw
    assert len(as_alice.get("resting/", state="open").json["results"]) == 1
    everywhere = as_alice.post("resting/cancel-all/", {}, Idempotency_Key=key())
    assert everywhere.json == {"cancelled": 1}
    assert reserved(alice) == 0
    assert RestingOrder.objects.filter(user=bob, status="open").count() == 1


def test_a_late_retry_leaves_newer_orders_alone(
    alice: User, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    rested(alice, market)
    name = key()
    orders.resting_cancel_all(user=alice, key=name)
    newer = limit(alice, market, "open_long", "1", "8")
    RestingOrder.objects.filter(pk=newer.pk).update(placed_at="2100-01-01T00:00:00Z")

    assert orders.resting_cancel_all(user=alice, key=name) == 1

    newer.refresh_from_db()
    assert newer.status == "open"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"market": 5}, "malformed"),
        ({"all": True}, "field_unknown"),
        ({"market": "none"}, "not_found"),
    ],
)
def test_a_strange_cancel_all_is_refused(
    as_alice: Caller, alice: User, market: Market, body: Any, code: str
) -> None:
    rested(alice, market)

    answer = as_alice.post("resting/cancel-all/", body, Idempotency_Key=key())

    assert answer.code == code
    assert as_alice.post("resting/cancel-all/", {}).code == "key_missing"
    assert RestingOrder.objects.get().status == "open"


def test_the_list_has_pages_a_market_and_a_state(
    as_alice: Caller, alice: User, market: Market
) -> None:
    made = [rested(alice, market) for _ in range(4)]
    made.append(rested(alice, active_market("gas")))
    cancel(as_alice, made[0])

    first = as_alice.get("resting/", limit=3).json
    second = as_alice.get("resting/", limit=3, cursor=first["next"]).json

    assert [row["id"] for row in first["results"] + second["results"]] == made[::-1]
    assert second["next"] is None
    ended = as_alice.get("resting/", state="ended").json["results"]
    assert [(row["id"], row["status"]) for row in ended] == [(made[0], "cancelled")]
    assert [r["id"] for r in as_alice.get("resting/", market="gas").json["results"]] == [made[4]]
    assert as_alice.get("resting/", state="gone").code == "malformed"
    assert as_alice.get("resting/", cursor="ord_0000000000001").code == "malformed"


def test_targets_are_set_and_shown_on_the_position(
    as_alice: Caller, alice: User, market: Market
) -> None:
    buy(alice, market, "100")
    address, body = "markets/oil/targets/", {"stop_price": "9", "target_price": "12.5"}

    answer = as_alice.post(address, body, Idempotency_Key=key())
    row = as_alice.get("positions/").json["results"][0]
    cleared = as_alice.post(
        address, {"stop_price": None, "target_price": "12.5"}, Idempotency_Key=key()
    )

    assert answer.json["targets"] == {
        "stop_price": "9.000000000000",
        "target_price": "12.500000000000",
    }
    assert (row["stop_price"], row["target_price"]) == ("9.000000000000", "12.500000000000")
    assert cleared.json["targets"]["stop_price"] is None
    assert as_alice.get(f"orders/{cleared.json['id']}/").raw == cleared.raw
    assert as_alice.get("positions/").json["results"][0]["stop_price"] is None


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("sl_side", {"stop_price": "11", "target_price": None}),
        ("tp_side", {"stop_price": None, "target_price": "9"}),
    ],
)
def test_targets_on_the_wrong_side_are_refused(
    as_alice: Caller, market: Market, nothing_happened: Nothing, code: str, body: Any
) -> None:
    as_alice.order("oil", {"side": "buy", "amount": "100"})

    with nothing_happened():
        answer = as_alice.post("markets/oil/targets/", body, Idempotency_Key=key())
        quote = as_alice.post("markets/oil/targets/quote/", body).json

    assert (answer.status, answer.code, quote["refused"]["code"]) == (422, code, code)
    assert "10." in answer.json["error"]["message"]


@pytest.mark.parametrize("body", [{}, {"stop_price": "9"}, {"stop_price": 9, "target_price": None}])
def test_both_targets_must_be_named(
    as_alice: Caller, alice: User, market: Market, nothing_happened: Nothing, body: Any
) -> None:
    buy(alice, market, "100")

    with nothing_happened():
        answer = as_alice.post("markets/oil/targets/", body, Idempotency_Key=key())

    assert answer.status == 400


def test_a_timed_exit_is_shown_where_it_works(
    as_alice: Caller, alice: User, market: Market
) -> None:
    buy(alice, market, "100")
    body = {"shares": "4", "chunks": 4, "interval_s": 3600, "guard_price": "9.5"}

    answer = as_alice.post("markets/oil/timed-exits/", body, Idempotency_Key=key())

    resting = answer.json["placed"]["id"]
    row = as_alice.get(f"resting/{resting}/").json
    assert (row["kind"], row["chunks"], row["chunks_left"], row["interval_s"]) == (
        "exit", 4, 4, 3600,
    )  # fmt: skip
    assert row["next_at"] is not None
    assert as_alice.get("positions/").json["results"][0]["timed_exit"] == resting
    twice = as_alice.post("markets/oil/timed-exits/", body, Idempotency_Key=key())
    assert (twice.status, twice.code) == (422, "exists")


@pytest.mark.parametrize(
    "change",
    [
        {"chunks": 0}, {"chunks": 101}, {"chunks": "4"}, {"chunks": True}, {"interval_s": 59},
        {"interval_s": 604801}, {"guard_price": None}, {"shares": 4}, {"every_s": 60},
    ],
)  # fmt: skip
def test_a_malformed_timed_exit_is_refused(
    as_alice: Caller, alice: User, market: Market, nothing_happened: Nothing, change: Any
) -> None:
    buy(alice, market, "100")
    body = {"shares": "4", "chunks": 4, "interval_s": 3600} | change

    with nothing_happened():
        answer = as_alice.post("markets/oil/timed-exits/", body, Idempotency_Key=key())

    assert answer.status == 400


def test_what_others_set_off_is_no_part_of_their_order(
    as_alice: Caller, alice: User, market: Market
) -> None:
    bob = funded_user("1000")
    held = buy(bob, market, "150").result["shares_nano"]
    order = limit(alice, market, "open_long", "5", "10.02")
    sell(bob, market, held)

    fill = as_alice.get("fills/").json["results"][0]

    assert (fill["cause"], fill["order"]) == ("limit", None)
    assert fill["resting"] == public_id("rst", order.pk)


def test_a_short_has_no_long_exit(as_alice: Caller, alice: User, market: Market) -> None:
    short(alice, market, "2")

    answer = place(as_alice, {"intent": "close_short", "shares": "2", "price": "9.5"})

    assert (answer.status, answer.json["placed"]["reserved"]) == (201, "0.000000")
    assert Position.objects.get(user=alice).shares_nano == -2 * 10**9
