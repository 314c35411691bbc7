"""What a person has in a market: a net position, and a stake in its pool.

Both are changed by settlement only.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q

from exchange.models.markets import Market


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

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "user"], name="position_unique"),
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
