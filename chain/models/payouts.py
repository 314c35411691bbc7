"""What leaves: the paying wallet, its nonces, and every signed transaction, kept before it is sent.

A nonce is one economic fact. Its attempts carry the same payload at rising fees, or take it back
by a transfer of nothing to ourselves; whichever is mined and final decides.
"""

import pgtrigger
from django.db import models
from django.db.models import Q

from chain.models.deposits import DepositAddress
from chain.models.networks import ADDRESS, HASH, AddressField, HashField, Network
from exchange import clock


class HotWallet(models.Model):
    """The address that pays on one chain. Its row is the lock under which nonces are allotted."""

    network = models.OneToOneField(Network, on_delete=models.PROTECT, related_name="hot_wallet")
    address = AddressField()
    next_nonce = models.BigIntegerField(default=0)
    float_cap_micro = models.BigIntegerField(
        default=20_000_000_000, help_text="what is above it belongs in the treasury"
    )
    treasury = AddressField(blank=True)
    balance_micro = models.BigIntegerField(default=0, help_text="as last read")
    gas_wei = models.DecimalField(max_digits=40, decimal_places=0, default=0)
    read_at = models.DateTimeField(null=True, blank=True)
    swept_at = models.DateTimeField(
        null=True, blank=True, help_text="when somebody last looked for what to sweep"
    )
    sweep_reason = models.CharField(max_length=120, blank=True, help_text="why nothing is swept")
    halted_reason = models.CharField(
        max_length=200, blank=True, help_text="why nothing new is signed with it"
    )
    halted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(next_nonce__gte=0, address__regex=ADDRESS), name="hot_wallet_form"
            )
        ]

    def __str__(self) -> str:
        return f"hot wallet of {self.network}"


class NonceSlot(models.Model):
    """One nonce: one payload, and how it ended.

    `deposit` is the address of ours that sends, or is given gas; the paying wallet needs none.
    """

    class State(models.TextChoices):
        """`settled` by an attempt, `void` by one that takes the nonce back.

        `taken` by a transaction that is not ours: no attempt can be mined any more.
        """

        OPEN = "open"
        MINED = "mined"
        SETTLED = "settled"
        VOID = "void"
        TAKEN = "taken", "used by somebody else"

    class Purpose(models.TextChoices):
        """What the payload is for."""

        PAYOUT = "payout"
        BATCH = "batch"
        SWEEP = "sweep"
        TOPUP = "topup", "gas for a deposit address"
        EXCESS = "excess", "above the wallet's cap"
        OTHER = "other"

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="nonces")
    sender = AddressField()
    nonce = models.BigIntegerField()
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    to = AddressField()
    data = models.BinaryField()
    value_wei = models.DecimalField(max_digits=40, decimal_places=0, default=0)
    deposit = models.ForeignKey(
        DepositAddress, null=True, blank=True, on_delete=models.PROTECT, related_name="nonces"
    )
    gas = models.BigIntegerField()
    amount_micro = models.BigIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    reverted = models.BooleanField(default=False)
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    settled_hash = HashField(blank=True)
    gas_paid_wei = models.DecimalField(max_digits=40, decimal_places=0, default=0)
    created_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "sender", "nonce"], name="nonce_once"),
            models.CheckConstraint(condition=Q(nonce__gte=0), name="nonce_not_negative"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "mined"], settled_at__isnull=True)
                | Q(state__in=["settled", "void", "taken"], settled_at__isnull=False),
                name="nonce_settled_when",
            ),
        ]
        indexes = [
            models.Index(
                fields=["network", "nonce"],
                condition=Q(settled_at__isnull=True),
                name="nonce_unsettled",
            )
        ]
        triggers = [
            pgtrigger.Protect(name="nonce_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="nonce_payload_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "network", "sender", "nonce", "to", "data", "value_wei", "deposit"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"nonce {self.nonce} on {self.network}"


class Attempt(models.Model):
    """One signed transaction. Its bytes are stored before anybody sends them and never change."""

    slot = models.ForeignKey(NonceSlot, on_delete=models.PROTECT, related_name="attempts")
    tx_hash = HashField(unique=True)
    raw = models.BinaryField()
    max_fee_wei = models.BigIntegerField()
    tip_wei = models.BigIntegerField()
    is_cancel = models.BooleanField(default=False)
    signed_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    sends = models.IntegerField(default=0)
    answer = models.CharField(max_length=200, blank=True, help_text="the node's newest")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(tx_hash__regex=HASH), name="attempt_hash"),
            models.CheckConstraint(
                condition=Q(max_fee_wei__gt=0, tip_wei__gte=0), name="attempt_fees"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="attempt_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="attempt_bytes_stay",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("slot", "tx_hash", "raw"),
            ),
        ]

    def __str__(self) -> str:
        return str(self.tx_hash)
