"""A market: what it is (Market, rarely written) and where it stands (LiveState, the hot row)."""

from typing import Any

from django.db import models

from exchange import clock


class Market(models.Model):
    """One tradable variable, or the outcomes of one session, as people read about it."""

    class Kind(models.TextChoices):
        """Which engine settles it."""

        VARIABLE = "variable"
        OUTCOME = "outcome"

    class Status(models.TextChoices):
        """The lifecycle of a variable market (spec, section 6), then that of a session.

        They share no word, so that who looks for markets of one kind by their status never meets
        the other.
        """

        FUNDING = "funding"
        ACTIVE = "active"
        WINDING = "winding"
        SETTLED = "settled"
        CANCELLED = "cancelled"
        DRAFT = "draft"
        LOBBY = "lobby"
        RUNNING = "running"
        ENDED = "ended"
        RESOLVED = "resolved"
        CLOSED = "closed"

    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.VARIABLE)
    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(max_length=80)
    ticker = models.CharField(max_length=12, unique=True)
    unit = models.CharField(max_length=60, help_text="what one unit of the price stands for")
    question = models.CharField(max_length=240, help_text="what does a rise of this market mean?")
    summary = models.TextField()
    rules = models.TextField()
    topic = models.CharField(max_length=40)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.FUNDING)
    config = models.JSONField(help_text="the engine's parameters, frozen at activation")
    recalibrates = models.BooleanField(
        default=False, help_text="the slope follows the pool by at most a tenth a day"
    )
    brief: Any = models.JSONField(
        default=dict, blank=True, help_text="what its requester wants the oracle to read"
    )
    is_demo = models.BooleanField(default=False, help_text="invented news; labelled on every page")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    activated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class LiveState(models.Model):
    """The engine's state of one market and its counters; the row that a settlement locks."""

    market = models.OneToOneField(
        Market, primary_key=True, on_delete=models.PROTECT, related_name="live"
    )
    command_seq = models.BigIntegerField(default=0)
    batch_seq = models.BigIntegerField(default=0)
    state: Any = models.JSONField()
    state_hash = models.BinaryField(max_length=32)
    last_tick: Any = models.JSONField(default=dict, help_text="the newest tick as it was published")
    halt_rule = models.CharField(max_length=24, blank=True)
    halt_since = models.DateTimeField(null=True, blank=True)
    reduce_only_reason = models.CharField(max_length=200, blank=True)
    reduce_only_since = models.DateTimeField(null=True, blank=True)
    pause_rule = models.CharField(max_length=24, blank=True, help_text="why opens are paused")
    pause_since_s = models.BigIntegerField(default=0)
    pause_until_s = models.BigIntegerField(default=0)
    recent: Any = models.JSONField(
        default=list, help_text="market price by second over the last minute, for the breaker"
    )
    pool_sums: Any = models.JSONField(
        default=dict, help_text="what a unit has gained since the start, by cause, in 1e-18 micro"
    )
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "live state"

    def __str__(self) -> str:
        return f"state of market {self.market_id} after batch {self.batch_seq}"
