"""The end of a nonce: what it paid leaves the books, what it never will pay returns."""

from chain.core.withdrawal import State
from chain.models import NonceSlot, Withdrawal
from chain.services import gas, locks, sweep_close, withdrawals
from exchange import clock


def slot_end(
    slot: NonceSlot, state: NonceSlot.State, tx_hash: str, *, gas_wei: int, words: str = ""
) -> None:
    """End a nonce whose lock is held, with everything that hung on it.

    Settled without `words` it has paid; otherwise they say to its people why it has not.
    Locks:   its withdrawals or sweeps, the ledger's accounts.
    """
    is_paid = not words
    slot.state, slot.settled_hash, slot.settled_at = state, tx_hash, clock.now()
    slot.reverted = state == NonceSlot.State.SETTLED and not is_paid
    slot.gas_paid_wei = gas_wei
    slot.save()
    # first, so that everybody who settles takes the house's accounts in one order
    gas.book(slot)
    sweep_close.slot_ended(slot, is_paid=is_paid)
    for row in rows_of(slot):
        if is_paid:
            withdrawals.settle(row, tx_hash)
        else:
            withdrawals.give_back(row, State.RETURNED, words)


def rows_of(slot: NonceSlot) -> list[Withdrawal]:
    """Lock and return the withdrawals of a nonce, in order of id."""
    pks = Withdrawal.objects.filter(slot=slot).values_list("pk", flat=True)
    return [locks.withdrawal(pk) for pk in sorted(pks)]
