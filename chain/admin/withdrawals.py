"""The review queue, signed transactions and what became of them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from chain.models import (
    AddressBookEntry,
    Attempt,
    CredentialChange,
    NonceSlot,
    Withdrawal,
    WithdrawalEvent,
)
from chain.services import pump, withdrawals
from exchange.admin.base import ReadOnly, columns
from exchange.admin.verbs import Verb, Verbs


@admin.register(Withdrawal)
class WithdrawalAdmin(Verbs):
    """Withdrawals; those in review wait for two different people, neither the owner."""

    list_display = (
        "id", "user", "network", *columns(Withdrawal, "amount_micro", "fee_micro"), "address",
        "state", "first_approver", "second_approver", "requested_at",
    )  # fmt: skip
    list_filter = ("state", "network")
    list_select_related = ("user", "network", "first_approver", "second_approver")
    search_fields = ("=user__email", "=address")
    ordering = ("-id",)
    hidden = ("digest", "key")
    verbs = (
        Verb(
            name="withdrawal_approve",
            label="Approve",
            explained="The second of two different people releases the payment.",
            act=lambda actor, row, reason: withdrawals.review_approve(
                actor=actor, withdrawal=row, reason=reason
            ),
        ),
        Verb(
            name="withdrawal_reject",
            label="Reject",
            explained="The money goes back to its owner, who reads the reason.",
            act=lambda actor, row, reason: withdrawals.review_reject(
                actor=actor, withdrawal=row, reason=reason
            ),
        ),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: the decision is all that may be done."""
        return False


@admin.register(NonceSlot)
class NonceSlotAdmin(Verbs):
    """The nonces. One that is taken back returns its money only when that is final."""

    list_display = (
        "network", "nonce", "purpose", "state", *columns(NonceSlot, "amount_micro"), "reverted",
        "cancel_asked_at", "gas_paid_wei", "settled_hash", "settled_at",
    )  # fmt: skip
    list_filter = ("state", "purpose")
    list_select_related = ("network",)
    ordering = ("-id",)
    verbs = (
        Verb(
            name="nonce_take_back",
            label="Take the nonce back",
            explained="A transfer of nothing to ourselves; the payment may still win the race.",
            act=lambda actor, row, reason: pump.slot_cancel(actor=actor, slot=row, reason=reason),
        ),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no, as above."""
        return False


@admin.register(Attempt)
class AttemptAdmin(ReadOnly):
    """Every signed transaction, as it was stored before it was sent."""

    list_display = (
        "tx_hash", "slot", "max_fee_wei", "is_cancel", "signed_at", "sent_at", "sends", "answer",
    )  # fmt: skip
    search_fields = ("=tx_hash",)
    ordering = ("-id",)


@admin.register(WithdrawalEvent)
class WithdrawalEventAdmin(ReadOnly):
    """Each step of each withdrawal."""

    list_display = ("withdrawal", "state", "at", "actor", "note")
    list_select_related = ("withdrawal", "actor")
    ordering = ("-id",)


@admin.register(AddressBookEntry)
class AddressBookEntryAdmin(ReadOnly):
    """The address books."""

    list_display = (
        "user", "network", "label", "address", "is_contract", "created_at", "removed_at",
    )  # fmt: skip
    list_select_related = ("user", "network")
    search_fields = ("=user__email", "=address")
    ordering = ("-id",)


@admin.register(CredentialChange)
class CredentialChangeAdmin(ReadOnly):
    """Whose credentials changed, and when."""

    list_display = ("user", "at")
    list_select_related = ("user",)
    ordering = ("-at",)
