"""GET /balances/, /positions/, /fills/, /stakes/: what one has, and nobody else's."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exchange.models import Market, User
from exchange.services import ledger
from tests.api.caller import Caller
from tests.factories import active_market, buy, sell, usdc

pytestmark = pytest.mark.django_db
OWN = [
    "balances/", "positions/", "fills/", "stakes/", "orders/", "me/", "resting/", "withdrawals/",
]  # fmt: skip


def test_balances_in_usdc(as_alice: Caller, alice: User) -> None:
    ledger.hold(user_id=alice.pk, amount_micro=usdc("12.5"), ref="hold-1")

    answer = as_alice.get("balances/")

    assert answer.status == 200
    assert answer.json == {
        "cash": "987.500000",
        "reserved": "12.500000",
        "escrow": "0.000000",
        "version": 2,
    }


def test_a_position_is_shown_at_its_exit_value(
    as_alice: Caller, alice: User, market: Market
) -> None:
    buy(alice, market, "100")

    row = as_alice.get("positions/").json["results"][0]

    assert (row["market"], row["side"], row["cost"]) == ("oil", "long", "99.500000")
    assert float(row["exit_value"]) < 100 < float(row["at_market_price"]) + 1
    assert float(row["unrealised"]) == pytest.approx(float(row["exit_value"]) - 99.5)
    assert len(row["shares"].partition(".")[2]) == 9
    assert len(row["average_price"].partition(".")[2]) == 12


def test_a_closed_position_is_gone(as_alice: Caller, alice: User, market: Market) -> None:
    held = buy(alice, market, "100").result["shares_nano"]
    sell(alice, market, held)

    assert as_alice.get("positions/").json == {"results": []}


def test_many_positions_ask_few_questions(as_alice: Caller, alice: User) -> None:
    for slug in ("gas", "oil", "tea", "zinc"):
        buy(alice, active_market(slug), "10")

    with CaptureQueriesContext(connection) as queries:
        rows = as_alice.get("positions/").json["results"]

    assert [row["market"] for row in rows] == ["gas", "oil", "tea", "zinc"]
    assert len(queries) <= 5


def test_fills_name_their_order(as_alice: Caller, alice: User, market: Market) -> None:
    receipt = as_alice.order("oil", {"side": "buy", "amount": "100"}).json

    row = as_alice.get("fills/").json["results"][0]

    assert row["order"] == receipt["id"]
    assert (row["market"], row["side"], row["fee"]) == ("oil", "buy", "0.500000")
    assert row["shares"] == receipt["filled"]["shares"]


def test_fills_have_pages_and_a_filter(as_alice: Caller, alice: User, market: Market) -> None:
    for _ in range(3):
        buy(alice, market, "10")
    buy(alice, active_market("gas"), "10")

    first = as_alice.get("fills/", limit=3).json
    second = as_alice.get("fills/", limit=3, cursor=first["next"]).json

    ids = [row["id"] for row in first["results"] + second["results"]]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), second["next"]) == (4, None)
    assert len(as_alice.get("fills/", market="gas").json["results"]) == 1


def test_charlie_sees_only_his_own(as_charlie: Caller, alice: User, market: Market) -> None:
    buy(alice, market, "100")

    assert as_charlie.get("balances/").json["cash"] == "1000.000000"
    for address in ("positions/", "fills/", "stakes/", "orders/"):
        assert as_charlie.get(address).json["results"] == []


@pytest.mark.parametrize("address", OWN)
def test_needs_somebody_and_the_scope(
    anyone: Caller, by_token: Callable[..., Caller], alice: User, address: str
) -> None:
    assert anyone.get(address).code == "not_signed_in"
    assert by_token(alice, "trade", "withdraw").get(address).code == "scope_missing"
    assert by_token(alice, "read").get(address).status == 200


@pytest.mark.parametrize("address", OWN)
def test_nothing_can_be_written_here(as_alice: Caller, address: str) -> None:
    assert as_alice.post(address, {"cash": "1000000"}).code == "method_not_allowed"


def test_me(as_alice: Caller, alice: User, by_token: Callable[..., Caller]) -> None:
    by_session = as_alice.get("me/").json
    program = by_token(alice, "read").get("me/").json

    assert by_session["email"] == alice.email
    assert (by_session["signed_in_by"], program["signed_in_by"]) == ("session", "token")
    assert program["scopes"] == ["read"]
    assert by_session["id"] == program["id"]
    assert set(by_session) == {
        "id", "email", "display_name", "is_bot", "opens_barred", "signed_in_by", "scopes",
    }  # fmt: skip
