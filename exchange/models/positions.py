"""What a person has in a market: a net position, and a stake in its pool.

Both are changed by settlement only.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from exchange.models.markets import Market

# What a provider's units gain or lose by, beside fees; the rest is inventory.
CAUSES = ("surcharges", "oracle")


class Position(models.Model):
    """One net position per user and market: positive shares are long, negative short."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="positions"
    )
    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="positions", db_index=False
    )
    shares_nano = models.BigIntegerField(default=0)
    entry_micro = models.BigIntegerField(default=0, help_text="cost of a long, proceeds of a short")
    escrow_micro = models.BigIntegerField(default=0)
    realised_micro = models.BigIntegerField(default=0)
    opened_s = models.BigIntegerField(default=0)
    ref = models.BigIntegerField(default=0, help_text="the engine's number; the lower, the older")
    stop_pico = models.DecimalField(max_digits=38, decimal_places=0, null=True)
    target_pico = models.DecimalField(max_digits=38, decimal_places=0, null=True)
    exit_ref = models.BigIntegerField(default=0, help_text="the timed exit that is closing it")
    parked = models.BooleanField(
        default=False, help_text="limit orders may be waiting for it to change sides"
    )
    margin_key = models.DecimalField(
        max_digits=60,
        decimal_places=0,
        null=True,
        help_text="escrow per share of a short, in 1e-36: the lowest is liquidated first",
    )

    class Meta:
        # The engine reads the front of each of these and nothing else, however many rows there are.
        indexes = [
            models.Index(
                fields=["market", "margin_key", "ref"],
                condition=Q(shares_nano__lt=0),
                name="position_shorts",
            ),
            models.Index(
                fields=["market", "ref"], condition=Q(shares_nano__gt=0), name="position_longs"
            ),
            models.Index(
                fields=["market", "-stop_pico", "ref"],
                condition=Q(shares_nano__gt=0, stop_pico__isnull=False),
                name="position_long_stops",
            ),
            models.Index(
                fields=["market", "stop_pico", "ref"],
                condition=Q(shares_nano__lt=0, stop_pico__isnull=False),
                name="position_short_stops",
            ),
            models.Index(
                fields=["market", "target_pico", "ref"],
                condition=Q(shares_nano__gt=0, target_pico__isnull=False),
                name="position_long_targets",
            ),
            models.Index(
                fields=["market", "-target_pico", "ref"],
                condition=Q(shares_nano__lt=0, target_pico__isnull=False),
                name="position_short_targets",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["market", "user"], name="position_unique"),
            models.CheckConstraint(
                condition=Q(shares_nano__gte=0) | Q(margin_key__isnull=False),
                name="short_has_margin_key",
            ),
            models.CheckConstraint(
                condition=Q(entry_micro__gte=0, escrow_micro__gte=0), name="position_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(shares_nano__lt=0) | Q(escrow_micro=0), name="escrow_only_of_shorts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shares_nano} of market {self.market_id}"


class Stake(models.Model):
    """A provider's units in one market's pool, with the vesting cohorts and the fees owed."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="stakes"
    )
    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="stakes", db_index=False
    )
    units_nano = models.BigIntegerField(default=0)
    locked_nano = models.BigIntegerField(default=0)
    cohorts = models.JSONField(default=list)
    acc_paid = models.DecimalField(max_digits=78, decimal_places=0, default=0)
    owed = models.DecimalField(max_digits=78, decimal_places=0, default=0)
    claimed_micro = models.BigIntegerField(default=0)
    contributed_micro = models.BigIntegerField(default=0)
    withdrawn_micro = models.BigIntegerField(default=0)
    gained: Any = models.JSONField(
        default=dict, help_text="what its units gained, by cause, and the sums this was read at"
    )
    instant_day = models.IntegerField(default=0, help_text="day since the epoch")
    instant_nano = models.BigIntegerField(default=0, help_text="units burned at once on that day")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "user"], name="stake_unique"),
            models.CheckConstraint(
                condition=Q(units_nano__gte=0, locked_nano__gte=0)
                & Q(locked_nano__lte=models.F("units_nano")),
                name="stake_units_sane",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.units_nano} units of market {self.market_id}"
