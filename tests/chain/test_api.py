"""The wallet in the API: own rows only, a scope of its own, the same rules as the page."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from chain.clients import endpoints
from chain.models import CredentialChange, Withdrawal
from chain.services import reserves
from exchange import clock
from exchange.models import User
from exchange.services import tokens
from tests.chain.driver import Chain
from tests.chain.paying import Till, entry
from tests.chain.stage import depositor, scan_all
from tests.factories import key

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"
Nothing = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def till(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Till:
    found = Till(chain, tmp_path)
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [chain.node])
    depositor()
    return found


class Program:
    """A caller with a token of the given scopes."""

    def __init__(self, user: User, *scopes: str, age: timedelta = tokens.WITHDRAWS_AFTER) -> None:
        token, secret = tokens.create(
            user=user, name="program", scopes=scopes, proved_at=clock.now()
        )
        token.created_at -= age
        token.save()
        self.client, self.head = Client(), {"Authorization": f"Bearer {secret}"}
        self.get("me/")  # from now on its last use is known

    def get(self, address: str) -> Any:
        return self.client.get(V1 + address, headers=self.head)

    def post(self, address: str, body: Any, key_: str | None = None) -> Any:
        head = {**self.head, "Idempotency-Key": key_ or key()}
        return self.client.post(V1 + address, body, content_type="application/json", headers=head)


def test_tells_the_address_and_the_terms(till: Till, alice: User) -> None:
    told = Program(alice, "read").get("wallet/").json()

    assert told["address"] == str(alice.deposit_addresses.get())
    assert (told["day_left"], told["withdrawal_fee"]) == ("2000.000000", "0.100000")
    assert told["available"] == "1000.000000"


def test_lists_deposits_with_their_progress(till: Till, alice: User) -> None:
    program = Program(alice, "read")
    program.get("wallet/")
    till.chain.pay(alice.deposit_addresses.get().address, 5_000_000)
    till.chain.mine(2)
    scan_all(till.network, [till.chain.node])
    found = program.get("wallet/deposits/").json()["results"]

    assert [(d["state"], d["amount"], d["blocks_done"], d["blocks_needed"]) for d in found] == [
        ("seen", "5.000000", 1, 3)
    ]


def test_paying_needs_the_scope_and_acts_once(
    till: Till, alice: User, nothing_happened: Nothing
) -> None:
    to = entry(alice)
    CredentialChange.objects.all().delete()
    body = {"address_id": to.public_id, "amount": "12.5"}
    trader = Program(alice, "read", "trade")
    with nothing_happened():
        refused = trader.post("wallet/withdrawals/", body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "scope_missing")

    program, same = Program(alice, "read", "withdraw"), key()
    made = [program.post("wallet/withdrawals/", body, same) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    row = Withdrawal.objects.get()
    assert made[0].json()["id"] == made[1].json()["id"] == row.public_id
    other = program.post("wallet/withdrawals/", {**body, "amount": "13"}, same)
    assert other.status_code == 409
    listed = program.get("wallet/withdrawals/").json()["results"]
    assert [p["state"] for p in listed] == ["held"]
    done = program.post(f"wallet/withdrawals/{row.public_id}/cancel/", {})
    assert done.json()["state"] == "cancelled"


def test_a_token_withdraws_nothing_in_its_first_day(
    till: Till, alice: User, nothing_happened: Nothing
) -> None:
    body = {"address_id": entry(alice).public_id, "amount": "12.5"}
    CredentialChange.objects.all().delete()
    made = clock.now()
    program = Program(alice, "read", "withdraw", age=timedelta())
    with clock.shifted(86_390):
        program.get("me/")  # its use is noted each minute
        with nothing_happened():
            refused = program.post("wallet/withdrawals/", body)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (422, "token_too_new")
    until = datetime.fromisoformat(error["fields"]["until"])
    assert timedelta(0) <= until - made - timedelta(hours=24) < timedelta(seconds=30)
    assert f"{until:%d %b %Y %H:%M} UTC" in error["message"]

    with clock.shifted(86_401):
        assert program.post("wallet/withdrawals/", body).status_code == 201


@pytest.mark.parametrize(
    ("amount", "status", "code"),
    [
        ("0.5", 422, "withdrawal_too_small"),
        ("2000.000001", 422, "withdrawal_limit"),
        ("999.95", 422, "insufficient_funds"),
        (12, 400, "money_malformed"),
        ("-1", 400, "money_malformed"),
    ],
)
def test_the_rules_are_the_pages(  # noqa: PLR0917 (fixtures and a row)
    till: Till, alice: User, amount: Any, status: int, code: str, nothing_happened: Nothing
) -> None:
    to = entry(alice)
    CredentialChange.objects.all().delete()
    program = Program(alice, "read", "withdraw")
    with nothing_happened():
        answer = program.post("wallet/withdrawals/", {"address_id": to.public_id, "amount": amount})

    assert answer.status_code == status
    assert code in answer.content.decode()


def test_a_session_has_to_prove_itself(till: Till, client: Client, alice: User) -> None:
    to = entry(alice)
    client.force_login(alice)
    answer = client.post(
        f"{V1}wallet/withdrawals/",
        {"address_id": to.public_id, "amount": "5"},
        content_type="application/json",
        headers={"Idempotency-Key": key()},
    )

    assert answer.json()["error"]["code"] == "step_up_needed"


def test_charlie_sees_and_does_nothing(
    till: Till, alice: User, charlie: User, nothing_happened: Nothing
) -> None:
    to = entry(alice)
    CredentialChange.objects.all().delete()
    body = {"address_id": to.public_id, "amount": "5"}
    made = Program(alice, "read", "withdraw").post("wallet/withdrawals/", body).json()
    program = Program(charlie, "read", "withdraw")
    with nothing_happened():
        assert program.get(f"wallet/withdrawals/{made['id']}/").status_code == 404
        cancelled = program.post(f"wallet/withdrawals/{made['id']}/cancel/", {})
        assert cancelled.status_code == 404
        assert program.post("wallet/withdrawals/", body).status_code == 404
    assert program.get("wallet/withdrawals/").json()["results"] == []
    assert program.get("wallet/addresses/").json()["results"] == []


def test_reserves_are_public_and_leaves_are_not(till: Till, alice: User) -> None:
    anyone = Client()
    assert anyone.get(f"{V1}reserves/").status_code == 404
    till.chain.mine(8)
    scan_all(till.network, [till.chain.node])
    proof = reserves.prove()
    told = anyone.get(f"{V1}reserves/").json()

    assert (told["root"], told["shortfall"]) == (proof.root, "0.000000")
    assert told["chains"][0]["block"] > 0
    assert anyone.get(f"{V1}reserves/leaf/").status_code == 401
    leaf = Program(alice, "read").get("reserves/leaf/").json()
    assert leaf["amount_micro"] == "1000000000"
