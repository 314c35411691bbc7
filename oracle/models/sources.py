"""Where the oracle reads: sources with their health, their last answers, and what they cost."""

from typing import Any

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from exchange import clock
from exchange.models import Market


class Source(models.Model):
    """One place the oracle may read, how it is doing, and how often it may be asked."""

    class Kind(models.TextChoices):
        """The file under oracle/sources/ that speaks to it."""

        ARCHIVE = "archive", "archive of dated rows"
        RSS = "rss", "RSS or Atom feed"
        SERPER = "serper", "Serper search"
        GDELT = "gdelt", "GDELT"
        HACKER_NEWS = "hackernews", "Hacker News search"
        FRED = "fred", "FRED"
        OPEN_METEO = "openmeteo", "Open-Meteo"
        GITHUB = "github", "GitHub commits"
        NPM = "npm", "npm downloads"
        PYPI = "pypi", "PyPI downloads"
        WIKIPEDIA = "wikipedia", "Wikipedia page views"
        CHAIN = "chain", "chain observations"

    name = models.SlugField(unique=True, max_length=40)
    label = models.CharField(max_length=80, help_text="as readers of the site see it")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    options: Any = models.JSONField(
        default=dict, blank=True, help_text="what the kind asks for: a file and its epoch, or a URL"
    )
    hosts = ArrayField(
        models.CharField(max_length=253),
        default=list,
        blank=True,
        help_text="the only hosts this source may connect to",
    )
    requests_per_day_max = models.PositiveIntegerField(default=2_000)
    cost_micro = models.PositiveBigIntegerField(default=0, help_text="micro-USD for one request")
    is_enabled = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0, help_text="in a row")
    retry_at = models.DateTimeField(null=True, blank=True, help_text="left alone until then")
    last_ok_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.label or self.name


class CachedAnswer(models.Model):
    """A source's last answer to one request: markets share it, and can ask if it changed."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="answers")
    request_sha256 = models.BinaryField(max_length=32)
    etag = models.CharField(max_length=200, blank=True)
    last_modified = models.CharField(max_length=60, blank=True)
    fetched_at = models.DateTimeField()
    items: Any = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "request_sha256"], name="cached_answer_once")
        ]

    def __str__(self) -> str:
        return f"answer of {self.source_id} at {self.fetched_at:%Y-%m-%d %H:%M:%S}"


class CostEntry(models.Model):
    """What was asked of a source for a market, and what it cost. Append-only."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="costs")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(
        "oracle.Run", on_delete=models.PROTECT, related_name="costs", null=True, blank=True
    )
    requests = models.PositiveIntegerField(default=1)
    cost_micro = models.PositiveBigIntegerField(default=0, help_text="micro-USD")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "cost entries"
        indexes = [
            models.Index(fields=["source", "at"], name="cost_of_source"),
            models.Index(fields=["market", "at"], name="cost_of_market"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="cost_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.requests} requests to {self.source_id} for market {self.market_id}"


class Observation(models.Model):
    """One published number: for when it holds, and when the world could first know it."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="observations")
    series = models.CharField(max_length=80)
    value_pico = models.DecimalField(max_digits=38, decimal_places=0)
    unit = models.CharField(max_length=40)
    observed_at = models.DateTimeField(help_text="the instant the number is about")
    released_at = models.DateTimeField(help_text="before this nobody may use it")
    fetched_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "series", "observed_at", "released_at"], name="observation_once"
            ),
            models.CheckConstraint(
                condition=Q(released_at__gte=models.F("observed_at")),
                name="observation_released_after",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="observation_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.series} of {self.observed_at:%Y-%m-%d}"
