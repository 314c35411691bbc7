"""A nonce of ours that another transaction has used: proven, settled, and the wallet stopped.

A nonce is used once, so that a final transaction with another hash on it is the proof that none of
ours can be mined any more; without that proof no money returns. One that pays the very same is our
payment, whose bytes we have lost. Any other was signed by somebody else: the key is out.
"""

from collections.abc import Sequence

import structlog
from django.db import transaction

from chain.clients import mined as transactions
from chain.clients.mined import Mined
from chain.clients.rpc import Node, Receipt
from chain.errors import NodeFault
from chain.models import Attempt, Network, NonceSlot
from chain.services import gas, locks, receipts, verify, wallets
from chain.services.final_line import ASKED, final_line
from chain.services.slot_end import slot_end
from exchange.errors import NotAllowed, Unprocessable
from exchange.models import StaffAction, User
from exchange.services.staff import reason_of

NOT_OURS = "another transaction has used its nonce, so it can never be paid by it"

log = structlog.get_logger()


def settle_due(*, network: Network, nodes: Sequence[Node], slots: Sequence[NonceSlot]) -> int:
    """End those nonces that a final transaction of somebody else has used; return how many.

    Raises:  NodeFault.
    """
    asked = nodes[:ASKED]
    final = final_line(network, asked)
    used: dict[str, int] = {}
    ended = 0
    for slot in slots:
        if slot.sender not in used:
            used[slot.sender] = min(
                transactions.nonces_used(node, slot.sender, final) for node in asked
            )
        if used[slot.sender] > slot.nonce and not _is_known(slot, asked):
            ended += _settle_found(slot, asked, final)
    return ended


def _is_known(slot: NonceSlot, nodes: Sequence[Node]) -> bool:
    """Say whether any node knows an attempt of ours as mined: then it is settled as ever."""
    attempts = list(slot.attempts.all())
    return any(receipts.mined(node, attempts) for node in nodes)


def _settle_found(slot: NonceSlot, nodes: Sequence[Node], final: int) -> int:
    """Look the transaction up by counting nonces, and end the nonce by it."""
    try:
        found = transactions.taker(nodes[0], slot.sender, slot.nonce, final)
    except NodeFault as fault:
        found = None
        log.warning("chain.taker_not_found", nonce=slot.nonce, error=fault.message)
    if found is None:
        # the count alone returns no money; staff may name the transaction
        wallets.halt(slot.network, f"nonce {slot.nonce} of {slot.sender} was used, not by us")
        return 0
    try:
        return int(_settle_by(slot, nodes, found.hash.lower(), final))
    except NodeFault as fault:
        # no other payment waits for what one endpoint alone shows
        verify.disagreement_note(slot.network, fault.message)
        return 0


def _settle_by(slot: NonceSlot, nodes: Sequence[Node], tx_hash: str, final: int) -> bool:
    """End a nonce by a transaction that every node shows alike in a final block.

    Locks:   the nonce, then its withdrawals.
    Raises:  NodeFault where a node does not show it.
    """
    told = [_read(node, tx_hash) for node in nodes]
    tx, receipt = told[0]
    if len({(each.terms, receipts.outcome(mined)) for each, mined in told}) > 1:
        verify.disagreement_note(slot.network, f"the endpoints differ on transaction {tx_hash}")
        return False
    is_final = int(receipt.block_number, 16) <= final and receipts.is_canonical(nodes, receipt)
    if not is_final or (tx.sender.lower(), int(tx.nonce, 16)) != (slot.sender, slot.nonce):
        return False
    with transaction.atomic():
        row = locks.slot_at_once(slot.pk)
        ours = slot.attempts.filter(tx_hash=tx_hash).exists()
        if row is None or row.settled_at is not None or ours:
            return False
        _end(row, tx, receipt)
    return True


def _read(node: Node, tx_hash: str) -> tuple[Mined, Receipt]:
    tx, receipt = transactions.mined(node, tx_hash), node.receipts([tx_hash])[0]
    if receipt is None or receipt.transaction_hash.lower() != tx_hash:
        raise NodeFault(f"{node.name} has no receipt of {tx_hash}")
    return tx, receipt


def _end(slot: NonceSlot, tx: Mined, receipt: Receipt) -> None:
    ours = ("0x" + bytes(slot.data).hex(), int(slot.value_wei))
    is_same = (tx.terms[2], *tx.terms[3:]) == (slot.to, *ours)
    state, tx_hash = NonceSlot.State, tx.hash.lower()
    if is_same:
        log.warning("chain.paid_by_lost_bytes", nonce=slot.nonce, tx_hash=tx_hash)
        price = int(receipt.effective_gas_price, 16)
        Attempt.objects.create(
            slot=slot, tx_hash=tx_hash, raw=b"", max_fee_wei=max(1, price), tip_wei=0,
            answer="its bytes were lost; found on the chain",
        )  # fmt: skip
        failed = int(receipt.status, 16) != 1
        words = "the payment failed" if failed else ""
        slot_end(slot, state.SETTLED, tx_hash, gas_wei=gas.paid_wei(receipt), words=words)
        return
    # what it has cost is no expense of ours, and shows as ether that is gone
    slot_end(slot, state.TAKEN, tx_hash, gas_wei=0, words=NOT_OURS)
    wallets.halt(
        slot.network, f"nonce {slot.nonce} of {slot.sender} was used by {tx_hash}, not ours"
    )


def settle_named(
    *, actor: User, slot: NonceSlot, nodes: Sequence[Node], tx_hash: str, reason: str
) -> None:
    """End a nonce by the transaction that staff name, if every endpoint shows that it used it.

    Raises:  NotAllowed, Malformed, Unprocessable already_so; NodeFault.
    """
    if not (actor.is_active and actor.has_perm("chain.change_nonceslot")):
        raise NotAllowed("this is for staff who may release payments")
    reason, asked = reason_of(reason), nodes[:ASKED]
    if not _settle_by(slot, asked, tx_hash.lower(), final_line(slot.network, asked)):
        raise Unprocessable(
            "this transaction did not use this nonce in a final block, or is our own",
            code="already_so",
        )
    StaffAction.objects.create(
        actor=actor, verb="nonce.settled_as_taken", target=f"nonce {slot.nonce}", reason=reason
    )
