"""The command log of a market and the fills that came of it. Append-only, replayable."""

import pgtrigger
from django.conf import settings
from django.db import models

from exchange import clock
from exchange.models.markets import Market


class Command(models.Model):
    """One request to a market in the order it was taken, with the answer it got.

    The log plus the specification replays every state. `key` makes a retry find the first answer.
    """

    class Kind(models.TextChoices):
        """What can be asked of a variable market."""

        BUY = "buy"
        SELL = "sell"
        CONTRIBUTE = "contribute"
        CLAIM = "claim"
        REFUND = "refund"
        ORACLE = "oracle"
        HEARTBEAT = "heartbeat"

    market = models.ForeignKey(
        Market,
        on_delete=models.PROTECT,
        related_name="commands",
        db_constraint=False,
        db_index=False,
    )
    seq = models.BigIntegerField(null=True, help_text="empty until a batch takes it")
    batch_seq = models.BigIntegerField(null=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="commands",
        db_constraint=False,
        db_index=False,
    )
    kind = models.CharField(max_length=12, choices=Kind.choices)
    key = models.CharField(max_length=64)
    request_hash = models.BinaryField(max_length=32)
    payload = models.JSONField()
    accepted = models.BooleanField(null=True)
    result = models.JSONField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    settled_s = models.BigIntegerField(null=True, help_text="the market's clock of its batch")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "seq"], name="command_seq_unique"),
            models.UniqueConstraint(
                fields=["market", "user", "key"], nulls_distinct=False, name="command_once"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="command_of_user"),
            models.Index(
                fields=["market", "id"],
                condition=models.Q(batch_seq__isnull=True),
                name="command_waiting",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="command_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="command_settled_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__batch_seq__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.market_id}/{self.seq}"


class Fill(models.Model):
    """One execution of one leg of an order against the curve."""

    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="fills", db_constraint=False, db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="fills",
        db_constraint=False,
        db_index=False,
    )
    command_seq = models.BigIntegerField()
    leg_no = models.SmallIntegerField()
    batch_seq = models.BigIntegerField()
    side = models.CharField(max_length=4)
    leg = models.CharField(max_length=12)
    shares_nano = models.BigIntegerField()
    value_micro = models.BigIntegerField(help_text="the value along the curve, before fees")
    fee_micro = models.BigIntegerField()
    surcharge_micro = models.BigIntegerField()
    lp_fee_micro = models.BigIntegerField(help_text="the providers' part of the fee")
    price_pico = models.DecimalField(max_digits=38, decimal_places=0)
    realised_micro = models.BigIntegerField()
    market_pico = models.DecimalField(
        max_digits=38, decimal_places=0, help_text="market price after the fill"
    )
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["market", "command_seq", "leg_no"], name="fill_leg_unique"
            )
        ]
        indexes = [models.Index(fields=["user", "-id"], name="fill_of_user")]
        triggers = [
            pgtrigger.Protect(
                name="fill_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.shares_nano} in market {self.market_id}"
