"""A nonce that somebody else's transaction has used: money back once, and the wallet stops."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from chain.clients import endpoints
from chain.clients import signer as signers
from chain.core.withdrawal import State
from chain.models import Attempt, GasReading, HotWallet, Network, NonceSlot, Withdrawal
from chain.services import gas, metrics, payouts
from exchange import clock
from exchange.models import Hold, StaffAction, User
from tests.chain.desk import browser_of, choose, colleague
from tests.chain.driver import Chain, Embedded
from tests.chain.liar import lying
from tests.chain.paying import Till, stranger, withdraw
from tests.chain.purses import signer_of
from tests.chain.stage import cash_of, scan_all
from tests.chain.thief import send, steal
from tests.factories import usdc

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Embedded()


@pytest.fixture
def till(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Till:
    found = Till(chain, tmp_path)
    found.nodes = [chain.node, chain.node]
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: found.nodes)
    monkeypatch.setattr(signers, "configured", lambda: found.signer)
    return found


def _robbed(till: Till, owner: User) -> tuple[Withdrawal, str]:
    """Return a payment that was signed and sent, whose nonce a thief used before it was mined."""
    row = withdraw(owner, till.network)
    _forgotten(till)
    return row, steal(till, 0, usdc("7"))


def _forgotten(till: Till) -> None:
    """Sign and send what is due, and let the node forget it, as one that was outbid does."""
    till.round()
    till.chain.node.call("anvil_dropAllTransactions", [], object)
    till.chain._recount()


def _later(till: Till, rounds: int = 5) -> None:
    with clock.shifted(61):
        till.finish(rounds)


def _now(row: Withdrawal) -> Withdrawal:
    row.refresh_from_db()
    return row


def _slot() -> NonceSlot:
    return NonceSlot.objects.get()


def test_the_money_returns_once_when_the_other_one_is_final(till: Till, alice: User) -> None:
    row, stolen = _robbed(till, alice)
    with clock.shifted(61):
        for _ in range(3):
            till.chain.mine()
            till.round()
            assert _now(row).state == State.BROADCAST
            assert set(Hold.objects.values_list("state", flat=True)) == {"open"}
        till.finish()

    assert (_now(row).state, cash_of(alice)) == (State.RETURNED, usdc("1000"))
    assert "another transaction has used its nonce" in row.reason
    assert (_slot().state, _slot().settled_hash) == ("taken", stolen)
    assert set(Hold.objects.values_list("state", flat=True)) == {"voided"}
    assert till.chain.balance(row.address) == 0
    assert row.events.filter(state="returned").count() == 1


def test_the_wallet_stops_and_says_why(till: Till, alice: User, bob: User) -> None:
    _, stolen = _robbed(till, alice)
    _later(till)
    wallet = HotWallet.objects.get()
    assert stolen in wallet.halted_reason
    waits = withdraw(bob, till.network)
    _later(till)

    assert (_now(waits).state, NonceSlot.objects.count()) == (State.APPROVED, 1)
    assert "halted" in Network.objects.get().parked_reason
    assert not payouts.disperse_allow(
        network=till.network, node=till.chain.node, signer=till.signer
    )
    registry = CollectorRegistry()
    registry.register(metrics.Chains())
    told = generate_latest(registry).decode()
    assert f'megatron_chain_wallet_halted{{network="{till.network.name}"}} 1.0' in told


def test_the_wei_that_the_thief_burnt_is_gone_without_a_row(till: Till, alice: User) -> None:
    scan_all(till.network, till.nodes)
    till.chain.mine(4)
    scan_all(till.network, till.nodes)
    first = gas.read(till.network, till.chain.node)
    assert first is not None
    _robbed(till, alice)
    _later(till)
    scan_all(till.network, till.nodes)
    found = gas.read(till.network, till.chain.node)

    assert found is not None
    assert found.pk != first.pk
    assert int(found.missing_wei) > 0
    assert GasReading.objects.count() == 2


FORGED = "0x" + "7" * 64


def _forges(till: Till) -> Any:
    """Return a lie: our payment does not exist, and another transaction stands on its nonce."""
    honest, ours = till.chain.node, Attempt.objects.get().tx_hash
    tx = honest.call("eth_getTransactionByHash", [ours], dict) or {}
    receipt = honest.call("eth_getTransactionReceipt", [ours], dict) or {}

    def lie(method: str, params: Any, result: Any) -> Any:
        match method, params:
            case "eth_getTransactionReceipt", [asked]:
                return {**receipt, "transactionHash": FORGED} if asked == FORGED else None
            case "eth_getTransactionByHash", [asked]:
                return {**tx, "hash": FORGED, "input": "0x"} if asked == FORGED else None
            case "eth_getBlockByNumber", [_, True]:
                told = [{**each, "hash": FORGED, "input": "0x"} for each in result["transactions"]]
                return {**result, "transactions": told}
            case _:
                pass
        return result

    return lie


@pytest.mark.parametrize("liar_first", [True, False])
def test_one_endpoint_alone_returns_nothing(till: Till, alice: User, liar_first: bool) -> None:
    row = withdraw(alice, till.network)
    till.round()
    till.chain.mine(5)
    honest = till.chain.node
    liar = lying(honest, _forges(till))
    till.nodes = [liar, honest] if liar_first else [honest, liar]
    with clock.shifted(61):
        till.round()
    assert _now(row).state in {State.BROADCAST, State.MINED}
    assert set(Hold.objects.values_list("state", flat=True)) == {"open"}
    till.nodes = [honest, honest]
    _later(till, 6)

    assert (_now(row).state, till.chain.balance(row.address)) == (State.FINAL, usdc("10"))


def test_a_count_that_is_too_high_returns_nothing(till: Till, alice: User) -> None:
    row = withdraw(alice, till.network)
    till.round()

    def counts(method: str, _: Any, result: Any) -> Any:
        return "0x9" if method == "eth_getTransactionCount" else result

    till.nodes = [lying(till.chain.node, counts)] * 2
    with clock.shifted(61):
        till.round()
    assert (_now(row).state, HotWallet.objects.get().halted_at is None) == ("broadcast", False)
    assert set(Hold.objects.values_list("state", flat=True)) == {"open"}


def test_a_payment_whose_bytes_we_lost_is_paid_and_not_returned(till: Till, alice: User) -> None:
    """As after a backup was restored that is older than a replacement at a higher fee."""
    row = withdraw(alice, till.network)
    _forgotten(till)
    slot = _slot()
    same = send(till, nonce=0, to=slot.to, data="0x" + bytes(slot.data).hex())
    _later(till)

    assert (_now(row).state, till.chain.balance(row.address)) == (State.FINAL, usdc("10"))
    assert (_slot().state, _slot().settled_hash) == ("settled", same)
    assert int(_slot().gas_paid_wei) > 0
    assert HotWallet.objects.get().halted_at is None
    assert bytes(Attempt.objects.get(tx_hash=same).raw) == b""


def test_without_old_states_staff_name_the_transaction(till: Till, alice: User) -> None:
    row, stolen = _robbed(till, alice)
    honest = till.chain.node

    def prunes(method: str, params: Any, result: Any) -> Any:
        height = honest.number("eth_blockNumber")
        is_old = method == "eth_getTransactionCount" and params[1] != "latest"
        return None if is_old and int(params[1], 16) < height - 3 else result

    till.nodes = [lying(honest, prunes)] * 2
    _later(till, 8)
    assert _now(row).state == State.BROADCAST
    assert HotWallet.objects.get().halted_reason.endswith("was used, not by us")
    desk = browser_of(colleague("Desk"))
    assert "did not use this nonce" in choose(desk, _slot(), "nonce_taken", tx_hash=_other(till))
    choose(desk, _slot(), "nonce_taken", tx_hash=stolen)

    assert (_now(row).state, cash_of(alice)) == (State.RETURNED, usdc("1000"))
    assert StaffAction.objects.get().verb == "nonce.settled_as_taken"


def _other(till: Till) -> str:
    """Return a final transaction of somebody else's nonce."""
    found = till.chain.pay(stranger(), 5)
    till.chain.mine(5)
    return found


