"""The row locks of the chain side, taken before those of the ledger.

Order: the scan state, then a deposit; the hot wallet, then nonces, then withdrawals and sweeps by
id; the ledger's accounts last.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from chain.models import (
    Attempt,
    Deposit,
    HotWallet,
    Network,
    NonceSlot,
    ScanState,
    Sweep,
    Withdrawal,
)

TAKE_ADDRESS = """
    UPDATE chain_depositaddress SET user_id = %s, assigned_at = %s
     WHERE id = (SELECT id FROM chain_depositaddress
                  WHERE account_id = %s AND user_id IS NULL
                  ORDER BY index LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id"""


def scan_state(network: Network) -> ScanState:
    """Lock and return how far a network is read."""
    return ScanState.objects.select_for_update(no_key=True).get(network=network)


@contextmanager
def scan_turn(network: Network) -> Iterator[None]:
    """Hold the scan state for one transaction: two never write deposits of a network at once."""
    with transaction.atomic():
        scan_state(network)
        yield


def deposit(pk: int) -> Deposit:
    """Lock and return a deposit."""
    rows = Deposit.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("network").get(pk=pk)


def hot_wallet(network: Network) -> HotWallet:
    """Lock and return the paying wallet: whoever holds it allots nonces."""
    return HotWallet.objects.select_for_update(no_key=True).get(network=network)


def hot_wallet_at_once(network: Network) -> HotWallet | None:
    """Lock and return the paying wallet, or None where somebody else signs just now."""
    rows = HotWallet.objects.select_for_update(no_key=True, skip_locked=True)
    return rows.filter(network=network).first()


def slot(pk: int) -> NonceSlot:
    """Lock and return a nonce."""
    rows = NonceSlot.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("network").get(pk=pk)


def slot_at_once(pk: int) -> NonceSlot | None:
    """Lock and return a nonce, or None where somebody else is at it."""
    rows = NonceSlot.objects.select_for_update(no_key=True, of=("self",), skip_locked=True)
    return rows.select_related("network").filter(pk=pk).first()


def attempts_at_once(pks: list[int], sent_before: datetime) -> set[int]:
    """Lock and return those attempts that were not sent since, and nobody else has locked."""
    rows = Attempt.objects.select_for_update(no_key=True, skip_locked=True).order_by("pk")
    due = Q(sent_at=None) | Q(sent_at__lte=sent_before)
    return set(rows.filter(due, pk__in=pks).values_list("pk", flat=True))


def withdrawal(pk: int) -> Withdrawal:
    """Lock and return a withdrawal."""
    rows = Withdrawal.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("network", "user").get(pk=pk)


def withdrawals(pks: list[int]) -> list[Withdrawal]:
    """Lock and return withdrawals in order of id."""
    rows = Withdrawal.objects.select_for_update(no_key=True).filter(pk__in=pks)
    return list(rows.order_by("pk"))


def sweep(pk: int) -> Sweep:
    """Lock and return a sweep."""
    rows = Sweep.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("network", "address", "slot", "gas_slot").get(pk=pk)


def sweeps_of(slot: NonceSlot) -> list[Sweep]:
    """Lock and return the sweeps that a nonce carries, in order of id."""
    return list(Sweep.objects.select_for_update(no_key=True).filter(slot=slot).order_by("pk"))
