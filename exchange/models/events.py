"""What happened, for those who listen: the outbox to browsers, and the public log of rules."""

import pgtrigger
from django.conf import settings
from django.db import models

from exchange import clock
from exchange.models.markets import Market


class OutboxEvent(models.Model):
    """One batch's news, written with the batch and deleted once it is published."""

    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    seq = models.BigIntegerField(help_text="the batch, so that a client sees gaps")
    public = models.JSONField(help_text="what everybody may see")
    private = models.JSONField(default=dict, help_text="by user id: own fills and balance")
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"news {self.market_id}/{self.seq}"


class MarketEvent(models.Model):
    """A rule that fired or a step of the lifecycle, shown on the market's page."""

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=24)
    rule = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["market", "-id"], name="market_event_recent")]
        triggers = [
            pgtrigger.Protect(
                name="market_event_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} in market {self.market_id}"


class StaffAction(models.Model):
    """What a member of staff did, to what, and why. Nobody can edit it."""

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="staff_actions"
    )
    verb = models.CharField(max_length=40)
    target = models.CharField(max_length=80)
    reason = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        triggers = [
            pgtrigger.Protect(
                name="staff_action_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.target}"
