"""What an outcome market's batches leave: orders, executions and ticks."""

from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from exchange.models.markets import Market

RESTS = Q(status__in=("open", "partial"), joined__gt=0)


class OutcomeOrder(models.Model):
    """One order that was taken, as the engine has left it; `ref` is the number of its command.

    `level` and `joined` are its place on its side of the book: the lower, the sooner.
    """

    class Status(models.TextChoices):
        """What has become of it."""

        OPEN = "open"
        PARTIAL = "partial"
        FILLED = "filled"
        CANCELLED = "cancelled"

    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    ref = models.BigIntegerField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="outcome_orders",
        db_constraint=False,
        db_index=False,
    )
    token = models.SmallIntegerField()
    buys = models.BooleanField()
    size_micro = models.BigIntegerField()
    price_micro = models.BigIntegerField(null=True, help_text="empty for a market order")
    auto_fill = models.BooleanField()
    status = models.CharField(max_length=9, choices=Status.choices)
    remaining_micro = models.BigIntegerField()
    reserve_micro = models.BigIntegerField(help_text="what is left of its fee reserve")
    amount_micro = models.BigIntegerField(help_text="paid or received for tokens, before fees")
    fee_micro = models.BigIntegerField()
    rebate_micro = models.BigIntegerField()
    gas_micro = models.BigIntegerField()
    joined = models.BigIntegerField(help_text="place in its pool; 0: it never rested")
    level = models.BigIntegerField()
    placed_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "ref"], name="outcome_order_unique"),
            models.CheckConstraint(
                condition=Q(remaining_micro__gte=0, reserve_micro__gte=0),
                name="outcome_order_not_negative",
            ),
        ]
        indexes = [
            models.Index(
                fields=["market", "token", "buys", "level", "joined"],
                condition=RESTS,
                name="outcome_order_front",
            ),
            models.Index(fields=["market", "user", "-id"], name="outcome_order_of_user"),
        ]
        triggers = [
            pgtrigger.Protect(name="outcome_order_never_deleted", operation=pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"order {self.market_id}/{self.ref} {self.status}"


class OutcomeFill(models.Model):
    """One execution of one leg; a side without a user is the market maker (engine's `Fill`)."""

    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    batch_seq = models.BigIntegerField()
    fill_no = models.IntegerField(help_text="place in its batch")
    at = models.DateTimeField()
    seq = models.BigIntegerField(help_text="the command that brought it about")
    kind = models.CharField(max_length=8)
    token = models.SmallIntegerField()
    buyer = models.BigIntegerField(null=True)
    seller = models.BigIntegerField(null=True)
    buy_order = models.BigIntegerField(null=True)
    sell_order = models.BigIntegerField(null=True)
    size_micro = models.BigIntegerField()
    amount_micro = models.BigIntegerField()
    price_pico = models.BigIntegerField()
    fee_micro = models.BigIntegerField()
    other_fee_micro = models.BigIntegerField()
    maker_micro = models.BigIntegerField()
    rebate_micro = models.BigIntegerField()
    seigniorage_micro = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["market", "batch_seq", "fill_no"], name="outcome_fill_unique"
            )
        ]
        indexes = [
            models.Index(
                fields=["market", "buyer"],
                condition=Q(buyer__isnull=False),
                name="outcome_fill_of_buyer",
            ),
            models.Index(
                fields=["market", "seller"],
                condition=Q(seller__isnull=False),
                name="outcome_fill_of_seller",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="outcome_fill_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.size_micro} of token {self.market_id}/{self.token}"


class OutcomeTick(models.Model):
    """A session after one batch. `number` is the tick of its clock, `seq` the batch.

    A tick in which nothing happened leaves no row: what held at tick n is the newest row whose
    number is at most n. Both numbers rise, `seq` without a gap.
    """

    market = models.ForeignKey(
        Market,
        on_delete=models.PROTECT,
        related_name="outcome_ticks",
        db_constraint=False,
        db_index=False,
    )
    seq = models.BigIntegerField()
    number = models.BigIntegerField()
    t_ms = models.BigIntegerField(help_text="milliseconds since the start of the session")
    at = models.DateTimeField()
    status = models.CharField(max_length=12)
    prices: Any = models.JSONField(help_text="YES and NO of each outcome in 1e-12; null: gone")
    z_e9 = models.BigIntegerField()
    backing = models.DecimalField(max_digits=60, decimal_places=0)
    redemption_micro = models.BigIntegerField()
    pool_micro = models.BigIntegerField()
    pairs_micro = models.BigIntegerField()
    fees_micro = models.BigIntegerField()
    seigniorage_micro = models.BigIntegerField()
    gas_micro = models.BigIntegerField()
    risk_micro = models.BigIntegerField()
    profit_micro = models.BigIntegerField()
    volume_micro = models.BigIntegerField(help_text="of this batch")
    volume_sum_micro = models.BigIntegerField(
        db_default=0, editable=False, help_text="of all batches so far; kept by the database"
    )
    report: Any = models.JSONField(
        null=True, help_text="section 11 in its units as text: see `selectors.outcome.reports`"
    )
    commands = models.IntegerField()
    fills = models.IntegerField()
    state_hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "seq"], name="outcome_tick_seq_unique"),
            models.UniqueConstraint(fields=["market", "number"], name="outcome_tick_once"),
        ]
        triggers = [
            # So that a drawing reads as many ticks as it has points, however long a session was.
            pgtrigger.Trigger(
                name="outcome_tick_volume_sum",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("before_micro", "bigint")],
                func="""
                SELECT volume_sum_micro INTO before_micro FROM exchange_outcometick
                 WHERE market_id = NEW.market_id AND seq = NEW.seq - 1;
                NEW.volume_sum_micro := coalesce(before_micro, 0) + NEW.volume_micro;
                RETURN NEW;
                """,
            ),
            pgtrigger.Protect(
                name="outcome_tick_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
        ]

    def __str__(self) -> str:
        return f"tick {self.market_id}/{self.number}"
