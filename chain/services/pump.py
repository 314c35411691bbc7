"""Carrying signed payments to their end: send, send again, offer more, settle by what is final.

Each nonce is worked on under its own lock. What was stored is sent byte for byte; what waits too
long is signed anew with the same payload at an eighth more; whichever hash of the nonce is mined
and final decides, by every node asked. Money returns only when the nonce itself can pay no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import F

from chain.clients.rpc import Node, Receipt
from chain.clients.signer import Signer
from chain.core.withdrawal import State, bumped
from chain.errors import NodeFault, SignerFault, SignerRefused
from chain.models import Attempt, HotWallet, Network, NonceSlot, Withdrawal
from chain.services import gas, locks, payouts, receipts, usurped, verify, withdrawals
from chain.services.final_line import ASKED, final_line
from chain.services.payouts import Fees
from chain.services.seams import crash_here
from chain.services.slot_end import rows_of, slot_end
from exchange import clock
from exchange.errors import NotAllowed
from exchange.models import StaffAction, User
from exchange.services import staff

AT_ONCE = 500
# A node forgets what it was sent when it restarts: what is not mined is offered again this often.
RESEND = timedelta(seconds=2)
Slot = NonceSlot.State

log = structlog.get_logger()


@dataclass(slots=True)
class Pumped:
    """What one round did."""

    sent: int = 0
    replaced: int = 0
    mined: int = 0
    settled: int = 0


def pump(*, network: Network, nodes: Sequence[Node], signer: Signer) -> Pumped:
    """Work once on every nonce that has not ended. Raises NodeFault."""
    done = Pumped()
    open_ = NonceSlot.objects.filter(network=network, settled_at=None).order_by("nonce")
    open_ = open_.select_related("network")
    slots = list(open_.prefetch_related("attempts")[:AT_ONCE])
    if not slots:
        return done
    mined = receipts.mined(nodes[0], [a for slot in slots for a in slot.attempts.all()])
    final = final_line(network, nodes) if mined else -1
    outgoing: list[Attempt] = []
    for slot in slots:
        found = next(((a, mined[a.pk]) for a in slot.attempts.all() if a.pk in mined), None)
        if found is None and _only_waits(slot, network):
            # what is stored may be sent by anybody at any time: no lock is needed for that
            outgoing += list(slot.attempts.all())[-2:]
        elif found is not None or _is_due(slot, network):
            outgoing += _work(slot.pk, found, nodes, signer, final, done)
    long = [s for s in slots if not any(a.pk in mined for a in s.attempts.all()) and _is_long(s)]
    if long:
        done.settled += usurped.settle_due(network=network, nodes=nodes, slots=long)
    crash_here("pump.before_send")
    _send(outgoing, nodes, done)
    crash_here("pump.after_send")
    return done


def _is_long(slot: NonceSlot) -> bool:
    """Say whether a nonce waits so long that somebody else may have used it."""
    return clock.now() - slot.created_at >= timedelta(seconds=slot.network.stuck_after_s)


def _only_waits(slot: NonceSlot, network: Network) -> bool:
    """Say whether a nonce needs nothing but to be sent, the first time or again."""
    if slot.state != Slot.OPEN or slot.cancel_asked_at is not None:
        return False
    last, now = list(slot.attempts.all())[-1], clock.now()
    if last.sent_at is None:
        return True
    stuck = now - last.signed_at >= timedelta(seconds=network.stuck_after_s)
    return not stuck and now - last.sent_at >= RESEND


def _is_due(slot: NonceSlot, network: Network) -> bool:
    """Say whether something is to be done for a nonce of which nothing is mined."""
    last, now = list(slot.attempts.all())[-1], clock.now()
    if slot.state == Slot.MINED or last.sent_at is None:
        return True
    cancels = slot.cancel_asked_at is not None and not last.is_cancel
    stuck = now - last.signed_at >= timedelta(seconds=network.stuck_after_s)
    return cancels or stuck or now - last.sent_at >= RESEND


def _work(  # noqa: PLR0917 (a nonce, what is mined of it, and whom to ask)
    pk: int,
    found: tuple[Attempt, Receipt] | None,
    nodes: Sequence[Node],
    signer: Signer,
    final: int,
    done: Pumped,
) -> list[Attempt]:
    """Work on one nonce, unless somebody else is at it; return what is to be sent after it.

    Locks:   the nonce, then its withdrawals.
    """
    with transaction.atomic():
        slot = locks.slot_at_once(pk)
        if slot is None or slot.settled_at is not None:
            return []
        if found is not None:
            _note_mined(slot, *found, nodes, final, done)
            return []
        if slot.state == Slot.MINED:
            _unmined(slot)
        attempts = list(slot.attempts.order_by("pk"))
        return _replaced(slot, attempts, nodes[0], signer, done)[-2:]


def _note_mined(  # noqa: PLR0917 (the nonce, what was mined of it, and whom to ask)
    slot: NonceSlot,
    attempt: Attempt,
    receipt: Receipt,
    nodes: Sequence[Node],
    final: int,
    done: Pumped,
) -> None:
    if slot.state == Slot.OPEN:
        slot.state = Slot.MINED
        slot.save(update_fields=["state"])
        done.mined += 1
        for row in rows_of(slot):
            if row.state in {State.SIGNED, State.BROADCAST}:
                withdrawals.move(row, State.MINED, words=attempt.tx_hash)
    is_final = int(receipt.block_number, 16) <= final
    if (
        is_final
        and receipts.is_canonical(nodes, receipt)
        and _is_agreed(slot, attempt, receipt, nodes)
    ):
        crash_here("pump.before_settle")
        _settle(slot, attempt, receipt)
        crash_here("pump.in_settle")
        done.settled += 1


def _settle(slot: NonceSlot, attempt: Attempt, receipt: Receipt) -> None:
    """End a nonce: paid, or never to be paid by it any more."""
    state = Slot.VOID if attempt.is_cancel else Slot.SETTLED
    failed = int(receipt.status, 16) != 1
    words = "the payment was taken back" if attempt.is_cancel else "the payment failed" * failed
    slot_end(slot, state, attempt.tx_hash, gas_wei=gas.paid_wei(receipt), words=words)


def _unmined(slot: NonceSlot) -> None:
    """A reorg has taken the transaction out again: it is sent again."""
    slot.state = Slot.OPEN
    slot.save(update_fields=["state"])
    for row in rows_of(slot):
        if row.state == State.MINED:
            withdrawals.move(row, State.BROADCAST, words="the block was replaced")


def _replaced(
    slot: NonceSlot, attempts: list[Attempt], node: Node, signer: Signer, done: Pumped
) -> list[Attempt]:
    """Add an attempt at a higher fee where the last waits too long, or the nonce is wanted back.

    It is stored here and sent after the commit, like the first.
    """
    last = attempts[-1]
    waited = clock.now() - last.signed_at
    cancels = slot.cancel_asked_at is not None and not last.is_cancel
    stuck = waited >= timedelta(seconds=slot.network.stuck_after_s)
    if not (cancels or (stuck and last.sent_at)) or not _is_by_the_key(slot):
        return attempts
    now = payouts.fees_now(slot.network, node)
    fees = Fees(max(bumped(last.max_fee_wei), now.max_fee), max(bumped(last.tip_wei), now.tip))
    if slot.deposit_id and slot.gas * fees.max_fee > _ether_of(slot, node):
        # the address is given more gas first; what it sent stays offered as it is
        return attempts
    if fees.max_fee > slot.network.max_fee_wei:
        log.warning("chain.fee_at_its_cap", nonce=slot.nonce, network=slot.network.name)
        return attempts
    is_cancel = last.is_cancel or cancels
    try:
        added = payouts.sign_attempt(slot, signer, fees, is_cancel=is_cancel)
    except SignerRefused as refusal:
        log.warning("chain.replacement_refused", nonce=slot.nonce, rule=refusal.rule)
        return attempts
    except SignerFault as fault:
        # what is stored goes on being sent, and other nonces settle
        log.warning("chain.replacement_not_signed", nonce=slot.nonce, error=fault.message)
        return attempts
    done.replaced += 1
    return [*attempts, added]


def _is_by_the_key(slot: NonceSlot) -> bool:
    """Say whether the signer's key is the nonce's: a wallet before it is signed for no more."""
    if slot.deposit_id and slot.purpose == NonceSlot.Purpose.SWEEP:
        return True
    return HotWallet.objects.filter(network=slot.network_id, address=slot.sender).exists()


def _ether_of(slot: NonceSlot, node: Node) -> int:
    return node.number("eth_getBalance", slot.sender, "latest")


def _send(attempts: Sequence[Attempt], nodes: Sequence[Node], done: Pumped) -> None:
    """Offer the stored bytes to every node; what they answer is kept and decides nothing.

    Of several workers one sends; should it die first, another does when it is time to send again.
    """
    due = _claimed(attempts)
    if not due:
        return
    said: list[str] = []
    for node in nodes:
        try:
            answers = node.offer([bytes(attempt.raw) for attempt in due])
        except NodeFault as fault:
            answers = [fault.message] * len(due)
        said = said or answers
        crash_here("pump.sent")
    for words in set(said):
        told = [a.pk for a, answer in zip(due, said, strict=True) if answer == words]
        Attempt.objects.filter(pk__in=told).update(answer=words[:200])
    done.sent += len(due)
    _note_broadcast({attempt.slot_id for attempt in due})


def _claimed(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Return those that nobody else sends just now. Locks: conditional updates, in order of id."""
    now = clock.now()
    late = now - RESEND
    wanted = [a.pk for a in attempts if a.sent_at is None or a.sent_at <= late]
    if not wanted:
        return []
    with transaction.atomic():
        mine = locks.attempts_at_once(wanted, late)
        Attempt.objects.filter(pk__in=mine).update(sent_at=now, sends=F("sends") + 1)
    return [attempt for attempt in attempts if attempt.pk in mine]


