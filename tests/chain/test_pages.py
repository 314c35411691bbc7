"""The wallet's pages and the reserves: every state, whose eyes, and no second effect."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from chain.clients import endpoints
from chain.hashing import checksummed
from chain.models import CredentialChange, Deposit, Network, ReserveProof, ScanState, Withdrawal
from chain.services import reserves
from exchange.models import User
from tests.chain.driver import Chain
from tests.chain.paying import Till, entry, withdraw
from tests.chain.stage import depositor, scan, scan_all
from tests.doors import prove
from tests.factories import funded_user, key

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
Nothing = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def till(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Till:
    found = Till(chain, tmp_path, is_demo=True)
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [chain.node])
    depositor()
    return found


@pytest.fixture
def hers(client: Client, alice: User) -> Client:
    """Return Alice's browser, signed in with her password just now."""
    client.force_login(alice)
    CredentialChange.objects.all().delete()
    prove(client, alice)
    return client


def _text(answer: Any) -> str:
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


def test_without_a_network_the_wallet_says_so(client: Client, alice: User) -> None:
    client.force_login(alice)

    assert "not set up here yet" in _text(client.get("/wallet/"))


def test_an_address_is_shown_once_and_stays(till: Till, hers: Client, alice: User) -> None:
    first = _text(hers.get("/wallet/"))
    own = alice.deposit_addresses.get()

    assert str(own) in first
    assert "data:image/svg+xml" in first
    assert str(own) in _text(hers.get("/wallet/"))
    assert "script" not in _text(hers.get("/wallet/moves/"))


def test_a_deposit_goes_from_seen_to_credited(till: Till, hers: Client, alice: User) -> None:
    hers.get("/wallet/")
    till.chain.pay(alice.deposit_addresses.get().address, 5_000_000)
    till.chain.mine()
    scan(till.network, till.chain.node)
    seen = _text(hers.get("/wallet/moves/"))
    assert "Seen" in seen
    assert "0 of 3" in seen
    till.chain.mine(4)
    scan(till.network, till.chain.node)

    assert "Credited" in _text(hers.get("/wallet/moves/"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"halted_at": "now", "halted_reason": "x"}, "paused by a rule"),
        ({"disagrees_at": "now"}, "nodes disagree"),
        ({"head_at": "1999-01-01T00:00Z"}, "not been read for a while"),
    ],
)
def test_what_is_wrong_with_the_chain_is_said(
    till: Till, hers: Client, changes: dict[str, str], words: str
) -> None:
    till.chain.mine()
    scan(till.network, till.chain.node)
    now = {k: timezone.now() if v == "now" else v for k, v in changes.items()}
    ScanState.objects.update(**now)

    assert words in _text(hers.get("/wallet/"))


def test_the_other_states_of_a_deposit_have_words(till: Till, hers: Client, alice: User) -> None:
    hers.get("/wallet/")
    till.chain.pay(alice.deposit_addresses.get().address, 5)
    till.chain.mine()
    scan(till.network, till.chain.node)
    for state, words in (
        ("small", "Adding up"), ("foreign", "Another token"), ("orphaned", "Dropped"),
    ):  # fmt: skip
        Deposit.objects.update(state=state)
        assert words in _text(hers.get("/wallet/moves/"))


@pytest.mark.parametrize("chain", ["embedded"], indirect=True)
def test_the_faucet_pays_the_own_address_now_and_then(
    till: Till, hers: Client, alice: User
) -> None:
    hers.get("/wallet/")
    till.chain.node.call("anvil_dropAllTransactions", [], Any)
    answer = hers.post("/wallet/faucet/", {}, follow=True)
    till.chain.mine()

    assert "on their way" in _text(answer)
    assert till.chain.balance(alice.deposit_addresses.get().address) == 100_000_000
    assert "once in 30" in _text(hers.post("/wallet/faucet/", {}, follow=True))


def test_a_withdrawal_is_previewed_confirmed_and_made_once(
    till: Till, hers: Client, alice: User
) -> None:
    to = entry(alice)
    shown = _text(hers.post("/wallet/withdraw/", {"entry": to.public_id, "amount": "12.5"}))
    assert "12.60 USDC" in shown
    assert "987.40 USDC" in shown
    body = {"entry": to.public_id, "amount": "12.5", "key": key()}
    for _ in range(2):
        answer = hers.post("/wallet/withdrawals/", body, follow=True)
        assert "Set aside" in _text(answer)

    row = Withdrawal.objects.get()
    assert (row.user, row.amount_micro, row.fee_micro) == (alice, 12_500_000, 100_000)
    page = hers.post(f"/wallet/withdrawals/{row.public_id}/cancel/", follow=True)
    assert "Cancelled" in _text(page)


def test_asking_needs_the_password_again_after_a_while(
    till: Till, client: Client, alice: User, nothing_happened: Nothing
) -> None:
    client.force_login(alice)
    to = entry(alice)
    body = {"entry": to.public_id, "amount": "12.5", "key": key()}
    with nothing_happened():
        answer = client.post("/wallet/withdrawals/", body)

    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0.5", "smallest withdrawal is 1.00"),
        ("999.95", "Need"),
        ("2000.01", "still leave within"),
        ("1e5", "is not an amount"),
    ],
)
def test_what_is_refused_is_said_with_figures(
    till: Till, hers: Client, alice: User, amount: str, words: str
) -> None:
    to = entry(alice)
    answer = hers.post("/wallet/withdraw/", {"entry": to.public_id, "amount": amount})

    shown = answer.content.decode()
    assert answer.status_code == 422
    assert words in shown.partition('id="wrong_amount"')[2].partition("</p>")[0]
    assert to.label in shown
    assert f'value="{amount}"' in shown
    assert shown.count("aria-invalid") == 1


