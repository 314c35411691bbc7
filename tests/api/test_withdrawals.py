"""Providers leaving: units burned at once or queued, with their place, and nobody else's."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from exchange import clock
from exchange.models import Account, Market, Stake, User
from tests.api.caller import Answer, Caller
from tests.factories import active_market, command, contribute, key, oracle_moves

pytestmark = pytest.mark.django_db
ADDRESS = "markets/oil/withdrawals/"
WEEK_S = 8 * 86_400
Nothing = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def seasoned(alice: User) -> Market:
    """Return a market in which a quarter of Alice's 500 units has vested since."""
    with clock.shifted(-WEEK_S):
        market = active_market("oil")
        contribute(alice, market, "500")
    oracle_moves(market, 0)  # a batch of today
    return market


def ask(caller: Caller, units: str, name: str = "", **more: Any) -> Answer:
    return caller.post(ADDRESS, {"units": units, **more}, Idempotency_Key=name or key())


def test_units_are_burned_at_once_as_quoted(
    as_alice: Caller, alice: User, seasoned: Market
) -> None:
    cash, name = Account.objects.get(user=alice, kind="cash").balance_micro, key()

    quote = as_alice.post(f"{ADDRESS}quote/", {"units": "20"}).json
    answer, again = ask(as_alice, "20", name), ask(as_alice, "20.0", name)

    assert answer.status == 201
    body = answer.json
    assert (body["kind"], body["status"], body["asked"]["units"]) == (
        "withdraw",
        "done",
        "20.000000000",
    )
    assert body["withdrawn"] == {"units": quote["units"], "amount": quote["amount"]}
    assert (again.raw, as_alice.get(f"orders/{body['id']}/").raw) == (answer.raw,) * 2
    after = Account.objects.get(user=alice, kind="cash").balance_micro
    assert str(after - cash) == quote["amount"].replace(".", "")


def test_more_than_passes_is_refused_with_the_most_that_does(
    as_alice: Caller, seasoned: Market, nothing_happened: Nothing
) -> None:
    for units, code, beyond in (
        ("400", "not_vested", "instant_limit"),
        ("100", "instant_limit", ""),
    ):
        with nothing_happened():
            answer = ask(as_alice, units)

        assert (answer.status, answer.code) == (422, code)
        most = answer.fields["units_max"]
        assert float(most) > 0
        quote = as_alice.post(f"{ADDRESS}quote/", {"units": most}).json
        assert (quote["refused"] or {}).get("code") == (beyond or None)


def test_a_queued_request_has_its_place(as_alice: Caller, alice: User, seasoned: Market) -> None:
    stake = Stake.objects.exclude(user=alice).get()
    command(stake.user, seasoned, "queue_withdrawal", units_nano=30 * 10**9)

    answer = ask(as_alice, "40", queued=True)

    row = as_alice.get("withdrawals/").json["results"][0]
    assert answer.json["placed"] == {
        "id": row["id"],
        "kind": "withdrawal",
        "reserved": "0.000000",
    }
    assert (row["place"], row["units"], row["units_ahead"]) == (
        2,
        "40.000000000",
        "30.000000000",
    )
    assert row["payable_from"] > row["placed_at"]
    stakes = as_alice.get("stakes/").json["results"][0]
    assert (stakes["locked"], stakes["available"]) == ("40.000000000", "85.000000000")
    assert ask(as_alice, "1").code == "queue_first"


def test_a_request_is_taken_back(as_alice: Caller, alice: User, seasoned: Market) -> None:
    resting = ask(as_alice, "40", queued=True).json["placed"]["id"]
    kept = as_alice.post("resting/cancel-all/", {}, Idempotency_Key=key())

    answer = as_alice.post(f"resting/{resting}/cancel/", {}, Idempotency_Key=key())

    assert kept.json == {"cancelled": 0}
    assert answer.json["cancelled"] == {"id": resting}
    row = as_alice.get("withdrawals/", state="ended").json["results"][0]
    assert (row["status"], row["place"], row["units_ahead"]) == ("cancelled", None, None)
    assert as_alice.get("withdrawals/", state="open").json["results"] == []
    assert as_alice.get("resting/").json["results"] == []
    assert Stake.objects.get(user=alice).locked_nano == 0


def test_charlie_sees_and_cancels_nothing_of_hers(
    as_alice: Caller, as_charlie: Caller, seasoned: Market, nothing_happened: Nothing
) -> None:
    resting = ask(as_alice, "40", queued=True).json["placed"]["id"]

    with nothing_happened():
        cancelled = as_charlie.post(f"resting/{resting}/cancel/", {}, Idempotency_Key=key())
        taken = ask(as_charlie, "1")

    assert (cancelled.status, taken.code) == (404, "not_vested")
    assert as_charlie.get("withdrawals/").json["results"] == []


def test_a_contribution_is_quoted_at_the_equity_of_the_moment(
    anyone: Caller, as_alice: Caller, seasoned: Market
) -> None:
    quote = anyone.post("markets/oil/contributions/quote/", {"amount": "50"}).json

    receipt = as_alice.post(
        "markets/oil/contributions/", {"amount": "50"}, Idempotency_Key=key()
    ).json

    assert (quote["units"], quote["amount"]) == (receipt["contributed"]["units"], "50.000000")
    refused = anyone.post("markets/oil/contributions/quote/", {"amount": "90000"}).json["refused"]
    assert refused["code"] == "hard_cap"
    assert float(refused["fields"]["amount_max"]) > 0


@pytest.mark.parametrize(
    "body",
    [{}, {"units": 1}, {"units": "1", "queued": "yes"}, {"units": "1", "amount": "1"}],
)
def test_what_is_malformed_is_refused(
    as_alice: Caller, seasoned: Market, nothing_happened: Nothing, body: Any
) -> None:
    with nothing_happened():
        answers = [
            as_alice.post(ADDRESS, body, Idempotency_Key=key()),
            as_alice.post(f"{ADDRESS}quote/", body),
        ]

    assert {answer.status for answer in answers} == {400}
