"""The audit names each row of the chain side that the ledger does not bear out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pgtrigger
import pytest
from django.db.models import F

from chain.core.withdrawal import State
from chain.models import Deposit, NonceSlot, ScanState, Withdrawal
from chain.services import payouts, pump
from exchange.models import Hold, User
from exchange.services import audit, ledger, marks
from tests.chain.driver import Chain, Embedded
from tests.chain.paying import Till, withdraw
from tests.chain.stage import depositor, scan_all
from tests.factories import usdc

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_books]
OF_A_CHAIN = "13371618:0x" + "7" * 64 + ":0"


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Embedded()


@pytest.fixture
def till(chain: Chain, tmp_path: Path, alice: User, staff: User) -> Till:
    """Return books with a credited deposit, and withdrawals that are paid, returned and open."""
    found = Till(chain, tmp_path)
    _, row = depositor()
    chain.pay(row.address, usdc("5"))
    withdraw(alice, found.network, "10")
    found.finish()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payouts, "fees_now", lambda *_: payouts.Fees(8, 0))
        withdraw(alice, found.network, "20")
        found.round()
    slot = NonceSlot.objects.get(settled_at=None)
    pump.slot_cancel(actor=staff, slot=slot, reason="sent to the wrong place")
    found.finish()
    withdraw(alice, found.network, "30")
    scan_all(found.network, [chain.node])
    states = set(Withdrawal.objects.values_list("state", flat=True))
    assert states == {State.FINAL, State.RETURNED, State.HELD}
    assert Deposit.objects.get().state == Deposit.State.CREDITED
    assert audit.examine() == []
    marks.move(marks.seen())
    return found


def _ignoring(*names: str) -> Any:
    return pgtrigger.ignore(*(f"chain.{name}" for name in names))


def _deposit_amount(_: Till) -> None:
    with _ignoring("Deposit:deposit_credited_stays"):
        Deposit.objects.update(amount_micro=F("amount_micro") + 1)


def _deposit_owner(_: Till) -> None:
    with _ignoring("Deposit:deposit_credited_stays"):
        Deposit.objects.update(user=Withdrawal.objects.earliest("pk").user)


def _deposit_undone(_: Till) -> None:
    with _ignoring("Deposit:deposit_credited_for_good"):
        Deposit.objects.update(state="seen", credited_at=None)


def _deposit_gone(_: Till) -> None:
    with _ignoring("Deposit:deposit_never_deleted"):
        Deposit.objects.all().delete()


def _deposit_above_final(_: Till) -> None:
    Deposit.objects.update(block_number=ScanState.objects.get().final_number + 1)


def _booked_without_a_deposit(_: Till) -> None:
    user = Withdrawal.objects.earliest("pk").user
    ledger.credit_external(user_id=user.pk, amount_micro=9, kind="deposit", ref=OF_A_CHAIN)


def _final_without_payment(_: Till) -> None:
    Withdrawal.objects.filter(state="held").update(
        state="final", ended_at=F("requested_at"), slot=NonceSlot.objects.get(state="void")
    )


def _hold_released(_: Till) -> None:
    ledger.void(ref=Withdrawal.objects.get(state="held").hold_ref)


def _fee_captured(_: Till) -> None:
    till = ledger.account(kind="gas")  # type: ignore[arg-type]  # its word does as well
    ledger.capture(ref=Withdrawal.objects.get(state="held").fee_ref, to=till)


def _hold_without_withdrawal(_: Till) -> None:
    user = Withdrawal.objects.earliest("pk").user
    ledger.hold(user_id=user.pk, amount_micro=9, ref="withdrawal:987654")


def _amount_of_a_withdrawal(_: Till) -> None:
    with _ignoring("Withdrawal:withdrawal_terms_stay"):
        Withdrawal.objects.filter(state="held").update(amount_micro=F("amount_micro") + 1)


def _payment_of_a_nonce(_: Till) -> None:
    NonceSlot.objects.filter(state="settled").update(amount_micro=F("amount_micro") + 1)


def _hash_of_nobody(_: Till) -> None:
    NonceSlot.objects.filter(state="settled").update(settled_hash="0x" + "7" * 64)


def _cancel_called_payment(_: Till) -> None:
    NonceSlot.objects.filter(state="void").update(state="settled")


def _taken_by_our_own(_: Till) -> None:
    NonceSlot.objects.filter(state="settled").update(state="taken")


BROKEN: list[tuple[Callable[[Till], None], str, str]] = [
    (_deposit_amount, "I11", "amount_micro"),
    (_deposit_owner, "I11", "booked_micro"),
    (_deposit_undone, "I11", "ref"),
    (_deposit_gone, "I11", "ref"),
    (_deposit_above_final, "I11", "block"),
    (_booked_without_a_deposit, "I11", "ref"),
    (_final_without_payment, "I12", "nonce_state"),
    (_hold_released, "I12", "hold"),
    (_fee_captured, "I12", "hold"),
    (_hold_without_withdrawal, "I12", "ref"),
    (_amount_of_a_withdrawal, "I12", "held_micro"),
    (_payment_of_a_nonce, "I12", "withdrawals_micro"),
    (_hash_of_nobody, "I12", "settled_hash"),
    (_cancel_called_payment, "I12", "settled_hash"),
    (_taken_by_our_own, "I12", "settled_hash"),
]


@pytest.mark.parametrize(("breaks", "rule", "names"), BROKEN)
def test_each_row_that_is_forged_is_named(
    till: Till, breaks: Callable[[Till], None], rule: str, names: str
) -> None:
    breaks(till)
    for findings in (audit.examine(logs=False), list(audit._findings(full=False))):
        assert any(found["rule"] == rule and names in found for found in findings), findings


def test_the_outside_is_deposits_less_withdrawals(till: Till) -> None:
    """A credit that looks like a deposit and has no row shows in the sum as well."""
    _booked_without_a_deposit(till)
    found = next(f for f in audit.examine(logs=False) if f["rule"] == "I6")

    assert found["external_micro"] == -(
        found["deposits_micro"] - found["withdrawals_micro"] + found["play_micro"] + 9
    )


def test_play_money_belongs_to_the_demonstration(till: Till, settings: Any) -> None:
    settings.DEMO = False
    found = [f for f in audit.examine(logs=False) if f["rule"] == "I6"]

    assert [f["what"] for f in found] == ["money that no chain shows"]
    assert Hold.objects.filter(state="open").count() == 2