def test_a_withdrawal_without_an_address_says_which_choice_is_missing(
    till: Till, hers: Client, alice: User
) -> None:
    entry(alice)
    shown = hers.post("/wallet/withdraw/", {"amount": "12"}).content.decode()

    assert "Choose an address of your book." in shown.partition('id="wrong_entry"')[2]
    assert 'value="12"' in shown


def test_the_book_takes_whole_addresses_and_says_when(
    till: Till, hers: Client, alice: User
) -> None:
    good = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    shown = _text(hers.post("/wallet/addresses/", {"address": good, "label": "Mine"}, follow=True))
    assert "too new" in shown
    assert "disabled" in shown
    row = alice.address_book.get()
    hers.post(f"/wallet/addresses/{row.public_id}/remove/")
    assert not alice.address_book.filter(removed_at=None).exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("0x12", "Mine"), "address: An address is 0x and 40"),
        (("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "Mine"), "address: The capitals"),
        (("own", "Mine"), "address: This is an address of ours"),
        (("known", "Mine"), "address: This address is in your book already"),
        (("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "x" * 41), "label: At most 40"),
        (("", "<b>Mine</b>"), "address: Enter an address."),
    ],
)
def test_a_refused_address_stays_typed_with_its_fault_beside_it(
    till: Till, hers: Client, alice: User, typed: tuple[str, str], said: str
) -> None:
    hers.get("/wallet/")
    known = {
        "own": str(alice.deposit_addresses.get()),
        "known": checksummed(entry(alice).address),
    }
    address, label = known.get(typed[0], typed[0]), typed[1]
    body = {"address": address, "label": label, "is_contract": "on"}
    answer = hers.post("/wallet/addresses/", body)

    shown = answer.content.decode()
    assert answer.status_code == 422
    field, words = said.split(": ")
    assert shown.partition(f'id="wrong_{field}">')[2].startswith(words)
    assert f'value="{address}"' in shown
    assert f'value="{escape(label)}"' in shown
    assert 'name="is_contract" checked' in shown
    assert alice.address_book.count() == 1


def test_a_misspelt_address_is_refused_before_a_password_is_asked_for(
    till: Till, client: Client, alice: User
) -> None:
    client.force_login(alice)

    assert client.post("/wallet/addresses/", {"address": "0x12"}).status_code == 422
    good = {"address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}
    assert "reauthenticate" in client.post("/wallet/addresses/", good)["Location"]


def test_charlie_sees_nothing_of_alices(
    till: Till, client: Client, alice: User, charlie: User, nothing_happened: Nothing
) -> None:
    row = withdraw(alice, till.network)
    client.force_login(charlie)
    with nothing_happened():
        assert client.get(f"/wallet/withdrawals/{row.public_id}/").status_code == 404
        assert client.post(f"/wallet/withdrawals/{row.public_id}/cancel/").status_code == 404
        address = f"/wallet/addresses/{row.entry.public_id}/remove/"
        assert client.post(address).status_code == 404
        body = {"entry": row.entry.public_id, "amount": "5"}
        assert client.post("/wallet/withdraw/", body).status_code == 404


def test_reserves_are_public_and_a_leaf_is_its_owners(
    till: Till, client: Client, hers: Client, alice: User, tmp_path: Path
) -> None:
    assert "first proof is published" in _text(Client().get("/reserves/"))
    till.chain.mine(8)
    scan_all(till.network, [till.chain.node])
    funded_user("77")
    proof = reserves.prove()

    assert "Everything owed is held" in _text(Client().get("/reserves/"))
    told = json.loads(_text(hers.get("/reserves/leaf.json")))
    assert told["amount_micro"] == "1000000000"
    assert told["root"] == proof.root
    assert Client().get("/reserves/leaf.json").status_code == 302
    file = tmp_path / "leaf.json"
    file.write_text(json.dumps(told))
    assert _verified(file).returncode == 0
    for forged in (
        {**told, "amount_micro": "999999999"},
        {**told, "account": "usr_0000000000001"},
        {**told, "total_micro": str(int(told["total_micro"]) - 1)},
        {**told, "amount_micro": "-5"},
    ):
        file.write_text(json.dumps(forged))
        assert _verified(file).returncode == 1


def _verified(file: Path) -> "subprocess.CompletedProcess[str]":
    script = ROOT / "static" / "verify_reserves.py"
    assert len(script.read_text().splitlines()) < 80
    return subprocess.run(
        [sys.executable, script, file], capture_output=True, text=True, check=False
    )


def test_a_shortfall_is_public(till: Till) -> None:
    till.chain.mine(8)
    scan_all(till.network, [till.chain.node])
    ReserveProof.objects.create(
        entry_id=1, liabilities_micro=10**9, holdings_micro=10**8, kinds={}, holdings=[],
        root="0" * 64, leaves_count=1,
    )  # fmt: skip

    assert "900.00 USDC are missing" in _text(Client().get("/reserves/"))


def test_every_leaf_of_a_proof_reaches_the_root(till: Till) -> None:
    till.chain.mine(8)
    scan_all(till.network, [till.chain.node])
    people = [funded_user(str(n)) for n in range(1, 40)]
    proof = reserves.prove()
    total = sum(leaf.amount_micro for leaf in proof.leaves.all())

    assert total == proof.liabilities_micro == sum(map(int, proof.kinds.values()))
    assert proof.leaves_count == len(people)
    assert Network.objects.count() == 1
