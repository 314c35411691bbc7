"""Which version of a specification was let at a market, on which card, and cards in the making."""

import pgtrigger
from django.db import models
from django.db.models import Q

from exchange import clock
from exchange.models import User
from oracle.models.cards import Card
from oracle.models.specs import OracleSpec


class Activation(models.Model):
    """A version that began to be followed: on its report card, or by a recorded exception."""

    spec = models.ForeignKey(OracleSpec, on_delete=models.PROTECT, related_name="activations")
    card = models.ForeignKey(
        Card, on_delete=models.PROTECT, related_name="activations", null=True, blank=True
    )
    waived = models.CharField(max_length=200, blank=True, help_text="why it needed no card")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(card__isnull=False) | ~Q(waived=""), name="activation_has_its_reason"
            )
        ]
        triggers = [
            pgtrigger.Protect(
                name="activation_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.spec} since {self.at:%Y-%m-%d %H:%M}"


class Backtest(models.Model):
    """A card that was asked for: any worker plays it, and shows how far it is."""

    class State(models.TextChoices):
        """Where it stands."""

        QUEUED = "queued"
        PLAYING = "playing"
        DONE = "done"
        FAILED = "failed"

    spec = models.ForeignKey(OracleSpec, on_delete=models.PROTECT, related_name="backtests")
    from_at = models.DateTimeField()
    to_at = models.DateTimeField()
    step_s = models.PositiveIntegerField(default=86_400)
    horizon_s = models.PositiveIntegerField(default=86_400)
    state = models.CharField(max_length=7, choices=State.choices, default=State.QUEUED)
    played = models.PositiveIntegerField(default=0, help_text="runs so far")
    runs = models.PositiveIntegerField(help_text="runs in all")
    attempt = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True)
    card = models.ForeignKey(
        Card, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    asked_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    asked_at = models.DateTimeField(default=clock.now)

    class Meta:
        triggers = [pgtrigger.Protect(name="backtest_kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"backtest of {self.spec}, {self.played} of {self.runs}"
