"""What keeps the chain side going: addresses, set-up, backfill, comparison, alarms, staff."""

from pathlib import Path

import pgtrigger
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from bip32 import BIP32
from django.contrib.auth.hashers import make_password
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from chain import tasks
from chain.clients import endpoints
from chain.clients import signer as signers
from chain.clients.rpc import Node
from chain.errors import NodeFault
from chain.models import (
    CredentialChange,
    Deposit,
    DepositAddress,
    HotWallet,
    KeyAccount,
    Network,
    ReserveProof,
    ScanState,
)
from chain.services import addresses, embedded_setup, follow, metrics, reconcile
from chain.services import staff as verbs
from exchange.errors import NotAllowed, Unprocessable
from exchange.models import StaffAction, User
from tests.chain.driver import Chain
from tests.chain.paying import Till
from tests.chain.stage import cash_of, depositor, key_account, network_of, scan_all
from tests.factories import funded_user

pytestmark = pytest.mark.django_db
SEED = bytes(range(32))


@pytest.fixture
def till(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Till:
    found = Till(chain, tmp_path)
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [chain.node])
    monkeypatch.setattr(signers, "configured", lambda: found.signer)
    return found


def test_addresses_are_those_of_the_seed_and_each_is_given_once() -> None:
    people = [funded_user("0") for _ in range(5)]
    account = key_account()
    addresses.make_ahead(account, 2)
    given = [addresses.address_of(person) for person in people]

    assert [addresses.address_of(person) for person in people] == given
    assert [row.index for row in given] == list(range(5))
    tree = BIP32.from_seed(SEED)
    xpub = tree.get_xpub_from_path("m/44'/60'/1'")
    key = tree.get_pubkey_from_path("m/44'/60'/1'/7")
    assert addresses.derive(xpub, range(7, 8)) == [(7, addresses.address_of_key(key))]


def test_only_public_keys_are_kept() -> None:
    xprv = BIP32.from_seed(SEED).get_xpriv_from_path("m/44'/60'/1'")
    with pytest.raises(ValueError, match="public"):
        addresses.register_xpub(xprv, "m")
    with pytest.raises(IntegrityError), transaction.atomic():
        KeyAccount.objects.create(purpose="deposits", path="m", xpub=xprv, is_active=False)


@pytest.mark.parametrize("chain", ["embedded"], indirect=True)
def test_the_development_chain_is_set_up_as_often_as_wanted(till: Till) -> None:
    HotWallet.objects.all().delete()
    Network.objects.all().delete()
    embedded_setup.prepare(till.chain.node, till.signer)
    till.chain.mine()
    network = embedded_setup.prepare(till.chain.node, till.signer)
    till.chain.mine()

    assert (network.is_demo, network.token) == (True, till.chain.token)
    assert till.chain.balance(till.hot) >= embedded_setup.FLOAT_MICRO
    assert DepositAddress.objects.filter(user=None).count() == addresses.POOL
    assert Network.objects.count() == HotWallet.objects.count() == 1


def test_one_pass_does_everything(till: Till) -> None:
    user, row = depositor()
    till.chain.pay(row.address, 5_000_000)
    till.chain.mine(5)

    assert tasks.chains_advance() > 0
    assert cash_of(user) == 5_000_000
    assert ScanState.objects.get().lease_until is None


@pytest.mark.parametrize("place", [0, 1])
def test_an_endpoint_that_fails_gives_its_place_to_the_next_for_good(
    till: Till, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    def broken(_: bytes) -> bytes:
        raise NodeFault("this one does not answer")

    nodes = [till.chain.node]
    nodes.insert(place, Node("away", broken))
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: nodes)
    follower, read = follow.Follower(), []
    for _ in range(12):
        till.chain.mine()
        report = follower.advance(till.network)
        assert "does not answer" in report.error
        read.append(report.blocks > 0)

    assert read == ([False] * 3 + [True] * 9 if place == 0 else [True] * 12)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_of_three_endpoints_any_two_are_enough(
    till: Till, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    def broken(_: bytes) -> bytes:
        raise NodeFault("this one does not answer")

    nodes = [till.chain.node, till.chain.node]
    nodes.insert(place, Node("away", broken))
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: nodes)
    follower = follow.Follower()
    user, row = depositor()
    till.chain.pay(row.address, 5_000_000)
    till.chain.mine(6)
    errors = [follower.advance(till.network).error for _ in range(5)]

    assert not errors[-1]
    assert cash_of(user) == 5_000_000


