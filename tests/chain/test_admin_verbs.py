"""Staff's verbs in the lists of the chain side: by two persons, with a reason, with the outcome."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from chain.clients import endpoints
from chain.core.withdrawal import State
from chain.models import Deposit, Network, NonceSlot, ScanState, Withdrawal
from chain.services import payouts
from exchange import clock
from exchange.models import StaffAction, User
from tests.chain.desk import browser_of, choose, colleague
from tests.chain.driver import Chain, Embedded
from tests.chain.paying import Till, withdraw
from tests.chain.stage import cash_of, depositor, scan_all
from tests.factories import funded_user, usdc

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Embedded()


@pytest.fixture
def till(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Till:
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [chain.node])
    return Till(chain, tmp_path, review_above_micro=usdc("100"))


@pytest.fixture
def first() -> Client:
    return browser_of(colleague("First"))


@pytest.fixture
def second() -> Client:
    return browser_of(colleague("Second"))


def _in_review(till: Till, owner: User) -> Withdrawal:
    row = withdraw(owner, till.network, "100.000001")
    till.round()
    return _now(row)


def _now(row: Withdrawal) -> Withdrawal:
    row.refresh_from_db()
    return row


def _verbs() -> list[str]:
    return list(StaffAction.objects.order_by("pk").values_list("verb", flat=True))


def test_two_persons_release_what_is_above_the_threshold(
    till: Till, alice: User, first: Client, second: Client
) -> None:
    row = _in_review(till, alice)
    assert row.state == State.REVIEW
    choose(first, row, "withdrawal_approve")
    assert _now(row).state == State.REVIEW
    assert "a second person" in choose(first, row, "withdrawal_approve")
    till.finish()
    assert _now(row).state == State.REVIEW
    assert not NonceSlot.objects.exists()

    choose(second, row, "withdrawal_approve")
    assert _now(row).state == State.APPROVED
    till.finish()
    assert _now(row).state == State.FINAL
    assert till.chain.balance(row.address) == usdc("100.000001")
    assert _verbs() == ["withdrawal.approved", "withdrawal.approved"]


def test_neither_the_owner_nor_who_has_no_right_reviews(till: Till, first: Client) -> None:
    owner = funded_user("1000", is_staff=True, is_superuser=True)
    row = _in_review(till, owner)
    page = choose(browser_of(owner), row, "withdrawal_approve")
    assert "nobody reviews a payment of their own" in page
    reader = funded_user("0", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_withdrawal"))
    choose(browser_of(reader), row, "withdrawal_approve")

    assert (_now(row).state, row.first_approver) == (State.REVIEW, None)
    assert not StaffAction.objects.exists()


def test_what_is_rejected_returns_with_the_reason(till: Till, alice: User, first: Client) -> None:
    row = _in_review(till, alice)
    choose(first, row, "withdrawal_reject", "the address is on a list")

    assert (_now(row).state, cash_of(alice)) == (State.RETURNED, usdc("1000"))
    assert row.reason == "the address is on a list"
    assert "not in review" in choose(first, row, "withdrawal_approve")


def test_a_nonce_is_taken_back(
    till: Till, alice: User, first: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = withdraw(alice, till.network, "10")
    with monkeypatch.context() as patch:
        # too little for any block, so that the payment does not win the race
        patch.setattr(payouts, "fees_now", lambda *_: payouts.Fees(8, 0))
        till.round()
    slot = NonceSlot.objects.get()
    choose(first, slot, "nonce_take_back", "sent to the wrong place")
    till.finish()

    assert _now(row).state == State.RETURNED
    assert cash_of(alice) == usdc("1000")
    assert till.chain.balance(row.address) == 0
    assert _verbs() == ["nonce.cancel_asked"]


def test_withdrawals_are_paused_and_resumed(till: Till, alice: User, first: Client) -> None:
    choose(first, till.network, "withdrawals_pause", "a key is suspected")
    assert not Network.objects.get().withdrawals_on
    assert "it is so already" in choose(first, till.network, "withdrawals_pause")
    choose(first, till.network, "withdrawals_resume", "it was a false alarm")

    assert Network.objects.get().withdrawals_on
    assert _verbs() == ["network.withdrawals_paused", "network.withdrawals_resumed"]


def test_a_halted_scan_is_resumed_by_staff_alone(till: Till, first: Client) -> None:
    till.chain.mine(5)
    scan_all(till.network, [till.chain.node])
    state = ScanState.objects.get()
    assert "is not halted" in choose(first, state, "scan_resume")
    ScanState.objects.update(halted_at=clock.now(), halted_reason="block 7 was final")
    till.chain.mine(5)
    scan_all(till.network, [till.chain.node])
    state.refresh_from_db()
    stood = state.scanned_number
    choose(first, state, "scan_resume", "several sources have our block")
    scan_all(till.network, [till.chain.node])

    state.refresh_from_db()
    assert (state.halted_reason, state.scanned_number) == ("", stood + 5)
    assert _verbs() == ["network.scan_resumed"]


def test_a_comparison_tells_what_differs(till: Till, first: Client) -> None:
    _, row = depositor()
    till.chain.pay(row.address, usdc("5"))
    till.chain.mine(6)
    scan_all(till.network, [till.chain.node])
    state = ScanState.objects.get()
    assert "0 addresses differ" in choose(first, state, "balances_reconcile")
    Deposit.objects.update(final_at=None)
    page = choose(first, state, "balances_reconcile")

    assert f"1 addresses differ: {row}" in page
    state.refresh_from_db()
    assert state.differing == 1
    assert state.reconciled_at is not None


def test_lag_is_told_with_every_endpoint(till: Till, first: Client) -> None:
    till.chain.mine(5)
    scan_all(till.network, [till.chain.node])
    state = ScanState.objects.get()
    till.chain.mine(2)
    page = choose(first, state, "lag_read")

    height = till.chain.height
    assert f"Head {height - 2}, seen {height - 2}, final {height - 5}" in page
    assert f"embedded: head {height}, safe {height - 3}, final {height - 3}" in page
    listed = first.get(reverse("admin:chain_scanstate_changelist")).content.decode()
    assert "Credited up to" in listed
