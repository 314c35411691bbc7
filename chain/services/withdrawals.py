"""Withdrawals up to the signature: ask, take back, review by two, and what happens to the hold."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from django.db import IntegrityError, connection, transaction

from chain.core import withdrawal as states
from chain.core.withdrawal import State
from chain.hashing import checksummed
from chain.models import AddressBookEntry, Network, Withdrawal, WithdrawalEvent
from chain.services import locks
from chain.services.notices import tell
from chain.services.seams import crash_here
from chain.services.withdrawal_rules import Proof, require
from exchange import clock, figures
from exchange.errors import Conflict, NotAllowed, Unprocessable
from exchange.models import AccountKind, StaffAction, User
from exchange.services import commands, ledger, staff

# One request at a time per network and per person: no two share what is left of a limit.
TURN = "SELECT pg_advisory_xact_lock(hashtext(%s), %s)"


def withdrawal_request(  # what is asked, how it was proved, and the key under which it acts once
    *,
    user: User,
    network: Network,
    entry: AddressBookEntry,
    amount_micro: int,
    key: str,
    proof: Proof,
) -> Withdrawal:
    """Set the amount and the fee aside and queue the payment; the same key returns the first.

    Raises:  what `withdrawal_rules.require` raises; Malformed, Conflict key_reused, Unprocessable
             insufficient_funds.
    Locks:   the network's turn, the user's cash and reserved accounts.
    """
    commands.check_key(key)
    asked = f"{network.pk}|{entry.pk}|{amount_micro}"
    digest = hashlib.sha256(asked.encode()).digest()
    if first := _asked_before(user, key, digest):
        return first
    try:
        with transaction.atomic():
            _take_turn("chain.withdrawals", network.pk)
            _take_turn("chain.withdrawals.user", user.pk)
            require(user=user, network=network, entry=entry, amount_micro=amount_micro, proof=proof)
            return _create(user, network, entry, amount_micro, key, digest)
    except IntegrityError:
        if first := _asked_before(user, key, digest):
            return first
        raise


def _create(  # noqa: PLR0917 (one row's columns)
    user: User, network: Network, entry: AddressBookEntry, amount: int, key: str, digest: bytes
) -> Withdrawal:
    now = clock.now()
    row = Withdrawal.objects.create(
        user=user,
        key=key,
        digest=digest,
        network=network,
        entry=entry,
        address=entry.address,
        amount_micro=amount,
        fee_micro=network.withdrawal_fee_micro,
        needs_review=amount > network.review_above_micro,
        requested_at=now,
        cancel_until=now + timedelta(seconds=network.cancel_window_s),
    )
    ledger.hold(user_id=user.pk, amount_micro=amount, ref=row.hold_ref)
    if row.fee_micro:
        ledger.hold(user_id=user.pk, amount_micro=row.fee_micro, ref=row.fee_ref)
    note(row, actor=user)
    tell(
        user,
        "A withdrawal was asked for",
        f"{figures.usdc_exact(amount)} USDC to {checksummed(row.address)} on {network.name}.",
    )
    crash_here("withdrawal.in_request")
    return row


def withdrawal_cancel(*, user: User, withdrawal: Withdrawal) -> Withdrawal:
    """Take a withdrawal back as long as nothing is signed; the money returns at once.

    Raises:  NotAllowed for somebody else's; Unprocessable too_late.
    Locks:   the withdrawal, its holds, the accounts.
    """
    if withdrawal.user_id != user.pk:
        raise NotAllowed("this withdrawal is somebody else's")
    with transaction.atomic():
        row = locks.withdrawal(withdrawal.pk)
        if State(row.state) not in states.CANCELLABLE:
            raise Unprocessable("this payment is signed or done already", code="too_late")
        give_back(row, State.CANCELLED, "taken back by the owner", actor=user)
    return row


def review_approve(*, actor: User, withdrawal: Withdrawal, reason: str) -> Withdrawal:
    """Approve a withdrawal above the threshold; the second of two different people releases it.

    Raises:  NotAllowed for one person twice, the owner, or no staff; Malformed; Unprocessable
             already_so.
    Locks:   the withdrawal.
    """
    reason = staff.reason_of(reason)
    with transaction.atomic():
        row = _in_review(actor, withdrawal)
        if row.first_approver_id is None:
            row.first_approver = actor
            row.save(update_fields=["first_approver"])
        else:
            if row.first_approver_id == actor.pk:
                raise NotAllowed("a second person has to approve")
            row.second_approver = actor
            row.save(update_fields=["second_approver"])
            move(row, State.APPROVED, actor=actor, words=reason)
        _record(actor, "withdrawal.approved", row, reason)
    return row


def review_reject(*, actor: User, withdrawal: Withdrawal, reason: str) -> Withdrawal:
    """Refuse a withdrawal in review; the money returns, and the owner reads the reason.

    Raises:  as `review_approve`.
    Locks:   the withdrawal, its holds, the accounts.
    """
    reason = staff.reason_of(reason)
    with transaction.atomic():
        row = _in_review(actor, withdrawal)
        give_back(row, State.RETURNED, reason, actor=actor)
        _record(actor, "withdrawal.rejected", row, reason)
    return row


def windows_close(network: Network, limit: int = 200) -> int:
    """Move on what may no longer wait for its owner; return how many moved.

    Locks:   each withdrawal.
    """
    due = Withdrawal.objects.filter(
        network=network, state=State.HELD.value, cancel_until__lte=clock.now()
    )
    moved = 0
    for pk in due.order_by("pk").values_list("pk", flat=True)[:limit]:
        with transaction.atomic():
            row = locks.withdrawal(pk)
            if row.state == State.HELD:
                move(row, State.REVIEW if row.needs_review else State.APPROVED)
                moved += 1
    return moved


def move(row: Withdrawal, state: State, *, actor: User | None = None, words: str = "") -> None:
    """Take a step, inside the caller's transaction, whose lock is held. Raises IllegalMove."""
    row.state = states.move(State(row.state), state).value
    if state in states.ENDS:
        row.ended_at = clock.now()
    row.save(update_fields=["state", "ended_at", "reason"])
    note(row, actor=actor, words=words)


