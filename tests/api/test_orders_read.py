"""GET /orders/ and /orders/{id}/: what was asked for, by the one who asked."""

import pytest

from exchange.ids import public_id
from exchange.models import Command, Market, User
from tests.api.caller import Caller
from tests.factories import active_market, buy, contribute, open_market

pytestmark = pytest.mark.django_db


def test_reads_like_the_receipt(as_alice: Caller, market: Market) -> None:
    receipt = as_alice.order("oil", {"side": "buy", "amount": "100"})

    answer = as_alice.get(f"orders/{receipt.json['id']}/")

    assert answer.status == 200
    assert answer.raw == receipt.raw


def test_lists_newest_first_with_refused_ones(as_alice: Caller, market: Market) -> None:
    for amount in ("100", "0.1", "50"):
        as_alice.order("oil", {"side": "buy", "amount": amount})

    rows = as_alice.get("orders/").json["results"]

    assert [row["asked"]["amount"] for row in rows] == ["50.000000", "0.100000", "100.000000"]
    assert [row["status"] for row in rows] == ["filled", "refused", "filled"]
    assert rows[1]["refused"]["code"] == "too_small"
    assert rows[1]["refused"]["fields"]["value_min"] == "1.000000"


def test_shows_contributions_and_claims(as_alice: Caller, alice: User) -> None:
    contribute(alice, open_market("gas"), "50")

    row = as_alice.get("orders/").json["results"][0]

    assert (row["kind"], row["status"]) == ("contribute", "done")
    assert row["contributed"] == {
        "amount": "50.000000",
        "units": "50.000000000",
        "activated": False,
    }
    assert row["filled"] is row["claimed"] is None


def test_goes_through_pages_without_gap_or_repeat(
    as_alice: Caller, alice: User, market: Market
) -> None:
    for _ in range(5):
        buy(alice, market, "10")
    seen: list[str] = []
    query: dict[str, object] = {"limit": 2}
    while True:
        page = as_alice.get("orders/", **query).json
        seen += [row["id"] for row in page["results"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]

    keys = Command.objects.filter(user=alice).order_by("-id").values_list("id", flat=True)
    assert seen == [public_id("ord", pk) for pk in keys]


def test_can_be_narrowed_to_a_market(as_alice: Caller, alice: User, market: Market) -> None:
    buy(alice, market, "10")
    buy(alice, active_market("gas"), "10")

    rows = as_alice.get("orders/", market="gas").json["results"]

    assert [row["market"] for row in rows] == ["gas"]
    assert as_alice.get("orders/", market="none").status == 404


def test_charlie_does_not_learn_that_it_exists(
    as_charlie: Caller, alice: User, market: Market
) -> None:
    receipt = buy(alice, market, "10")
    hers, nobodys = public_id("ord", receipt.id), public_id("ord", 10**9)

    answers = [as_charlie.get(f"orders/{order}/") for order in (hers, nobodys)]

    assert [answer.status for answer in answers] == [404, 404]
    messages = [answer.json["error"]["message"] for answer in answers]
    assert messages[0].replace(hers, "") == messages[1].replace(nobodys, "")
    assert as_charlie.get("orders/").json == {"results": [], "next": None}


@pytest.mark.parametrize(
    "order", ["1", "ord_1", "ord_zzzzzzzzzzzzz", "ord_iiiiiiiiiiiii", "tok_0000000000001", "0", "x"]
)
def test_what_is_no_id_is_not_found(as_alice: Caller, order: str) -> None:
    assert as_alice.get(f"orders/{order}/").code == "not_found"


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "fil_0000000000001"}, {"cursor": "1"}, {"cursor": ""}, {"cursor": "ord_'--"},
        {"limit": "0"}, {"limit": "201"}, {"limit": "-1"}, {"limit": "1.0"}, {"limit": "\u0661"},
        {"limit": "1_0"}, {"limit": " 5"}, {"limit": ""}, {"limit": "9" * 30}, {"page": "2"},
        {"user": "1"}, {"market": ""}, {"market": "a\x00b"}, {"limit": ["1", "2"]},
    ],
)  # fmt: skip
def test_a_strange_query_is_refused(as_alice: Caller, query: dict[str, object]) -> None:
    answer = as_alice.get("orders/", **query)

    assert answer.status == 400
    assert answer.code in {"malformed", "field_unknown"}


@pytest.mark.parametrize("address", ["orders/", "orders/ord_0000000000001/"])
def test_needs_somebody(anyone: Caller, address: str) -> None:
    assert anyone.get(address).code == "not_signed_in"
