"""Double entry in integer micro-USDC. Written by services/ledger.py and by nothing else."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from exchange import clock
from exchange.models.markets import Market


class AccountKind(models.TextChoices):
    """Whose money and what for; the market's own kinds have no user.

    Play money has kinds of its own for everything, so that no sum over kinds of real money can
    meet it by mistake. It is issued by its market, and all of it together is zero.
    """

    CASH = "cash"
    RESERVED = "reserved"
    ESCROW = "escrow"
    POOL = "pool"
    FUNDING = "funding"
    LP_FEES = "lp_fees"
    INSURANCE = "insurance"
    TREASURY = "treasury"
    FEES = "fees"
    SEIGNIORAGE = "seigniorage"
    GAS = "gas"
    GAS_SPENT = "gas_spent"
    PAIRS = "pairs"
    EXTERNAL = "external"
    PLAY_CASH = "play_cash"
    PLAY_RESERVED = "play_reserved"
    PLAY_POOL = "play_pool"
    PLAY_FEES = "play_fees"
    PLAY_SEIGNIORAGE = "play_seigniorage"
    PLAY_GAS = "play_gas"
    PLAY_PAIRS = "play_pairs"
    PLAY_ISSUE = "play_issue"


# Where money comes from: what has left these is what everybody else has.
SOURCES = (AccountKind.EXTERNAL, AccountKind.PLAY_ISSUE)


class Account(models.Model):
    """A balance: the cached sum of its entries up to `version`, with the hash of the last one."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="accounts"
    )
    market = models.ForeignKey(Market, null=True, on_delete=models.PROTECT, related_name="accounts")
    kind = models.CharField(max_length=20, choices=AccountKind.choices)
    balance_micro = models.BigIntegerField(default=0)
    version = models.BigIntegerField(default=0)
    head = models.BinaryField(max_length=32, default=b"")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "market", "kind"], nulls_distinct=False, name="account_unique"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=("external", "play_issue")) | Q(balance_micro__gte=0),
                name="account_not_negative",
            ),
        ]

    def __str__(self) -> str:
        owner = f" user {self.user_id}" if self.user_id else ""
        place = f" market {self.market_id}" if self.market_id else ""
        return f"{self.kind}{owner}{place}"


class Transfer(models.Model):
    """One economic fact; `(kind, ref)` makes sure it is booked once however often code runs."""

    kind = models.CharField(max_length=16)
    ref = models.CharField(max_length=80)
    market = models.ForeignKey(
        Market, null=True, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "ref"], name="transfer_once")]
        triggers = [
            pgtrigger.Protect(
                name="transfer_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}"


class Entry(models.Model):
    """One leg of a transfer, chained by hash to the entry before it on the same account."""

    # Foreign keys without constraint: they are the largest removable cost of a bulk insert.
    # The audit proves what they would have promised.
    transfer = models.ForeignKey(
        Transfer, on_delete=models.PROTECT, related_name="entries", db_constraint=False
    )
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="entries",
        db_constraint=False,
        db_index=False,
    )
    version = models.BigIntegerField()
    amount_micro = models.BigIntegerField()
    balance_micro = models.BigIntegerField()
    command_seq = models.BigIntegerField(null=True)
    hash = models.BinaryField(max_length=32)

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(fields=["account", "version"], name="entry_version_unique"),
            models.CheckConstraint(condition=~Q(amount_micro=0), name="entry_not_zero"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="entry_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            # All entries of a transfer are written by one statement, so the sum can be checked
            # when that statement ends, once, and not row by row at the commit.
            pgtrigger.Trigger(
                name="transfer_sums_to_zero",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="written"),
                func="""
                IF EXISTS (SELECT 1 FROM written GROUP BY transfer_id
                           HAVING sum(amount_micro) <> 0) THEN
                    RAISE EXCEPTION 'the entries of a transfer do not sum to zero'
                        USING ERRCODE = 'check_violation';
                END IF;
                RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_micro} on account {self.account_id}"


class Hold(models.Model):
    """Cash set aside for one purpose; captured or voided exactly once."""

    class State(models.TextChoices):
        """A hold leaves `open` once and never comes back."""

        OPEN = "open"
        CAPTURED = "captured"
        VOIDED = "voided"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="holds"
    )
    ref = models.CharField(max_length=80, unique=True)
    amount_micro = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_micro__gt=0), name="hold_positive"),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True)
                | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="hold_closed_when_not_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.state}"