def test_a_nonce_beyond_ours_stops_the_wallet_before_anything_is_signed(
    till: Till, alice: User
) -> None:
    steal(till, 0, usdc("7"))
    till.chain.mine()
    row = withdraw(alice, till.network)
    till.finish()
    assert (_now(row).state, NonceSlot.objects.count()) == (State.APPROVED, 0)
    assert "1 transactions of the wallet" in HotWallet.objects.get().halted_reason

    # a person of ours had moved the money by hand: staff say so, and the next nonce is the chain's
    desk = browser_of(colleague("Desk"))
    choose(desk, HotWallet.objects.get(), "wallet_resume", "moved by the treasurer by hand")
    till.finish()
    assert (_now(row).state, till.chain.balance(row.address)) == (State.FINAL, usdc("10"))
    assert _slot().nonce == 1
    assert "is not halted" in choose(desk, HotWallet.objects.get(), "wallet_resume")


def test_a_new_key_pays_what_waits_and_signs_nothing_of_the_old(
    till: Till, alice: User, bob: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(payouts, "fees_now", lambda *_: payouts.Fees(8, 0))
        stuck = withdraw(alice, till.network)
        till.round()
    HotWallet.objects.update(halted_at=clock.now(), halted_reason="a key is suspected")
    (tmp_path / "new").mkdir()
    till.signer = signer_of(tmp_path / "new", till.chain)
    fresh = till.signer.about()["address"]
    till.chain.ether(fresh, 10**18)
    till.chain.pay(fresh, usdc("100"))
    till.chain.mine()
    told = io.StringIO()
    call_command("chain_wallet", str(till.chain.chain_id), stdout=told)
    assert "from nonce 0 on" in told.getvalue()
    row = withdraw(bob, till.network)
    _later(till, 7)

    assert (_now(row).state, till.chain.balance(row.address)) == (State.FINAL, usdc("10"))
    # the new key's nonce 0 paid Bob; the old one's is nothing that it may sign again
    old = NonceSlot.objects.get(withdrawals=stuck)
    assert (old.state, old.attempts.count(), _now(stuck).state) == ("open", 1, State.BROADCAST)
    assert till.chain.balance(stuck.address) == 0


def test_a_signer_with_another_key_parks_the_queue(till: Till, alice: User, tmp_path: Path) -> None:
    row = withdraw(alice, till.network)
    (tmp_path / "new").mkdir()
    till.signer = signer_of(tmp_path / "new", till.chain)
    till.round()

    assert (_now(row).state, NonceSlot.objects.count()) == (State.APPROVED, 0)
    assert "another key" in Network.objects.get().parked_reason


def test_the_command_refuses_what_is_none(till: Till) -> None:
    with pytest.raises(CommandError, match="no such network"):
        call_command("chain_wallet", "7")
    with pytest.raises(CommandError, match="checksum"):
        call_command("chain_wallet", str(till.chain.chain_id), "--treasury", "0x" + "aB" * 20)
