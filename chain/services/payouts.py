"""Signing what was approved: nonce, signature and bytes in one transaction, under one row lock.

Nothing is sent from here. Killed before the commit, no signature exists for anybody; killed after
it, the pump finds the bytes. A paused token, an empty wallet or a signer that refuses parks the
queue, visibly, and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Max, Q, Sum

from chain.clients.rpc import Node
from chain.clients.signer import Signed, Signer
from chain.core import sweeping
from chain.core.withdrawal import State
from chain.errors import NodeFault, SignerRefused
from chain.models import Attempt, HotWallet, Network, NonceSlot, Withdrawal
from chain.services import calls, locks, wallets, withdrawals
from chain.services.seams import crash_here
from exchange import clock

BATCH_FROM, BATCH_MOST = 3, 50
# So many payments, each with its own nonce, share one commit.
TOGETHER = 10
GAS_PAYOUT, GAS_BATCH, GAS_EACH, GAS_CANCEL = 120_000, 80_000, 45_000, 21_000
ALLOWANCE = 2**255
# The chain keeps this much of the fee's ceiling for what the fee itself may rise meanwhile.
BASE_FEES = 2

Slot = NonceSlot.State
Purpose = NonceSlot.Purpose
# What moves the wallet's own tokens; a sweep moves those of deposit addresses.
FROM_THE_WALLET = (Purpose.PAYOUT, Purpose.BATCH, Purpose.EXCESS)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fees:
    """What a transaction offers per gas, in wei."""

    max_fee: int
    tip: int


class Parked(Exception):
    """Why nothing is paid at present; the queue waits."""


def sign_due(*, network: Network, nodes: Sequence[Node], signer: Signer) -> int:
    """Sign everything that is approved, several in one transaction where several wait.

    Returns how many withdrawals were signed. Raises NodeFault, SignerFault.
    """
    waiting = Withdrawal.objects.filter(network=network, state=State.APPROVED.value)
    rows = list(waiting.order_by("pk")[:BATCH_MOST])
    if not rows:
        _parked(network, "")
        return 0
    try:
        _require_key(network, nodes, signer)
        rows = _payable(network, nodes[0], rows)
        groups = [[row.pk for row in group] for group in _groups(network, nodes[0], rows)]
        signed = _sign_all(network, nodes[0], signer, groups)
    except Parked as why:
        _parked(network, str(why))
        return 0
    _parked(network, "")
    return signed


def require_trusted(network: Network) -> None:
    """Refuse to sign with a wallet that was halted. Raises Parked."""
    if wallets.why_halted(network):
        raise Parked("payments are halted until our staff have looked at the wallet")


def _require_key(network: Network, nodes: Sequence[Node], signer: Signer) -> None:
    """Refuse a wallet that is not, or not ours alone. Raises Parked, NodeFault, SignerFault."""
    wallets.require_ours(network, nodes)
    require_trusted(network)
    if signer.about()["address"] != HotWallet.objects.get(network=network).address:
        raise Parked("the signer has another key than the wallet's")


def _payable(network: Network, node: Node, rows: list[Withdrawal]) -> list[Withdrawal]:
    """Return who can be paid now; the denied get their money back before anything is signed.

    Raises:  Parked, NodeFault.
    """
    _require_unpaused(network, node)
    denied = calls.denied(node, network.token, sorted({row.address for row in rows}))
    for row in rows:
        if row.address in denied:
            _refuse(row.pk, "the token's issuer does not let this address receive")
    rows = [row for row in rows if row.address not in denied]
    hot = HotWallet.objects.get(network=network)
    # summed before the balance is read: what is mined between the two counts twice, and not never
    underway = underway_micro(network)
    held = calls.balances(node, network.token, [hot.address], "latest")[0]
    gas = node.number("eth_getBalance", hot.address, "latest")
    HotWallet.objects.filter(pk=hot.pk).update(balance_micro=held, gas_wei=gas, read_at=clock.now())
    left = held - underway
    fits: list[Withdrawal] = []
    for row in rows:
        if row.amount_micro > left:
            break
        left -= row.amount_micro
        fits.append(row)
    if rows and not fits:
        raise Parked("the hot wallet holds too little for the next payment")
    if rows and gas < GAS_PAYOUT * fees_now(network, node).max_fee:
        raise Parked("the hot wallet has no ether for gas")
    return fits


def _require_unpaused(network: Network, node: Node) -> None:
    if not network.withdrawals_on:
        raise Parked("withdrawals are paused by staff")
    if calls.is_paused(node, network.token):
        raise Parked("the token is paused by its issuer")


def underway_micro(network: Network) -> int:
    """Return what signed payments that are not mined yet will take from the wallet."""
    open_ = NonceSlot.objects.filter(network=network, state=Slot.OPEN, purpose__in=FROM_THE_WALLET)
    return open_.aggregate(total=Sum("amount_micro"))["total"] or 0


def spare_wei(network: Network, node: Node) -> int:
    """Return what sweeping may pledge of the wallet's ether, beside what is signed and not mined.

    Raises:  NodeFault.
    """
    hot = HotWallet.objects.get(network=network)
    open_ = NonceSlot.objects.filter(network=network, sender=hot.address, state=Slot.OPEN)
    offers = open_.annotate(fee=Max("attempts__max_fee_wei"))
    # summed before the balance is read: what is mined between the two counts twice, and not never
    pledged = sum(slot.gas * int(slot.fee) + int(slot.value_wei) for slot in offers)
    held = int(node.number("eth_getBalance", hot.address, "latest"))
    HotWallet.objects.filter(pk=hot.pk).update(gas_wei=held)
    return max(0, held // sweeping.SHARE - pledged)


def _groups(network: Network, node: Node, rows: list[Withdrawal]) -> list[list[Withdrawal]]:
    if len(rows) < BATCH_FROM or not network.disperse:
        return [[row] for row in rows]
    hot = HotWallet.objects.get(network=network)
    total = sum(row.amount_micro for row in rows)
    allowed = calls.allowance(node, network.token, hot.address, network.disperse)
    return [rows] if allowed >= total else [[row] for row in rows]


def _sign_all(network: Network, node: Node, signer: Signer, groups: list[list[int]]) -> int:
    """Sign several payments, some in each transaction; one that is refused holds up no other.

    Raises:  Parked, SignerFault.
    """
    fees, signed = fees_now(network, node), 0
    for start in range(0, len(groups), TOGETHER):
        part = groups[start : start + TOGETHER]
        try:
            signed += _sign(network, signer, part, fees)
        except Parked:
            if len(part) == 1:
                raise
            for group in part:
                signed += _sign(network, signer, [group], fees)
    return signed


def _sign(network: Network, signer: Signer, groups: list[list[int]], fees: Fees) -> int:
    """Sign payments, each with a nonce of its own, in one transaction. Raises Parked, SignerFault.

    Locks:   the hot wallet, then the withdrawals.
    """
    crash_here("payout.before_sign")
    try:
        with transaction.atomic():
            hot = locks.hot_wallet_at_once(network)
            if hot is None:
                return 0
            locked = locks.withdrawals([pk for pks in groups for pk in pks])
            ready = {row.pk: row for row in locked if row.state == State.APPROVED}
            wanted = [[ready[pk] for pk in pks if pk in ready] for pks in groups]
            signed = _sign_rows(network, hot, signer, [rows for rows in wanted if rows], fees)
            crash_here("payout.in_sign")
    except SignerRefused as refusal:
        if refusal.rule != "nonce":
            raise Parked(f"the signer refuses: {refusal.message}") from refusal
        burn(network, signer, fees)
        return 0
    crash_here("payout.after_sign")
    return signed


def _sign_rows(
    network: Network,
    hot: HotWallet,
    signer: Signer,
    groups: Sequence[Sequence[Withdrawal]],
    fees: Fees,
) -> int:
    """Give each group a nonce, sign it, and keep everything; return how many rows that were."""
    slots = [
        NonceSlot(network=network, sender=hot.address, nonce=nonce, **_payload(network, rows))
        for nonce, rows in enumerate(groups, hot.next_nonce)
    ]
    NonceSlot.objects.bulk_create(slots)
    Attempt.objects.bulk_create([_signed(slot, signer, fees) for slot in slots])
    hot.next_nonce += len(slots)
    hot.save(update_fields=["next_nonce"])
    for slot, rows in zip(slots, groups, strict=True):
        for row in rows:
            row.slot = slot
    moved = [row for rows in groups for row in rows]
    withdrawals.move_many(moved, State.SIGNED)
    return len(moved)


def _payload(network: Network, rows: Sequence[Withdrawal]) -> dict[str, Any]:
    """Return the columns of a nonce that pays those rows."""
    payments = [(row.address, row.amount_micro) for row in rows]
    total = {"amount_micro": sum(amount for _, amount in payments)}
    if len(rows) == 1:
        data = calls.transfer(*payments[0])
        return {"purpose": Purpose.PAYOUT, "to": network.token, "data": data, "gas": GAS_PAYOUT,
                **total}  # fmt: skip
    data = calls.disperse(network.token, payments)
    gas = GAS_BATCH + GAS_EACH * len(rows)
    return {"purpose": Purpose.BATCH, "to": network.disperse, "data": data, "gas": gas, **total}


def allot(network: Network, hot: HotWallet, **payload: object) -> NonceSlot:
    """Take the wallet's next nonce for a payload; the caller holds the wallet's lock."""
    slot = NonceSlot.objects.create(
        network=network, sender=hot.address, nonce=hot.next_nonce, **payload
    )
    hot.next_nonce += 1
    hot.save(update_fields=["next_nonce"])
    return slot


def sign_attempt(
    slot: NonceSlot, signer: Signer, fees: Fees, *, is_cancel: bool = False
) -> Attempt:
    """Sign a nonce's payload, or what takes the nonce back, and keep the bytes.

    The caller holds the lock of the wallet or of the nonce. Raises SignerRefused, SignerFault.
    """
    attempt = _signed(slot, signer, fees, is_cancel=is_cancel)
    attempt.save()
    return attempt


def _signed(slot: NonceSlot, signer: Signer, fees: Fees, *, is_cancel: bool = False) -> Attempt:
    """Return an attempt that is signed and not stored yet."""
    signed: Signed = signer.sign(
        chain_id=slot.network.chain_id,
        nonce=slot.nonce,
        to=slot.sender if is_cancel else slot.to,
        data="" if is_cancel else bytes(slot.data).hex(),
        gas=GAS_CANCEL if is_cancel else slot.gas,
        max_fee_wei=fees.max_fee,
        tip_wei=fees.tip,
        **_more(slot, is_cancel=is_cancel),
    )
    return Attempt(
        slot=slot,
        tx_hash=signed.tx_hash,
        raw=signed.raw,
        max_fee_wei=fees.max_fee,
        tip_wei=fees.tip,
        is_cancel=is_cancel,
        signed_at=clock.now(),
    )


def _more(slot: NonceSlot, *, is_cancel: bool) -> dict[str, Any]:
    """Return what the signer is told beside: ether for gas, and which deposit address is meant."""
    if slot.deposit is None:
        return {}
    value = 0 if is_cancel else int(slot.value_wei)
    return {"index": slot.deposit.index, "sender": slot.sender, "value": value}


def burn(network: Network, signer: Signer, fees: Fees) -> None:
    """Take back a nonce whose first signature was lost with the process that had asked for it.

    Locks:   the hot wallet.
    """
    log.warning("chain.nonce_burnt", network=network.name)
    with transaction.atomic():
        hot = locks.hot_wallet(network)
        slot = allot(network, hot, purpose=Purpose.OTHER, to=hot.address, data=b"", gas=GAS_CANCEL)
        sign_attempt(slot, signer, fees, is_cancel=True)


def disperse_allow(*, network: Network, node: Node, signer: Signer) -> bool:
    """Let the batch contract spend the wallet's token, once; return whether it was asked for now.

    Locks:   the hot wallet.
    """
    if not network.disperse or wallets.why_halted(network):
        return False
    waiting = Q(network=network, purpose=Purpose.OTHER, settled_at=None, to=network.token)
    hot = HotWallet.objects.get(network=network)
    allowed = calls.allowance(node, network.token, hot.address, network.disperse)
    if allowed > ALLOWANCE // 2 or NonceSlot.objects.filter(waiting).exists():
        return False
    data = calls.data_of("approve(address,uint256)", network.disperse, ALLOWANCE)
    fees = fees_now(network, node)
    with transaction.atomic():
        hot = locks.hot_wallet(network)
        if NonceSlot.objects.filter(waiting).exists():
            return False
        slot = allot(
            network, hot, purpose=Purpose.OTHER, to=network.token, data=data, gas=GAS_BATCH
        )
        sign_attempt(slot, signer, fees)
    return True


def fees_now(network: Network, node: Node) -> Fees:
    """Return what to offer: room for the base fee to double, and the network's tip.

    Raises:  NodeFault.
    """
    header = node.header("latest")
    if header is None:
        raise NodeFault(f"{node.name} has no newest block")
    offer = BASE_FEES * int(header.base_fee_per_gas, 16) + network.tip_wei
    return Fees(min(network.max_fee_wei, max(1, offer)), min(network.tip_wei, network.max_fee_wei))


def _refuse(pk: int, words: str) -> None:
    with transaction.atomic():
        row = locks.withdrawal(pk)
        if row.state == State.APPROVED:
            withdrawals.give_back(row, State.RETURNED, words)


def _parked(network: Network, words: str) -> None:
    rows = Network.objects.filter(pk=network.pk)
    if words:
        log.warning("chain.withdrawals_parked", network=network.name, reason=words)
        rows.filter(parked_reason="").update(parked_at=clock.now(), parked_reason=words[:120])
        rows.update(parked_reason=words[:120])
    else:
        rows.exclude(parked_reason="").update(parked_reason="", parked_at=None)
