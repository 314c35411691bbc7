"""Several networks at once: each is shown, credited and paid by itself, and none for another."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from chain.clients import endpoints
from chain.clients.rpc import Node
from chain.core.withdrawal import State
from chain.errors import NodeFault
from chain.hashing import checksummed
from chain.models import AddressBookEntry, CredentialChange, Network, Withdrawal
from exchange.models import User
from tests.chain.driver import Embedded
from tests.chain.paying import Till, entry, stranger, withdraw
from tests.chain.stage import cash_of, depositor, scan_all
from tests.chain.test_api import Program
from tests.chain.worlds import SECOND_ID, second_chain, tills_of
from tests.doors import prove
from tests.factories import key, usdc

pytestmark = pytest.mark.django_db
Nothing = Callable[[], AbstractContextManager[None]]
GOOD = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.fixture(scope="module")
def chains() -> list[Embedded]:
    return [Embedded(), second_chain()]


@pytest.fixture
def tills(chains: list[Embedded], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Till]:
    depositor()
    return tills_of(chains, tmp_path, monkeypatch)


@pytest.fixture
def other(tills: list[Till]) -> Till:
    """Return the network that is not the default."""
    return tills[1]


@pytest.fixture
def hers(client: Client, alice: User) -> Client:
    client.force_login(alice)
    CredentialChange.objects.all().delete()
    prove(client, alice)
    return client


def _on(address: str, network: Network) -> str:
    return f"{address}?network={network.chain_id}"


def _text(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def _entry_on(network: Network, user: User) -> AddressBookEntry:
    row = entry(user)
    row.network = network
    row.save()
    return row


def test_two_chains_differ_in_their_id_alone(chains: list[Embedded]) -> None:
    first, second = chains

    assert second.chain_id == SECOND_ID != first.chain_id
    assert first.token == second.token


def test_every_network_has_its_tab_with_its_own_moves(
    tills: list[Till], hers: Client, alice: User
) -> None:
    first, other = tills
    plain = _text(hers.get("/wallet/"))
    assert plain.count('aria-current="true"') == 1
    assert _on("/wallet/", other.network) in plain
    own = alice.deposit_addresses.get()
    other.chain.pay(own.address, usdc("5"))
    other.chain.mine(5)
    scan_all(other.network, [other.chain.node])

    shown = _text(hers.get(_on("/wallet/", other.network)))
    assert f"for USDC on {other.network.name} alone" in shown
    assert str(own) in shown
    assert _on("/wallet/moves/", other.network) in shown
    assert "Credited" in _text(hers.get(_on("/wallet/moves/", other.network)))
    assert "Credited" not in _text(hers.get(_on("/wallet/moves/", first.network)))
    assert cash_of(alice) == usdc("1005")


def test_one_network_alone_has_no_tabs_and_shows_what_was_elsewhere(
    tills: list[Till], hers: Client, alice: User
) -> None:
    other = tills[1]
    row = withdraw(alice, other.network)
    Network.objects.filter(pk=other.network.pk).update(is_enabled=False)
    shown = _text(hers.get("/wallet/"))

    assert 'aria-label="Network"' not in shown
    assert row.public_id in shown
    assert hers.get(_on("/wallet/", other.network)).status_code == 404


@pytest.mark.parametrize("named", ["7", "x", "-1", "9" * 40, "1e3", "\u0663"])
@pytest.mark.usefixtures("tills")
def test_a_network_that_is_none_is_not_found(hers: Client, named: str) -> None:
    for page in ("/wallet/", "/wallet/moves/", "/wallet/withdraw/"):
        assert hers.get(page, {"network": named}).status_code == 404


def test_money_leaves_by_the_second_network(
    tills: list[Till], other: Till, hers: Client, alice: User
) -> None:
    hers.post("/wallet/addresses/", {"network": other.network.chain_id, "address": GOOD})
    row = AddressBookEntry.objects.get(user=alice)
    assert row.network == other.network
    row.created_at = entry(alice).created_at
    row.save()
    form = {"network": other.network.chain_id, "entry": row.public_id, "amount": "12.5"}
    preview = _text(hers.post("/wallet/withdraw/", form))
    assert f"<dd>{other.network.name}</dd>" in preview
    assert f'name="network" value="{other.network.chain_id}"' in preview
    hers.post("/wallet/withdrawals/", {**form, "key": key()})
    tills[0].finish()
    other.finish()

    made = Withdrawal.objects.get()
    assert (made.network, made.state) == (other.network, State.FINAL)
    assert [till.chain.balance(row.address) for till in tills] == [0, usdc("12.5")]
    assert _text(hers.get(f"/wallet/withdrawals/{made.public_id}/")).count(other.network.name) >= 1


def test_an_address_is_paid_on_its_own_network_alone(
    tills: list[Till], other: Till, hers: Client, alice: User, nothing_happened: Nothing
) -> None:
    row = _entry_on(other.network, alice)
    form = {"network": tills[0].network.chain_id, "entry": row.public_id, "amount": "12.5"}
    with nothing_happened():
        answer = hers.post("/wallet/withdraw/", form)
        assert hers.post("/wallet/withdrawals/", {**form, "key": key()}).status_code == 422
    assert answer.status_code == 422
    assert "for another network" in answer.content.decode()
    assert row.label not in _text(hers.get("/wallet/withdraw/"))
    assert row.label in _text(hers.get(_on("/wallet/withdraw/", other.network)))
    # the same address may stand there for each network, once
    for till in (*tills, other):
        hers.post(
            "/wallet/addresses/", {"network": till.network.chain_id, "address": GOOD}, follow=True
        )
    assert AddressBookEntry.objects.filter(address=GOOD.lower()).count() == 2


def test_a_contract_is_asked_for_where_it_would_be_paid(
    tills: list[Till], other: Till, hers: Client, alice: User
) -> None:
    contract = other.chain.deploy("TestUSD")
    body = {"address": checksummed(contract)}
    refused = hers.post("/wallet/addresses/", {**body, "network": other.network.chain_id})
    assert "This is a contract" in refused.content.decode()
    # there it is an account like any other
    hers.post("/wallet/addresses/", {**body, "network": tills[0].network.chain_id})
    assert AddressBookEntry.objects.get(user=alice).network == tills[0].network


def _broken(_: bytes) -> bytes:
    raise NodeFault("this one does not answer")


def test_the_contract_question_goes_to_the_next_endpoint_and_waits_for_one(
    tills: list[Till], hers: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = tills[0].chain
    contract = checksummed(chain.deploy("TestUSD"))
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [Node("away", _broken), chain.node])
    assert hers.post("/wallet/addresses/", {"address": contract}).status_code == 422
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [Node("away", _broken)] * 2)
    answer = hers.post("/wallet/addresses/", {"address": GOOD, "label": "Mine"})
    assert answer.status_code == 503
    assert "does not answer at the moment" in answer.content.decode()
    assert f'value="{GOOD}"' in answer.content.decode()
    assert not AddressBookEntry.objects.filter(user=alice).exists()
    # what its owner confirms is not asked
    hers.post("/wallet/addresses/", {"address": contract, "is_contract": "on"})
    assert AddressBookEntry.objects.get(user=alice).is_contract


def test_the_api_serves_every_network(
    tills: list[Till], other: Till, alice: User, nothing_happened: Nothing
) -> None:
    first, second = (till.network.chain_id for till in tills)
    to, elsewhere = _entry_on(other.network, alice), entry(alice, stranger())
    CredentialChange.objects.all().delete()
    program = Program(alice, "read", "withdraw")
    told = program.get("wallet/").json()
    assert told["chain_id"] == first
    assert [row["chain_id"] for row in told["networks"]] == [first, second]
    assert program.get(f"wallet/?network={second}").json()["network"] == other.network.name
    listed = program.get(f"wallet/addresses/?network={first}").json()["results"]
    assert [row["id"] for row in listed] == [elsewhere.public_id]
    listed = program.get("wallet/addresses/").json()["results"]
    assert [row["chain_id"] for row in listed] == [None, second]

    body = {"address_id": to.public_id, "amount": "5"}
    with nothing_happened():
        refused = program.post("wallet/withdrawals/", {**body, "network": first})
        unknown = program.post("wallet/withdrawals/", {**body, "network": 7})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "address_other_network")
    error = unknown.json()["error"]
    assert (unknown.status_code, error["code"]) == (404, "network_unknown")
    assert error["fields"]["chain_ids"] == [str(first), str(second)]
    # the address knows its network
    assert program.post("wallet/withdrawals/", body).json()["chain_id"] == second
    assert program.get(f"wallet/withdrawals/?network={first}").json()["results"] == []
    assert len(program.get(f"wallet/withdrawals/?network={second}").json()["results"]) == 1
    assert program.get("wallet/deposits/?network=7").status_code == 404
    assert program.get("wallet/?network=x").status_code == 400
