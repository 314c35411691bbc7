"""What people ask to be paid, where to, and every step of it."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from chain.core.withdrawal import State as WithdrawalState
from chain.hashing import checksummed
from chain.models.networks import ADDRESS, AddressField, Network
from chain.models.payouts import NonceSlot
from exchange import clock
from exchange.ids import public_id

PREFIX = "wdr"
BOOK_PREFIX = "adr"
STATES = [(state.value, state.value) for state in WithdrawalState]


class AddressBookEntry(models.Model):
    """An address somebody may be paid at, once it has stood in the book long enough."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="address_book"
    )
    network = models.ForeignKey(
        Network,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="book",
        help_text="where it may be paid: a contract of one chain is nobody's on another;"
        " empty: everywhere",
    )
    address = AddressField()
    label = models.CharField(max_length=40)
    is_contract = models.BooleanField(default=False, help_text="the owner confirmed that it is one")
    created_at = models.DateTimeField(default=clock.now)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "network", "address"],
                condition=Q(removed_at__isnull=True),
                nulls_distinct=False,
                name="address_book_once",
            ),
            models.CheckConstraint(condition=Q(address__regex=ADDRESS), name="address_book_form"),
        ]
        verbose_name_plural = "address book"

    def __str__(self) -> str:
        return f"{self.label} {checksummed(self.address)}"

    @property
    def public_id(self) -> str:
        """The name of the entry outside."""
        return public_id(BOOK_PREFIX, self.pk)


class Withdrawal(models.Model):
    """One payment out. `amount_micro` arrives; the fee is held beside it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="chain_withdrawals"
    )
    key = models.CharField(max_length=64, help_text="the owner's own; it can act only once")
    digest = models.BinaryField(max_length=32, help_text="of what was asked under the key")
    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="withdrawals")
    entry = models.ForeignKey(
        AddressBookEntry, on_delete=models.PROTECT, related_name="withdrawals"
    )
    address = AddressField()
    amount_micro = models.BigIntegerField()
    fee_micro = models.BigIntegerField()
    state = models.CharField(max_length=9, choices=STATES, default=WithdrawalState.HELD.value)
    reason = models.CharField(max_length=200, blank=True, help_text="of what went another way")
    needs_review = models.BooleanField(default=False)
    slot = models.ForeignKey(
        NonceSlot, null=True, blank=True, on_delete=models.PROTECT, related_name="withdrawals"
    )
    requested_at = models.DateTimeField(default=clock.now)
    cancel_until = models.DateTimeField()
    first_approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    second_approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="withdrawal_once"),
            models.CheckConstraint(
                condition=Q(amount_micro__gt=0, fee_micro__gte=0, address__regex=ADDRESS),
                name="withdrawal_positive",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["final", "cancelled", "returned"], ended_at__isnull=False)
                | (~Q(state__in=["final", "cancelled", "returned"]) & Q(ended_at__isnull=True)),
                name="withdrawal_ended_when",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["signed", "broadcast", "mined", "final"])
                | Q(slot__isnull=False),
                name="withdrawal_signed_has_nonce",
            ),
            models.CheckConstraint(
                condition=Q(second_approver__isnull=True)
                | (
                    Q(first_approver__isnull=False) & ~Q(first_approver=models.F("second_approver"))
                ),
                name="withdrawal_two_persons",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="withdrawal_recent"),
            models.Index(
                fields=["network", "state", "id"],
                condition=Q(ended_at__isnull=True),
                name="withdrawal_open",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="withdrawal_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="withdrawal_terms_stay",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "user", "network", "address", "amount_micro", "fee_micro"
                ),
            ),
            pgtrigger.Protect(
                name="withdrawal_ends_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"withdrawal {self.public_id}"

    @property
    def public_id(self) -> str:
        """The name of the withdrawal outside."""
        return public_id(PREFIX, self.pk)

    @property
    def hold_ref(self) -> str:
        """The reference of the hold of what is paid out."""
        return f"withdrawal:{self.pk}"

    @property
    def fee_ref(self) -> str:
        """The reference of the hold of the fee."""
        return f"withdrawal-fee:{self.pk}"


class WithdrawalEvent(models.Model):
    """A step of a withdrawal, with who took it."""

    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="events")
    state = models.CharField(max_length=9, choices=STATES)
    at = models.DateTimeField(default=clock.now)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["id"]
        triggers = [
            pgtrigger.Protect(
                name="withdrawal_event_append_only",
                operation=pgtrigger.Update | pgtrigger.Delete,
            )
        ]

    def __str__(self) -> str:
        return f"{self.state} at {self.at}"


class CredentialChange(models.Model):
    """When somebody's password, address or second factor last changed.

    Written by triggers on those tables, so that no way of changing them goes past it.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="credential_change",
    )
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"credentials changed at {self.at}"