def test_references_hide_addresses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOME_RPC", "https://node.example/with-a-key")
    (tmp_path / "url").write_text("https://other.example\n")
    monkeypatch.setenv("FILED_RPC_FILE", str(tmp_path / "url"))

    assert endpoints.resolved("env:SOME_RPC") == "https://node.example/with-a-key"
    assert endpoints.resolved("env:FILED_RPC") == "https://other.example"
    assert endpoints.resolved("http://127.0.0.1:1") == "http://127.0.0.1:1"
    for bad in ("env:NOT_SET", "https://node.example/with-a-key"):
        with pytest.raises(NodeFault) as fault:
            endpoints.resolved(bad)
        assert "with-a-key" not in str(fault.value)


def test_a_backfill_finds_what_was_missed_and_doubles_nothing(till: Till) -> None:
    user, row = depositor()
    till.chain.pay(row.address, 7)
    till.chain.mine(6)
    till.network.deposit_min_micro = 1
    till.network.save()
    scan_all(till.network, [till.chain.node])
    state = ScanState.objects.get()
    with pgtrigger.ignore("chain.Deposit:deposit_never_deleted"):
        Deposit.objects.all().delete()  # a row that was lost, as by a restored backup
    words = [str(till.chain.chain_id), "0", str(state.final_number)]
    for _ in range(2):
        call_command("chain_backfill", *words)
    scan_all(till.network, [till.chain.node])

    assert Deposit.objects.get().state == Deposit.State.CREDITED
    assert cash_of(user) == 7
    with pytest.raises(CommandError, match="final"):
        call_command("chain_backfill", *words[:2], str(state.final_number + 100))


def test_balances_are_compared_with_the_rows(till: Till) -> None:
    _, row = depositor()
    till.chain.pay(row.address, 5_000_000)
    till.chain.mine(6)
    scan_all(till.network, [till.chain.node])
    assert reconcile.reconcile(till.network, till.chain.node) == []
    assert tasks.balances_reconcile() == 0

    Deposit.objects.filter(state="credited").update(final_at=None)
    different = reconcile.reconcile(till.network, till.chain.node)
    assert [(d.chain_micro, d.rows_micro) for d in different] == [(5_000_000, 0)]
    assert tasks.balances_reconcile() == ScanState.objects.get().differing == 1


def test_the_nightly_proof_is_made_once_a_day(till: Till) -> None:
    till.chain.mine(6)
    scan_all(till.network, [till.chain.node])
    for _ in range(2):
        assert tasks.reserves_prove()

    assert ReserveProof.objects.count() == 1


def test_alarms_have_figures(till: Till) -> None:
    till.chain.mine(6)
    scan_all(till.network, [till.chain.node])
    registry = CollectorRegistry()
    registry.register(metrics.Chains())
    text = generate_latest(registry).decode()

    for name in ("behind_blocks", "halted", "nodes_disagree", "parked", "nonces_open"):
        assert f'megatron_chain_{name}{{network="{till.network.name}"}} 0' in text


def test_staff_pause_and_resume_on_record(till: Till, alice: User, staff: User) -> None:
    with pytest.raises(NotAllowed):
        verbs.withdrawals_set(actor=alice, network=till.network, on=False, reason="because")
    verbs.withdrawals_set(actor=staff, network=till.network, on=False, reason="a key is suspected")
    with pytest.raises(Unprocessable):
        verbs.withdrawals_set(actor=staff, network=till.network, on=False, reason="once more")

    assert not Network.objects.get().withdrawals_on
    assert StaffAction.objects.get().verb == "network.withdrawals_paused"


def test_every_way_of_changing_credentials_is_noted(alice: User) -> None:
    def changed() -> bool:
        found = CredentialChange.objects.filter(user=alice)
        return bool(found.exists() and found.delete())

    CredentialChange.objects.all().delete()
    alice.display_name = "Alicia"
    alice.save()
    assert not changed()
    User.objects.filter(pk=alice.pk).update(email="other@example.com")
    assert changed()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE exchange_user SET password = 'x' WHERE id = %s", [alice.pk])
    assert changed()
    factor = Authenticator.objects.create(user=alice, type="totp", data={})
    assert changed()
    factor.delete()
    assert changed()
    EmailAddress.objects.create(user=alice, email="other@example.com")
    assert changed()


def test_a_password_hashed_anew_is_no_change_and_a_new_one_is(alice: User) -> None:
    alice.password = make_password("correct horse battery", hasher="pbkdf2_sha256")
    alice.save()
    CredentialChange.objects.all().delete()
    before = alice.password

    assert not alice.check_password("wrong")
    assert alice.check_password("correct horse battery")
    alice.refresh_from_db()
    assert alice.password != before
    assert not CredentialChange.objects.exists()
    alice.set_password("correct horse battery")
    alice.save()
    assert CredentialChange.objects.get().user == alice


def test_a_chain_is_a_row_and_not_code(chain: Chain) -> None:
    network = network_of(chain, name="Somewhere", finality_blocks=5, block_ms=12_000)

    assert (network.policy.blocks, network.policy.block_ms) == (5, 12_000)