def _note_broadcast(slots: set[int]) -> None:
    """Mark what was signed as sent, in order of id. Locks: the withdrawals."""
    signed = Withdrawal.objects.filter(slot__in=slots, state=State.SIGNED.value)
    pks = sorted(signed.values_list("pk", flat=True))
    if not pks:
        return
    with transaction.atomic():
        rows = [row for row in locks.withdrawals(pks) if row.state == State.SIGNED]
        withdrawals.move_many(rows, State.BROADCAST)


def slot_cancel(*, actor: User, slot: NonceSlot, reason: str) -> None:
    """Ask for a nonce back by a transfer of nothing to ourselves; final, it returns the money.

    The payment may still win the race, and then it is paid.
    Raises:  NotAllowed, Malformed.
    """
    if not (actor.is_active and actor.has_perm("chain.change_nonceslot")):
        raise NotAllowed("this is for staff who may release payments")
    reason = staff.reason_of(reason)
    with transaction.atomic():
        NonceSlot.objects.filter(pk=slot.pk, settled_at=None).update(cancel_asked_at=clock.now())
        StaffAction.objects.create(
            actor=actor, verb="nonce.cancel_asked", target=f"nonce {slot.nonce}", reason=reason
        )


def _is_agreed(slot: NonceSlot, attempt: Attempt, receipt: Receipt, nodes: Sequence[Node]) -> bool:
    """Say whether every node has the transaction in that block with that outcome; note if not."""
    told: list[Receipt | None] = [receipt]
    told += [receipts.mined(node, [attempt]).get(attempt.pk) for node in nodes[1:ASKED]]
    if len(set(map(receipts.outcome, told))) == 1:
        return True
    verify.disagreement_note(
        slot.network, f"the endpoints tell different ends of payment {attempt.tx_hash}"
    )
    return False
