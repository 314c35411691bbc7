"""A withdrawal from the request to the last block: rules, holds, review, one payment each."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from chain.core.withdrawal import State
from chain.hashing import checksummed
from chain.models import Attempt, Network, NonceSlot, Withdrawal
from chain.services import book, payouts, pump, withdrawals
from chain.services.withdrawal_rules import Proof
from exchange import clock
from exchange.errors import Conflict, Malformed, NotAllowed, Refused, Unprocessable
from exchange.models import Hold, User
from tests.chain.driver import Chain, call_data
from tests.chain.paying import Till, entry, fresh, settled_owner, withdraw
from tests.chain.stage import cash_of, depositor, scan
from tests.factories import funded_user, usdc

pytestmark = pytest.mark.django_db
Nothing = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def till(chain: Chain, tmp_path: Path) -> Till:
    return Till(chain, tmp_path)


def _state(row: Withdrawal) -> str:
    row.refresh_from_db()
    return row.state


def test_is_held_signed_sent_mined_and_final(till: Till, alice: User) -> None:
    to = entry(alice)
    row = withdraw(alice, till.network, "100", to=to)
    assert cash_of(alice) == usdc("899.9")
    assert set(Hold.objects.values_list("amount_micro", "state")) == {
        (usdc("100"), "open"), (usdc("0.1"), "open"),
    }  # fmt: skip
    till.round()
    assert _state(row) == State.BROADCAST
    till.chain.mine()
    till.round()
    assert _state(row) == State.MINED
    till.finish()

    assert _state(row) == State.FINAL
    assert till.chain.balance(to.address) == usdc("100")
    assert set(Hold.objects.values_list("state", flat=True)) == {"captured"}
    steps = [event.state for event in row.events.all()]
    assert steps == ["held", "approved", "signed", "broadcast", "mined", "final"]


def test_can_be_taken_back_until_it_is_signed(till: Till, alice: User, bob: User) -> None:
    till.network.cancel_window_s = 60
    till.network.save()
    row = withdraw(alice, till.network)
    till.round()
    assert _state(row) == State.HELD
    with pytest.raises(NotAllowed):
        withdrawals.withdrawal_cancel(user=bob, withdrawal=row)

    withdrawals.withdrawal_cancel(user=alice, withdrawal=row)
    assert (_state(row), cash_of(alice)) == (State.CANCELLED, usdc("1000"))
    again = withdraw(alice, till.network)
    with clock.shifted(61):
        till.round()
    with pytest.raises(Unprocessable, match="signed"):
        withdrawals.withdrawal_cancel(user=alice, withdrawal=again)


def test_one_key_asks_once(till: Till, alice: User) -> None:
    to = entry(alice)
    first = withdraw(alice, till.network, to=to, key_="a-key-of-my-own")

    assert withdraw(alice, till.network, to=to, key_="a-key-of-my-own") == first
    with pytest.raises(Conflict):
        withdraw(alice, till.network, "11", to=to, key_="a-key-of-my-own")
    assert Hold.objects.count() == 2


def _refused(
    nothing_happened: Nothing, code: str, user: User, till: Till, amount: str = "10", **more: object
) -> None:
    if "to" not in more:
        more["to"] = entry(user)
    with nothing_happened(), pytest.raises(Refused) as refusal:
        withdraw(user, till.network, amount, **more)  # type: ignore[arg-type]
    assert refusal.value.code == code
    assert not Withdrawal.objects.filter(user=user).exists()


def test_the_rules_come_before_the_hold(
    till: Till, alice: User, bob: User, nothing_happened: Nothing
) -> None:
    late = Proof(at=clock.now() - timedelta(minutes=6))
    _refused(nothing_happened, "step_up_needed", alice, till, proof=late)
    _refused(nothing_happened, "step_up_needed", alice, till, proof=Proof())
    _refused(nothing_happened, "not_allowed", alice, till, to=entry(bob))
    _refused(nothing_happened, "address_too_new", alice, till, to=entry(alice, age_s=172_790))
    _refused(nothing_happened, "withdrawal_too_small", alice, till, "0.999999")
    _refused(nothing_happened, "insufficient_funds", alice, till, "999.900001")
    removed = entry(alice)
    book.entry_remove(entry=removed)
    removed.refresh_from_db()
    _refused(nothing_happened, "not_allowed", alice, till, to=removed)
    till.network.withdrawals_on = False
    till.network.save()
    _refused(nothing_happened, "withdrawals_paused", alice, till)


def test_the_day_is_limited_per_person_and_for_all(till: Till, nothing_happened: Nothing) -> None:
    young, old = funded_user("9000"), settled_owner(funded_user("9000"))
    _refused(nothing_happened, "withdrawal_limit", young, till, "2000.000001")
    withdraw(young, till.network, "2000")
    _refused(nothing_happened, "withdrawal_limit", old, till, "5000.000001")
    withdraw(old, till.network, "4999")
    with pytest.raises(Unprocessable, match="exceed"):
        withdraw(old, till.network, "2")
    with clock.shifted(86_401):
        withdraw(old, till.network, "2")
    till.network.day_cap_micro = usdc("6999")
    till.network.save()
    _refused(nothing_happened, "withdrawal_limit", funded_user("10"), till, "1")


def test_a_change_of_credentials_freezes_for_a_day(till: Till, alice: User) -> None:
    to = entry(alice)
    alice.set_password("another-long-secret")
    alice.save()

    with pytest.raises(Unprocessable) as refusal:
        withdraw(alice, till.network, to=to)
    assert refusal.value.code == "withdrawals_frozen"
    with clock.shifted(86_401):
        withdraw(alice, till.network, to=to)


def test_a_stolen_session_gets_nothing_for_two_days(till: Till, alice: User) -> None:
    """The script of a thief: new password, new address, then asking each hour."""
    alice.set_password("the-thief-knows-this-one")
    alice.save()
    to = entry(alice, age_s=0)
    started = clock.now_s()
    paid_at = None
    for hour in range(60):
        with clock.shifted(hour * 3_600):
            try:
                withdraw(alice, till.network, "1", to=to, proof=fresh())
            except Refused:
                continue
            paid_at = clock.now_s() - started
            break

    assert paid_at is not None
    assert paid_at >= 48 * 3_600


def test_money_credited_early_stays_until_it_is_final(chain: Chain, tmp_path: Path) -> None:
    till = Till(
        chain, tmp_path, finality_blocks=0, safe_up_to_micro=10**9,
        safe_user_cap_micro=10**9, safe_total_cap_micro=10**9,
    )  # fmt: skip
    user, address = depositor("5")
    to = entry(user)
    chain.pay(address.address, usdc("50"))
    chain.mine(9)
    scan(till.network, chain.node)
    assert cash_of(user) == usdc("55")

    withdraw(user, till.network, "4", to=to)
    # The cash of one person is one, so it waits whichever network it would leave by.
    till.network.pk = None
    till.network.chain_id += 1
    till.network.save()
    for network in Network.objects.order_by("pk"):
        with pytest.raises(Unprocessable) as refusal:
            withdraw(user, network, "4", to=to)
        assert refusal.value.code == "not_final_yet"
        assert refusal.value.fields["available_micro"] == usdc("0.9")
    till.network = Network.objects.earliest("pk")
    chain.mine(9)
    scan(till.network, chain.node)
    withdraw(user, till.network, "4", to=to)


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("0x52908400098527886E0F7030069857D2E4169EE8", "checksum"),
        ("0x0000000000000000000000000000000000000000", "burn"),
        ("0x000000000000000000000000000000000000dEaD", "burn"),
        ("token", "token"),
        ("ours", "ours"),
        ("hot", "ours"),
        ("contract", "contract"),
    ],
)
def test_bad_addresses_never_enter_the_book(
    till: Till, alice: User, address: str, fault: str
) -> None:
    _, mine = depositor()
    known = {
        "token": till.chain.token, "ours": mine.address, "hot": till.hot,
        "contract": till.chain.deploy("Disperse"),
    }  # fmt: skip
    text = checksummed(known[address]) if address in known else address
    with pytest.raises(Malformed) as refusal:
        book.entry_add(user=alice, address=text, label="", is_contract=False, nodes=till.nodes)

    assert refusal.value.fields["fault"] == fault
    if fault == "contract":
        book.entry_add(user=alice, address=text, label="", is_contract=True, nodes=till.nodes)


def test_large_ones_need_two_persons_neither_the_owner(
    till: Till, alice: User, staff: User
) -> None:
    second = funded_user("0", is_staff=True, is_superuser=True)
    owner = settled_owner(funded_user("4000", is_staff=True, is_superuser=True))
    row = withdraw(owner, till.network, "1000.000001")
    till.round()
    assert _state(row) == State.REVIEW
    for actor in (alice, owner):
        with pytest.raises(NotAllowed):
            withdrawals.review_approve(actor=actor, withdrawal=row, reason="looks right")
    withdrawals.review_approve(actor=staff, withdrawal=row, reason="looks right")
    with pytest.raises(NotAllowed, match="second"):
        withdrawals.review_approve(actor=staff, withdrawal=row, reason="looks right")
    till.round()
    assert _state(row) == State.REVIEW

    withdrawals.review_approve(actor=second, withdrawal=row, reason="looks right")
    assert _state(row) == State.APPROVED
    other = withdraw(owner, till.network, "1500")
    till.round()
    withdrawals.review_reject(actor=staff, withdrawal=other, reason="not the owner's pattern")
    assert _state(other) == State.RETURNED
    assert other.reason == "not the owner's pattern"


def test_several_waiting_go_in_one_transaction(chain: Chain, tmp_path: Path) -> None:
    till = Till(chain, tmp_path, disperse=True)
    assert payouts.disperse_allow(network=till.network, node=chain.node, signer=till.signer)
    till.finish(4)
    rows = [withdraw(funded_user("50"), till.network, "20") for _ in range(12)]
    till.finish()

    assert {_state(row) for row in rows} == {State.FINAL}
    assert {chain.balance(row.address) for row in rows} == {usdc("20")}
    batch = NonceSlot.objects.get(purpose="batch")
    receipt = chain.receipt(batch.settled_hash)
    assert receipt is not None
    assert int(receipt.gas_used, 16) // len(rows) < 36_000


def test_what_waits_too_long_is_replaced_at_an_eighth_more(
    till: Till, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = withdraw(alice, till.network)
    low = payouts.Fees(8, 0)
    with monkeypatch.context() as patch:
        patch.setattr(payouts, "fees_now", lambda *_: low)
        till.round()
        till.chain.mine()
        till.round()
        assert _state(row) == State.BROADCAST
        with clock.shifted(61):
            till.round()
    assert list(Attempt.objects.order_by("pk").values_list("max_fee_wei", flat=True)) == [8, 9]
    with clock.shifted(130):
        till.finish()

    assert _state(row) == State.FINAL
    fees = list(Attempt.objects.order_by("pk").values_list("max_fee_wei", flat=True))
    assert all(8 * b >= 9 * a for a, b in pairwise(fees))
    assert NonceSlot.objects.count() == 1


def test_a_nonce_taken_back_returns_the_money_only_when_that_is_final(
    till: Till, alice: User, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = withdraw(alice, till.network)
    with monkeypatch.context() as patch:
        patch.setattr(payouts, "fees_now", lambda *_: payouts.Fees(8, 0))
        till.round()
    pump.slot_cancel(actor=staff, slot=NonceSlot.objects.get(), reason="sent to the wrong place")
    till.round()
    till.chain.mine()
    till.round()
    assert (_state(row), cash_of(alice)) == (State.MINED, usdc("989.9"))
    till.finish()

    assert (_state(row), cash_of(alice)) == (State.RETURNED, usdc("1000"))
    assert NonceSlot.objects.get().state == "void"
    assert till.chain.balance(row.address) == 0


def test_a_payment_that_fails_on_the_chain_returns_the_money(till: Till, alice: User) -> None:
    row = withdraw(alice, till.network)
    till.round()
    till.chain.send(till.chain.token, call_data("blacklist(address)", row.address))
    with clock.shifted(3):
        till.chain.node.call("anvil_dropAllTransactions", [], object)
        till.chain._recount()
        till.chain.send(till.chain.token, call_data("blacklist(address)", row.address))
        till.chain.mine()
        till.finish()

    assert (_state(row), cash_of(alice)) == (State.RETURNED, usdc("1000"))
    assert NonceSlot.objects.get().reverted


def test_a_reorg_takes_a_payment_out_and_the_pump_puts_it_back(till: Till, alice: User) -> None:
    to = entry(alice)
    row = withdraw(alice, till.network, to=to)
    till.round()
    till.chain.mine(2)
    till.round()
    assert _state(row) == State.MINED
    till.chain.reorg(2, keep=False)
    with clock.shifted(3):
        till.round()
        assert _state(row) == State.BROADCAST
        till.chain.mine()
        till.finish()

    assert _state(row) == State.FINAL
    assert till.chain.balance(to.address) == usdc("10")


def test_the_owner_is_written_to_at_each_step(
    till: Till, alice: User, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        withdraw(alice, till.network)
        till.finish()

    subjects = [letter.subject for letter in mail.outbox]
    assert subjects == [
        "A withdrawal address was added",
        "A withdrawal was asked for",
        "A withdrawal has arrived",
    ]
