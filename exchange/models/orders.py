"""The command log of a market, the fills that came of it, and what rests until its time comes."""

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
        """What can be asked of a variable market, then of a session."""

        BUY = "buy"
        SELL = "sell"
        LIMIT = "limit"
        TARGETS = "targets"
        TIMED_EXIT = "timed_exit"
        CANCEL = "cancel"
        ADD_COLLATERAL = "add_collateral"
        REMOVE_COLLATERAL = "remove_collateral"
        CONTRIBUTE = "contribute"
        WITHDRAW = "withdraw"
        QUEUE_WITHDRAWAL = "queue_withdrawal"
        CLAIM = "claim"
        REFUND = "refund"
        ORACLE = "oracle"
        HEARTBEAT = "heartbeat"
        PROCESS_QUEUE = "process_queue"
        WIND_DOWN = "wind_down"
        SETTLE = "settle"
        RECALIBRATE = "recalibrate"
        ORDER = "order"
        GATE = "gate"
        ELIMINATE = "eliminate"
        RESOLVE = "resolve"

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
    kind = models.CharField(max_length=20, choices=Kind.choices)
    key = models.CharField(max_length=64)
    request_hash = models.BinaryField(max_length=32)
    payload = models.JSONField()
    accepted = models.BooleanField(null=True)
    result = models.JSONField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    settled_s = models.BigIntegerField(null=True, help_text="the market's clock of its batch")
    barred = models.JSONField(
        null=True,
        help_text="whose opens were barred in the batch; on its first command, for replay",
    )

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
    escrow_micro = models.BigIntegerField(default=0, help_text="change of the trader's escrow")
    penalty_micro = models.BigIntegerField(default=0, help_text="liquidation fee")
    cause = models.CharField(max_length=8, default="command", help_text="what brought it about")
    ref = models.BigIntegerField(default=0, help_text="the resting order or position it served")

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


class RestingOrder(models.Model):
    """What waits in a market: limit orders, committed opens, timed exits, queued withdrawals.

    `item` is the engine's own value; the columns beside it are what it is found by. `place` names
    the index that it waits in and `level` its place there: the lower, the nearer.
    """

    class Kind(models.TextChoices):
        """What can rest (spec, sections 12, 13 and 16)."""

        LIMIT = "limit"
        COMMIT = "commit"
        EXIT = "exit"
        WITHDRAWAL = "withdrawal"

    class Status(models.TextChoices):
        """An item leaves `open` once and never comes back."""

        OPEN = "open"
        FILLED = "filled"
        CANCELLED = "cancelled"
        EXPIRED = "expired"
        FAILED = "failed"

    market = models.ForeignKey(
        Market,
        on_delete=models.PROTECT,
        related_name="resting",
        db_constraint=False,
        db_index=False,
    )
    ref = models.BigIntegerField(help_text="the engine's number; the lower, the older")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="resting",
        db_constraint=False,
        db_index=False,
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    status = models.CharField(max_length=9, choices=Status.choices)
    place = models.CharField(max_length=12)
    level = models.DecimalField(max_digits=38, decimal_places=0)
    reserved_micro = models.BigIntegerField(default=0)
    item = models.JSONField()
    asked = models.JSONField(help_text="the item as it was when it was placed")
    placed_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "ref"], name="resting_order_unique"),
            models.CheckConstraint(
                condition=models.Q(reserved_micro__gte=0), name="resting_reserve_not_negative"
            ),
            models.CheckConstraint(
                condition=models.Q(status="open") | models.Q(reserved_micro=0),
                name="resting_reserve_of_open",
            ),
        ]
        indexes = [
            models.Index(
                fields=["market", "place", "level", "ref"],
                condition=models.Q(status="open"),
                name="resting_order_front",
            ),
            models.Index(
                fields=["place", "level"],
                condition=models.Q(status="open", place__in=("exits", "commits", "queue")),
                name="resting_order_due",
            ),
            models.Index(fields=["user", "-id"], name="resting_order_of_user"),
            models.Index(
                fields=["user", "market"],
                condition=models.Q(status="open"),
                name="resting_order_open",
            ),
        ]
        triggers = [pgtrigger.Protect(name="resting_never_deleted", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.kind} {self.market_id}/{self.ref} {self.status}"
