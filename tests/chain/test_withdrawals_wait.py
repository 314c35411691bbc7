"""Withdrawals that wait: paused by staff, for ether, for the signer, and never wrongly sent."""

import json
from pathlib import Path
from typing import Any

import pytest

from chain.clients import signer as signers
from chain.clients.rpc import TRIES, Node
from chain.core.withdrawal import State
from chain.errors import NodeFault, SignerFault
from chain.models import Attempt, NonceSlot, Withdrawal
from chain.services import calls, follow, payouts, pump, withdrawals
from exchange import clock
from exchange.models import User
from tests.chain.driver import Chain, call_data
from tests.chain.paying import Till, entry, withdraw
from tests.chain.stage import cash_of
from tests.factories import usdc

pytestmark = pytest.mark.django_db


@pytest.fixture
def till(chain: Chain, tmp_path: Path) -> Till:
    return Till(chain, tmp_path)


def _state(row: Withdrawal) -> str:
    row.refresh_from_db()
    return row.state


def test_a_paused_token_or_an_empty_wallet_parks_the_queue_visibly(till: Till, alice: User) -> None:
    row = withdraw(alice, till.network)
    till.chain.send(till.chain.token, call_data("pause()"))
    till.chain.mine()
    till.round()
    till.network.refresh_from_db()
    assert (_state(row), till.network.parked_reason[:19]) == (State.APPROVED, "the token is paused")
    till.chain.send(till.chain.token, call_data("unpause()"))
    till.chain.mine()
    till.round()
    till.network.refresh_from_db()

    assert (_state(row), till.network.parked_reason) == (State.BROADCAST, "")


def test_a_pause_by_staff_holds_what_is_not_signed_yet(till: Till, alice: User) -> None:
    row, other = withdraw(alice, till.network), withdraw(alice, till.network)
    till.network.withdrawals_on = False
    till.network.save()
    till.finish()
    till.network.refresh_from_db()
    assert (_state(row), till.network.parked_reason) == (
        State.APPROVED, "withdrawals are paused by staff",
    )  # fmt: skip
    assert not NonceSlot.objects.exists()
    withdrawals.withdrawal_cancel(user=alice, withdrawal=other)

    till.network.withdrawals_on = True
    till.network.save()
    till.finish()
    assert (_state(row), _state(other)) == (State.FINAL, State.CANCELLED)


def test_what_is_mined_between_two_looks_is_not_spent_twice(
    chain: Chain, tmp_path: Path, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = Till(chain, tmp_path, float_="50")
    withdraw(alice, till.network, "30")
    till.round()
    second, real = withdraw(alice, till.network, "30"), calls.balances
    withdrawals.windows_close(till.network)

    def then_mined(*asked: Any) -> list[int]:
        found = real(*asked)
        chain.mine()
        pump.pump(network=till.network, nodes=till.nodes, signer=till.signer)
        return found

    monkeypatch.setattr(calls, "balances", then_mined)
    payouts.sign_due(network=till.network, nodes=till.nodes, signer=till.signer)

    assert _state(second) == State.APPROVED


def test_an_empty_wallet_parks_the_queue(chain: Chain, tmp_path: Path, alice: User) -> None:
    till = Till(chain, tmp_path, float_="5")
    row = withdraw(alice, till.network)
    till.round()
    till.network.refresh_from_db()
    assert "too little" in till.network.parked_reason
    chain.pay(till.hot, usdc("10"))
    chain.mine()
    till.finish()

    assert _state(row) == State.FINAL


def test_a_denied_address_is_refused_before_signing(till: Till, alice: User) -> None:
    to = entry(alice)
    till.chain.send(till.chain.token, call_data("blacklist(address)", to.address))
    till.chain.mine()
    row = withdraw(alice, till.network, to=to)
    till.round()

    assert (_state(row), cash_of(alice)) == (State.RETURNED, usdc("1000"))
    assert not NonceSlot.objects.exists()


def test_a_refusal_of_the_signer_parks_the_queue(till: Till, alice: User) -> None:
    till.network.chain_id += 1
    till.network.save()
    row = withdraw(alice, till.network)
    till.round()
    till.network.refresh_from_db()

    assert _state(row) == State.APPROVED
    assert "the signer refuses" in till.network.parked_reason


def test_without_a_signer_nothing_is_lost(
    till: Till, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = withdraw(alice, till.network)

    def away(**_: object) -> None:
        raise SignerFault("the signer does not answer: ConnectionRefusedError")

    with monkeypatch.context() as patch:
        patch.setattr(till.signer, "sign", away)
        with pytest.raises(SignerFault):
            till.round()
    till.finish()

    assert _state(row) == State.FINAL
    assert list(NonceSlot.objects.values_list("nonce", flat=True)) == [0]


def test_what_is_signed_is_sent_and_settled_without_a_signer(
    till: Till, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: object) -> None:
        raise SignerFault("the signer does not answer: ConnectionRefusedError")

    monkeypatch.setattr(signers, "configured", lambda: till.signer)
    paid = withdraw(alice, till.network, "20")
    till.round()
    waiting = withdraw(alice, till.network)
    monkeypatch.setattr(till.signer, "sign", away)
    withdrawals.windows_close(till.network)
    for _ in range(6):
        with pytest.raises(SignerFault):
            follow.Follower()._pay(till.network, till.nodes)
        till.chain.mine()

    assert (_state(paid), _state(waiting)) == (State.FINAL, State.APPROVED)


def test_a_nonce_that_waits_without_a_signer_holds_up_no_other(
    till: Till, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: object) -> None:
        raise SignerFault("the signer does not answer: ConnectionRefusedError")

    row = withdraw(alice, till.network)
    till.round()
    till.chain.node.call("anvil_dropAllTransactions", [], object)
    monkeypatch.setattr(till.signer, "sign", away)
    with clock.shifted(till.network.stuck_after_s + 1):
        till.finish()

    assert _state(row) == State.FINAL
    assert Attempt.objects.count() == 1


@pytest.mark.parametrize("taken", [True, False])
def test_when_the_answer_to_a_payment_is_lost_the_same_bytes_go_again(
    till: Till, alice: User, taken: bool
) -> None:
    """Whether the node has taken them or not: it is asked again, and one payment is made."""
    sent: list[str] = []

    def carry(body: bytes) -> bytes:
        asked = json.loads(body)
        rows = asked if isinstance(asked, list) else [asked]
        raws = [row["params"][0] for row in rows if row["method"] == "eth_sendRawTransaction"]
        sent.extend(raws)
        if raws and len(sent) <= TRIES:
            if taken:
                till.chain.node._transport(body)
            raise NodeFault("endpoint 1 does not answer: ReadTimeout")
        return till.chain.node._transport(body)

    till.nodes = [Node("endpoint 1", carry)]
    row = withdraw(alice, till.network)
    till.round()
    assert (_state(row), len(sent)) == (State.BROADCAST, TRIES)
    assert "does not answer" in Attempt.objects.get().answer
    if not taken:
        with clock.shifted(3):
            till.round()
        assert len(sent) > TRIES
    till.chain.mine()
    till.finish()

    assert len(set(sent)) == 1
    assert sent[0] == "0x" + bytes(Attempt.objects.get().raw).hex()
    assert _state(row) == State.FINAL
    assert till.chain.balance(row.address) == row.amount_micro
