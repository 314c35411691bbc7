"""What moves between addresses of ours, and the ether that all of it costs."""

import pgtrigger
from django.db import models
from django.db.models import Q

from chain.models.deposits import DepositAddress
from chain.models.networks import HASH, AddressField, HashField, Network
from chain.models.payouts import NonceSlot
from exchange import clock


class Sweep(models.Model):
    """Money on its way from one deposit address to the treasury; nobody's balance moves with it.

    By an authorisation that the Sweeper plays, or where the token knows none by a transfer of the
    address itself, which is given gas first.
    """

    class State(models.TextChoices):
        """`funding` waits for gas; `failed` has moved nothing and never will."""

        FUNDING = "funding"
        OPEN = "open"
        DONE = "done"
        FAILED = "failed"

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="sweeps")
    address = models.ForeignKey(DepositAddress, on_delete=models.PROTECT, related_name="sweeps")
    token = AddressField()
    amount_micro = models.BigIntegerField()
    state = models.CharField(max_length=7, choices=State.choices, default=State.OPEN)
    authorization = HashField(blank=True, help_text="its nonce; empty for a plain transfer")
    valid_before_s = models.BigIntegerField(default=0, help_text="by the chain's own time")
    gas_slot = models.ForeignKey(
        NonceSlot, null=True, blank=True, on_delete=models.PROTECT, related_name="funds"
    )
    slot = models.ForeignKey(
        NonceSlot, null=True, blank=True, on_delete=models.PROTECT, related_name="sweeps"
    )
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["network", "address", "token"],
                condition=Q(ended_at__isnull=True),
                name="sweep_one_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["network", "authorization"],
                condition=~Q(authorization=""),
                name="sweep_authorization_once",
            ),
            models.CheckConstraint(
                condition=Q(amount_micro__gt=0)
                & (Q(authorization="") | Q(authorization__regex=HASH)),
                name="sweep_form",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["funding", "open"], ended_at__isnull=True)
                | Q(state__in=["done", "failed"], ended_at__isnull=False),
                name="sweep_ended_when",
            ),
            models.CheckConstraint(
                condition=Q(authorization="") | Q(slot__isnull=False),
                name="sweep_authorized_has_nonce",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="sweep_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="sweep_terms_stay",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "network", "address", "token", "amount_micro", "authorization"
                ),
            ),
            pgtrigger.Protect(
                name="sweep_ends_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"sweep {self.pk} of {self.address}"


class GasReading(models.Model):
    """The paying wallet's ether at one final block, against everything its nonces have spent.

    opening + refilled = balance + gas + sent on + missing, for each reading. What comes in is
    somebody's refill; what is missing left by a signature that we have no row of.
    """

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="gas_readings")
    sender = AddressField()
    block = models.BigIntegerField()
    nonces = models.BigIntegerField(help_text="that the chain has seen of it")
    opening_wei = models.DecimalField(max_digits=40, decimal_places=0)
    refilled_wei = models.DecimalField(max_digits=40, decimal_places=0, default=0)
    balance_wei = models.DecimalField(max_digits=40, decimal_places=0)
    gas_wei = models.DecimalField(max_digits=40, decimal_places=0, help_text="fees so far")
    sent_wei = models.DecimalField(
        max_digits=40, decimal_places=0, help_text="given to deposit addresses so far"
    )
    missing_wei = models.DecimalField(max_digits=40, decimal_places=0, default=0)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["network", "sender", "block"], name="gas_reading_once"),
            models.CheckConstraint(
                condition=Q(
                    opening_wei=models.F("balance_wei")
                    + models.F("gas_wei")
                    + models.F("sent_wei")
                    + models.F("missing_wei")
                    - models.F("refilled_wei")
                ),
                name="gas_reading_adds_up",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="gas_reading_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.balance_wei} wei at block {self.block}"
