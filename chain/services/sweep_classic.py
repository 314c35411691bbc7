"""Sweeping where the token knows no authorisations: gas to the address, then its own transfer.

Three rows carry it: the sweep with its amount, the paying wallet's nonce that gives gas, and the
address's own nonce. Each signature is stored before it is sent, and the amount never changes, so
that whoever goes on after a crash signs the very same payload.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from chain.clients.rpc import Node
from chain.clients.signer import Signer
from chain.core import sweeping
from chain.errors import SignerRefused
from chain.models import HotWallet, Network, NonceSlot, Sweep
from chain.services import calls, locks, payouts, sweep_close, sweep_due
from chain.services.payouts import Fees, Parked
from chain.services.seams import crash_here
from chain.services.sweep_due import Due
from exchange import clock

AT_ONCE = 50
# Gas is given for fees that may rise so often, because a second gift costs a transaction more.
FEES_MAY_RISE = 2
Purpose = NonceSlot.Purpose
State = Sweep.State


def begin(network: Network, token: str, due: Due, *, xpub: str) -> int:
    """Note what is to be moved, once; the gas and the transfer follow. Locks: the hot wallet."""
    with transaction.atomic():
        if locks.hot_wallet_at_once(network) is None:
            return 0
        left = sweep_due.movable(network, token, xpub)
        if left.get(due.address.pk, 0) < due.amount_micro:
            return 0
        Sweep.objects.create(
            network=network,
            address=due.address,
            token=token,
            amount_micro=due.amount_micro,
            state=State.FUNDING,
        )
        crash_here("sweep.in_begin")
    return 1


def carry_on(*, network: Network, node: Node, signer: Signer) -> int:
    """Give gas where it is missing, and sign the transfers of those that have it.

    Returns how many steps were taken. Raises Parked, NodeFault, SignerFault.
    """
    settled = Q(gas_slot=None) | Q(gas_slot__settled_at__isnull=False)
    waits = Q(state=State.FUNDING) | Q(state=State.OPEN, slot__state=NonceSlot.State.OPEN)
    rows = Sweep.objects.filter(settled, waits, network=network, authorization="")
    found = list(rows.select_related("address", "slot").order_by("pk")[:AT_ONCE])
    if not found:
        return 0
    fees, taken = payouts.fees_now(network, node), 0
    for row in found:
        if row.slot is not None and not _is_stuck(row.slot, network):
            continue
        held = node.number("eth_getBalance", row.address.address, "latest")
        need = sweeping.GAS_TRANSFER * fees.max_fee
        if held < need:
            gift = need * FEES_MAY_RISE - held
            _require_ether(network, node, gift + sweeping.GAS_TOPUP * fees.max_fee)
            taken += _step(row, network, signer, fees, gift)
        elif row.slot is None:
            taken += _step(row, network, signer, fees, 0)
    return taken


def _require_ether(network: Network, node: Node, wei: int) -> None:
    if wei > payouts.spare_wei(network, node):
        raise Parked("the hot wallet has too little ether for gas")


def _is_stuck(slot: NonceSlot, network: Network) -> bool:
    last = slot.attempts.last()
    waited = timedelta(seconds=network.stuck_after_s)
    return last is not None and clock.now() - last.signed_at >= waited


def _step(row: Sweep, network: Network, signer: Signer, fees: Fees, gift_wei: int) -> int:
    """Take the next step of one sweep: a gift of gas, or the transfer where none is missing.

    Locks:   the hot wallet, which allots every nonce; then the sweep.
    """
    crash_here("sweep.before_step")
    try:
        with transaction.atomic():
            hot = locks.hot_wallet_at_once(network)
            if hot is None:
                return 0
            now = locks.sweep(row.pk)
            if (now.state, now.gas_slot_id, now.slot_id) != (
                row.state, row.gas_slot_id, row.slot_id,
            ):  # fmt: skip
                return 0
            if gift_wei:
                _give(now, hot, signer, fees, gift_wei)
            else:
                _move(now, hot, signer, fees)
            crash_here("sweep.in_step")
    except SignerRefused as refusal:
        if refusal.rule != "nonce":
            raise Parked(f"the signer refuses: {refusal.message}") from refusal
        _after_lost(row, network, signer, fees, gift_wei)
        return 0
    crash_here("sweep.after_step")
    return 1


def _give(row: Sweep, hot: HotWallet, signer: Signer, fees: Fees, gift_wei: int) -> None:
    row.gas_slot = payouts.allot(
        row.network,
        hot,
        purpose=Purpose.TOPUP,
        to=row.address.address,
        data=b"",
        value_wei=gift_wei,
        deposit=row.address,
        gas=sweeping.GAS_TOPUP,
    )
    row.save(update_fields=["gas_slot"])
    payouts.sign_attempt(row.gas_slot, signer, fees)


def _move(row: Sweep, hot: HotWallet, signer: Signer, fees: Fees) -> None:
    sender = row.address.address
    slot = NonceSlot.objects.create(
        network=row.network,
        sender=sender,
        # its nonces are allotted here alone, and each has a row
        nonce=NonceSlot.objects.filter(network=row.network, sender=sender).count(),
        purpose=Purpose.SWEEP,
        to=row.token,
        data=calls.transfer(hot.treasury, row.amount_micro),
        deposit=row.address,
        gas=sweeping.GAS_TRANSFER,
        amount_micro=row.amount_micro,
    )
    row.slot, row.state = slot, State.OPEN
    row.save(update_fields=["slot", "state"])
    payouts.sign_attempt(slot, signer, fees)


def _after_lost(row: Sweep, network: Network, signer: Signer, fees: Fees, gift_wei: int) -> None:
    """A nonce belongs to something else by the signer's log: burn it, or leave the sweep to staff.

    Locks:   the hot wallet; or the sweep.
    """
    if gift_wei:
        payouts.burn(network, signer, fees)
        return
    with transaction.atomic():
        now = locks.sweep(row.pk)
        if now.state == State.FUNDING:
            sweep_close.end(now, State.FAILED, "the signer knows this nonce of the address")
