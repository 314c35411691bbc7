"""A payment is settled, and money given back, only by what every endpoint asked says of it."""

from pathlib import Path
from typing import Any

import pytest

from chain.core.withdrawal import State
from chain.errors import NodeFault
from chain.models import Attempt, NonceSlot, ScanState, Withdrawal
from chain.services import pump
from exchange.models import Hold, User
from tests.chain.driver import Chain
from tests.chain.liar import lying
from tests.chain.paying import Till, withdraw
from tests.chain.stage import cash_of, scan
from tests.factories import usdc

pytestmark = pytest.mark.django_db
ASKED = "eth_getTransactionReceipt"


@pytest.fixture
def till(chain: Chain, tmp_path: Path) -> Till:
    found = Till(chain, tmp_path)
    scan(found.network, chain.node)
    return found


def _mined(till: Till, owner: User) -> Withdrawal:
    """Return a withdrawal whose payment is in a block that nobody has looked at."""
    row = withdraw(owner, till.network)
    till.round()
    till.chain.mine()
    return row


def _require_held(row: Withdrawal) -> None:
    row.refresh_from_db()
    assert (row.state, cash_of(row.user)) == (State.MINED, usdc("989.9"))
    assert set(Hold.objects.values_list("state", flat=True)) == {"open"}
    assert NonceSlot.objects.get().settled_at is None


def _require_paid_by_the_honest(till: Till, row: Withdrawal) -> None:
    till.nodes = [till.chain.node, till.chain.node]
    till.finish()
    row.refresh_from_db()
    assert (row.state, cash_of(row.user)) == (State.FINAL, usdc("989.9"))
    assert till.chain.balance(row.address) == usdc("10")


def _fails(method: str, _: Any, result: Any) -> Any:
    return {**result, "status": "0x0"} if method == ASKED and result else result


def _elsewhere(method: str, _: Any, result: Any) -> Any:
    return {**result, "blockHash": "0x" + "7" * 64} if method == ASKED and result else result


def _hides(method: str, _: Any, result: Any) -> Any:
    return None if method == ASKED else result


@pytest.mark.parametrize(
    ("lie", "liar_first"), [(_fails, True), (_fails, False), (_elsewhere, False), (_hides, False)]
)
def test_a_payment_of_which_endpoints_differ_is_not_settled(
    till: Till, alice: User, lie: Any, liar_first: bool
) -> None:
    row = _mined(till, alice)
    liar = lying(till.chain.node, lie)
    till.nodes = [liar, till.chain.node] if liar_first else [till.chain.node, liar]
    till.finish()

    _require_held(row)
    assert "payment" in ScanState.objects.get().disagrees_reason
    _require_paid_by_the_honest(till, row)


def test_a_cancel_that_one_endpoint_made_up_returns_nothing(
    till: Till, alice: User, staff: User
) -> None:
    row = _mined(till, alice)
    paid = Attempt.objects.get().tx_hash
    pump.slot_cancel(actor=staff, slot=NonceSlot.objects.get(), reason="sent to the wrong place")
    truth = till.chain.node.call(ASKED, [paid], dict)

    def lie(method: str, params: Any, result: Any) -> Any:
        if method != ASKED:
            return result
        return None if params == [paid] else {**(truth or {}), "transactionHash": params[0]}

    till.nodes = [lying(till.chain.node, lie), till.chain.node]
    till.finish()

    assert Attempt.objects.filter(is_cancel=True).exists()
    _require_held(row)
    _require_paid_by_the_honest(till, row)


def test_a_receipt_of_another_transaction_is_a_fault_of_a_lone_endpoint_too(
    till: Till, alice: User
) -> None:
    row = _mined(till, alice)

    def lie(method: str, _: Any, result: Any) -> Any:
        other = {**(result or {}), "transactionHash": "0x" + "7" * 64}
        return other if method == ASKED and result else result

    till.nodes = [lying(till.chain.node, lie)]
    with pytest.raises(NodeFault, match="another transaction"):
        till.round()
    till.nodes = [till.chain.node]
    till.finish()

    row.refresh_from_db()
    assert row.state == State.FINAL
