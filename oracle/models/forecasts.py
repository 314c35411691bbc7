"""What outside programs say about a market, who may say it, and which runs used it."""

from typing import Any

import pgtrigger
from django.db import models
from django.db.models import Q

from exchange import clock
from exchange.ids import public_id
from exchange.models import Market, User

PREFIX = "fc"
_FROZEN = pgtrigger.Update | pgtrigger.Delete


class Forecaster(models.Model):
    """Somebody whose programs may hand in reports. Granted, and taken away, by staff."""

    user = models.OneToOneField(
        User, primary_key=True, on_delete=models.PROTECT, related_name="forecaster"
    )
    name = models.CharField(max_length=60, help_text="as everybody sees it")
    is_active = models.BooleanField(default=True)
    granted_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name


class Forecast(models.Model):
    """One report of an outside program: a change of F, how sure it is, until when. Append-only."""

    forecaster = models.ForeignKey(Forecaster, on_delete=models.PROTECT, related_name="forecasts")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="forecasts")
    key = models.CharField(max_length=64, help_text="the caller's own, so that twice is once")
    request_sha256 = models.CharField(max_length=64)
    delta_pico = models.BigIntegerField(help_text="relative change against F, 1e-12")
    confidence_e8 = models.IntegerField()
    stories: Any = models.JSONField(default=list, help_text="the stories it names as its reasons")
    made_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["forecaster", "key"], name="forecast_key_once"),
            models.CheckConstraint(
                condition=Q(confidence_e8__gte=0, confidence_e8__lte=10**8),
                name="forecast_confidence_sane",
            ),
        ]
        indexes = [models.Index(fields=["market", "-id"], name="forecast_recent")]
        triggers = [pgtrigger.Protect(name="forecast_append_only", operation=_FROZEN)]

    def __str__(self) -> str:
        return f"{self.forecaster} on {self.market} at {self.made_at:%Y-%m-%d %H:%M}"

    @property
    def public_id(self) -> str:
        """The name of the forecast outside."""
        return public_id(PREFIX, self.pk)


class UsedForecast(models.Model):
    """A forecast that an accepted event was made with: it never moves the market again."""

    forecast = models.OneToOneField(
        Forecast, primary_key=True, on_delete=models.PROTECT, related_name="used"
    )
    run = models.ForeignKey("oracle.Run", on_delete=models.PROTECT, related_name="forecasts")

    class Meta:
        triggers = [pgtrigger.Protect(name="used_forecast_append_only", operation=_FROZEN)]

    def __str__(self) -> str:
        return f"forecast {self.forecast_id} in run {self.run_id}"
