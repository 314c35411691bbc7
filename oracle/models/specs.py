"""What a market's oracle is told to do, version by version, and when it does it next."""

from typing import Any

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from exchange import clock
from exchange.models import Market

INTERVAL_S_MIN, INTERVAL_S_MAX = 120, 1800
_INTERVAL = [MinValueValidator(INTERVAL_S_MIN), MaxValueValidator(INTERVAL_S_MAX)]
# What the two words that stand for any verb of a direction are to a person.
PLAIN = {"UP": "going up", "DOWN": "going down"}


class OracleSpec(models.Model):
    """One version of a market's oracle. A change is a new one; runs name the one they followed."""

    class Kind(models.TextChoices):
        """Level where a published number exists, delta where there is only news."""

        DELTA = "delta"
        LEVEL = "level"

    class Fallback(models.TextChoices):
        """What happens when a source dies."""

        HOLD = "hold", "publish nothing until every source answers"
        REST = "rest", "go on with the seats that can still read, if they make a quorum"

    class Polarity(models.IntegerChoices):
        """What good news does to the variable."""

        RISES = 1, "good news lifts it"
        FALLS = -1, "good news lowers it"
        SILENT = 0, "only the direction words count"

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="oracle_specs")
    version = models.PositiveIntegerField(editable=False)
    question = models.CharField(max_length=240, help_text="what does a rise of this market mean?")
    unit = models.CharField(max_length=60)
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.DELTA)
    polarity = models.SmallIntegerField(choices=Polarity.choices, default=Polarity.RISES)
    rise_words: Any = models.JSONField(
        default=list,
        blank=True,
        help_text="phrases that mean a rise; UP and DOWN stand for any verb of that direction",
    )
    fall_words: Any = models.JSONField(default=list, blank=True)
    keywords: Any = models.JSONField(
        default=list, blank=True, help_text="words that make a story matter, as whole words"
    )
    queries: Any = models.JSONField(
        default=list, blank=True, help_text="1 to 10; every word must occur"
    )
    suffixes: Any = models.JSONField(
        default=list, blank=True, help_text="words of which each run adds one to a search"
    )
    sources: Any = models.JSONField(help_text='[{"source": name, "weight": "1.0"}, …]')
    panel: Any = models.JSONField(
        help_text='who votes: [{"seat": name, "reader": name, "sources": [name, …]}, …]'
    )
    mapping: Any = models.JSONField(
        default=dict,
        blank=True,
        help_text='level only: {"series", "slope", "base", "confidence"}, decimal text',
    )
    quorum = models.PositiveSmallIntegerField(help_text="the same as the market's own")
    interval_s = models.PositiveIntegerField(default=600, validators=_INTERVAL)
    interval_min_s = models.PositiveIntegerField(default=300, validators=_INTERVAL)
    interval_max_s = models.PositiveIntegerField(default=900, validators=_INTERVAL)
    lookback_s = models.PositiveIntegerField(default=172_800, help_text="how old news may be")
    daily_budget_micro = models.PositiveBigIntegerField(default=1_000_000, help_text="micro-USD")
    fallback = models.CharField(max_length=4, choices=Fallback.choices)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "version"], name="oracle_spec_version")
        ]
        triggers = [
            pgtrigger.Protect(
                name="oracle_spec_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.market} v{self.version}"

    @property
    def rise_phrases(self) -> list[str]:
        """Return what is read as a rise of the fundamental, in plain words."""
        return [_plain(phrase) for phrase in self.rise_words]

    @property
    def fall_phrases(self) -> list[str]:
        """Return what is read as a fall of the fundamental, in plain words."""
        return [_plain(phrase) for phrase in self.fall_words]


def _plain(phrase: str) -> str:
    return " ".join(PLAIN.get(word, word) for word in phrase.split())


class Schedule(models.Model):
    """When a market's oracle runs next, under which version, and whether somebody stopped it."""

    market = models.OneToOneField(
        Market, primary_key=True, on_delete=models.PROTECT, related_name="oracle_schedule"
    )
    spec = models.ForeignKey(OracleSpec, on_delete=models.PROTECT, related_name="+")
    interval_s = models.PositiveIntegerField(help_text="moves inside the specification's range")
    next_at = models.DateTimeField()
    runs = models.PositiveBigIntegerField(default=0, help_text="the number of the newest run")
    failures = models.PositiveIntegerField(default=0, help_text="in a row")
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_at"], condition=Q(paused_at=None), name="schedule_due")
        ]

    def __str__(self) -> str:
        return f"{self.market}: next at {self.next_at:%Y-%m-%d %H:%M:%S}"