def move_many(rows: Sequence[Withdrawal], state: State) -> None:
    """Take the same step for several, whose locks are held; their nonces are written with it."""
    now = clock.now()
    for row in rows:
        row.state = states.move(State(row.state), state).value
    if state == State.SIGNED:
        Withdrawal.objects.bulk_update(rows, ["slot"])
    Withdrawal.objects.filter(pk__in=[row.pk for row in rows]).update(state=state.value)
    WithdrawalEvent.objects.bulk_create(
        WithdrawalEvent(withdrawal=row, state=row.state, at=now) for row in rows
    )


def give_back(row: Withdrawal, state: State, words: str, *, actor: User | None = None) -> None:
    """End a withdrawal without a payment: the hold and the fee's return to the owner's cash."""
    row.reason = words[:200]
    move(row, state, actor=actor, words=words)
    ledger.void(ref=row.hold_ref)
    if row.fee_micro:
        ledger.void(ref=row.fee_ref)
    tell(row.user, "A withdrawal was not paid", f"{row.reason}. The money is in your cash again.")


def settle(row: Withdrawal, tx_hash: str) -> None:
    """End a withdrawal that was paid for good: what was held leaves the books."""
    move(row, State.FINAL, words=tx_hash)
    ledger.capture(ref=row.hold_ref, to=ledger.account(kind=AccountKind.EXTERNAL))
    if row.fee_micro:
        ledger.capture(ref=row.fee_ref, to=ledger.account(kind=AccountKind.GAS))
    tell(
        row.user,
        "A withdrawal has arrived",
        f"{figures.usdc_exact(row.amount_micro)} USDC at {checksummed(row.address)}: {tx_hash}.",
    )


def note(row: Withdrawal, *, actor: User | None = None, words: str = "") -> None:
    """Keep a step with its time."""
    WithdrawalEvent.objects.create(
        withdrawal=row, state=row.state, actor=actor, note=words[:200], at=clock.now()
    )


def _in_review(actor: User, withdrawal: Withdrawal) -> Withdrawal:
    if not (actor.is_active and actor.has_perm("chain.change_withdrawal")):
        raise NotAllowed("this is for staff who may release payments")
    row = locks.withdrawal(withdrawal.pk)
    if row.user_id == actor.pk:
        raise NotAllowed("nobody reviews a payment of their own")
    if row.state != State.REVIEW:
        raise Unprocessable("this withdrawal is not in review", code="already_so")
    return row


def _record(actor: User, verb: str, row: Withdrawal, reason: str) -> None:
    StaffAction.objects.create(
        actor=actor, verb=verb, target=f"withdrawal {row.public_id}", reason=reason
    )


def _take_turn(of: str, pk: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(TURN, [of, pk])


def _asked_before(user: User, key: str, digest: bytes) -> Withdrawal | None:
    first = Withdrawal.objects.filter(user=user, key=key).first()
    if first is not None and bytes(first.digest) != digest:
        raise Conflict(
            f"the key {key!r} was used for something else", code="key_reused", fields={"key": key}
        )
    return first
