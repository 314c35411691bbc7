"""The review queue, signed transactions and what became of them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from chain.clients import endpoints
from chain.models import (
    AddressBookEntry,
    Attempt,
    CredentialChange,
    NonceSlot,
    Withdrawal,
    WithdrawalEvent,
)
from chain.services import pump, usurped, withdrawals
from exchange.admin.base import ReadOnly, columns
from exchange.admin.verbs import ReasonForm, Verb, Verbs


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


class TakenForm(ReasonForm):
    """The reason, and the transaction."""

    tx_hash = forms.RegexField(r"^0x[0-9a-fA-F]{64}$", label="Hash of the transaction")


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
        Verb(
            name="nonce_taken",
            label="Name the transaction that used it",
            explained=(
                "For a nonce that a transaction of somebody else has used: where every endpoint"
                " shows that transaction in a final block, the nonce ends and its money returns."
            ),
            act=lambda actor, row, reason, tx_hash: usurped.settle_named(
                actor=actor,
                slot=row,
                nodes=endpoints.nodes_of(row.network),
                tx_hash=tx_hash,
                reason=reason,
            ),
            form=TakenForm,
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
