"""Where people send money to, and what arrived there."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from chain.hashing import checksummed
from chain.models.networks import ADDRESS, HASH, AddressField, HashField, Network
from exchange import clock
from exchange.ids import public_id

PREFIX = "dep"


class KeyAccount(models.Model):
    """An extended public key of one purpose: addresses come from it, and no key can."""

    class Purpose(models.TextChoices):
        """What the addresses below a key are for."""

        DEPOSITS = "deposits"

    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    path = models.CharField(max_length=40, help_text="of the account the key stands for")
    xpub = models.CharField(max_length=120, unique=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["purpose"], condition=Q(is_active=True), name="key_account_one_active"
            ),
            # an extended private key begins otherwise; none is ever stored here
            models.CheckConstraint(
                condition=Q(xpub__startswith="xpub"), name="key_account_is_public"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.path}"


class DepositAddress(models.Model):
    """One address, made ahead and given to one person for good; the same on every EVM chain."""

    account = models.ForeignKey(KeyAccount, on_delete=models.PROTECT, related_name="addresses")
    index = models.BigIntegerField()
    address = AddressField(unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="deposit_addresses",
    )
    assigned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "index"], name="deposit_address_index"),
            models.UniqueConstraint(
                fields=["account", "user"],
                condition=Q(user__isnull=False),
                name="deposit_address_one_each",
            ),
            models.CheckConstraint(
                condition=Q(index__gte=0, address__regex=ADDRESS), name="deposit_address_form"
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=True, assigned_at__isnull=True)
                | Q(user__isnull=False, assigned_at__isnull=False),
                name="deposit_address_assigned",
            ),
        ]
        verbose_name_plural = "deposit addresses"

    def __str__(self) -> str:
        return checksummed(self.address)


class Deposit(models.Model):
    """One transfer of the token to one of our addresses; its identity outlives reorgs."""

    class State(models.TextChoices):
        """`credited` is for good; an orphaned one returns when its transaction does."""

        SEEN = "seen"
        ORPHANED = "orphaned"
        SMALL = "small", "below the minimum, accumulating"
        CREDITED = "credited"
        FOREIGN = "foreign", "another token, not credited"

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="deposits")
    tx_hash = HashField()
    position = models.IntegerField(help_text="of the log within its transaction")
    address = models.ForeignKey(DepositAddress, on_delete=models.PROTECT, related_name="deposits")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="deposits"
    )
    token = AddressField()
    sender = AddressField()
    amount_micro = models.BigIntegerField()
    block_number = models.BigIntegerField()
    block_hash = HashField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.SEEN)
    credited_level = models.CharField(max_length=9, blank=True)
    seen_at = models.DateTimeField(default=clock.now)
    orphaned_at = models.DateTimeField(null=True, blank=True)
    credited_at = models.DateTimeField(null=True, blank=True)
    final_at = models.DateTimeField(null=True, blank=True)
    lost_at = models.DateTimeField(
        null=True, blank=True, help_text="credited at safe, then taken out by a reorg"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["network", "tx_hash", "position"], name="deposit_identity"
            ),
            models.CheckConstraint(
                condition=Q(amount_micro__gt=0, position__gte=0, block_number__gte=0),
                name="deposit_positive",
            ),
            models.CheckConstraint(
                condition=Q(tx_hash__regex=HASH, block_hash__regex=HASH), name="deposit_hashes"
            ),
            models.CheckConstraint(
                condition=Q(state="credited", credited_at__isnull=False)
                | (~Q(state="credited") & Q(credited_at__isnull=True)),
                name="deposit_credited_when",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="deposit_recent"),
            models.Index(
                fields=["network", "block_number"],
                condition=Q(final_at__isnull=True),
                name="deposit_not_final",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="deposit_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="deposit_credited_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state="credited") & ~pgtrigger.Q(new__state="credited"),
            ),
            pgtrigger.Protect(
                name="deposit_identity_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("network", "tx_hash", "position"),
            ),
            # until it is credited, what one node said of it may turn out to be a lie
            pgtrigger.Protect(
                name="deposit_credited_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.state = 'credited' AND (OLD.amount_micro, OLD.user_id, OLD.address_id)"
                    " IS DISTINCT FROM (NEW.amount_micro, NEW.user_id, NEW.address_id)"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"deposit {self.public_id}"

    @property
    def public_id(self) -> str:
        """The name of the deposit outside."""
        return public_id(PREFIX, self.pk)

    @property
    def ref(self) -> str:
        """The reference of the ledger's transfer: the identity itself."""
        return f"{self.network.chain_id}:{self.tx_hash}:{self.position}"
