"""What a reader's confidence is worth in one market, by what came true before. Kept for good."""

from typing import Any

import pgtrigger
from django.db import models

from exchange import clock
from exchange.models import Market
from oracle.models.specs import OracleSpec


class Calibration(models.Model):
    """From stated to shown confidence, as could be known at one instant. Append-only."""

    class Method(models.TextChoices):
        """How it was fitted; identity while there is too little to learn from."""

        IDENTITY = "identity", "identity: too few outcomes"
        PLATT = "platt", "Platt scaling"
        ISOTONIC = "isotonic", "isotonic regression"

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="calibrations")
    spec = models.ForeignKey(OracleSpec, on_delete=models.PROTECT, related_name="calibrations")
    reader = models.CharField(max_length=20)
    reader_version = models.CharField(max_length=80)
    method = models.CharField(max_length=8, choices=Method.choices)
    labels = models.PositiveIntegerField(
        help_text="outcomes that were known; many claims share one"
    )
    claims = models.PositiveIntegerField(help_text="claims with an outcome")
    points: Any = models.JSONField(help_text="[stated, shown] in 1e-8, between which lines run")
    known_until = models.DateTimeField(help_text="nothing that came out later was looked at")
    sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["spec", "reader", "reader_version", "known_until"], name="calibration_once"
            )
        ]
        triggers = [
            pgtrigger.Protect(
                name="calibration_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.method} of {self.reader} in {self.market} by {self.known_until:%Y-%m-%d}"
