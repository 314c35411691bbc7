"""A market that somebody proposes, with its first contribution set aside until staff decide."""

from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from exchange import clock
from exchange.ids import public_id
from exchange.models import Hold, Market

PREFIX = "req"
WORDS = ("name", "slug", "ticker", "unit", "question", "summary", "rules", "topic")


class MarketRequest(models.Model):
    """One proposal. Its words never change; its state leaves `pending` once and stays."""

    class State(models.TextChoices):
        """Where a request stands."""

        PENDING = "pending"
        APPROVED = "approved"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"

    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="market_requests"
    )
    key = models.CharField(max_length=64, help_text="the requester's own; it can act only once")
    digest = models.BinaryField(max_length=32, help_text="of what was asked under the key")

    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=60)
    ticker = models.CharField(max_length=12)
    unit = models.CharField(max_length=60)
    question = models.CharField(max_length=240)
    summary = models.TextField()
    rules = models.TextField()
    topic = models.CharField(max_length=40)
    parameters: Any = models.JSONField(
        default=dict, help_text="those that differ from the defaults, as decimal text"
    )
    brief: Any = models.JSONField(help_text="what the oracle should read")
    differs = models.TextField(blank=True, help_text="how it differs from what is near to it")

    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, related_name="market_request")
    stake_micro = models.BigIntegerField(help_text="the first contribution, set aside")
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    reason = models.CharField(max_length=200, blank=True, help_text="of the decision")
    market = models.OneToOneField(
        Market, null=True, blank=True, on_delete=models.PROTECT, related_name="request"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="decided_requests",
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["requester", "key"], name="market_request_once"),
            models.UniqueConstraint(
                fields=["slug"], condition=Q(state="pending"), name="market_request_slug"
            ),
            models.UniqueConstraint(
                fields=["ticker"], condition=Q(state="pending"), name="market_request_ticker"
            ),
            models.CheckConstraint(condition=Q(stake_micro__gt=0), name="market_request_stake"),
            models.CheckConstraint(
                condition=Q(state="approved", market__isnull=False)
                | (~Q(state="approved") & Q(market__isnull=True)),
                name="market_request_approved_has_market",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", decided_at__isnull=True)
                | (~Q(state="pending") & Q(decided_at__isnull=False)),
                name="market_request_decided_when_not_pending",
            ),
        ]
        indexes = [
            models.Index(fields=["requester", "-id"], name="market_request_recent"),
            models.Index(fields=["state", "id"], name="market_request_state"),
        ]
        triggers = [
            pgtrigger.Protect(name="market_request_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="market_request_decided_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__decided_at__isnull=False),
            ),
            pgtrigger.Protect(
                name="market_request_words_stay",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    *WORDS, "parameters", "brief", "differs", "requester", "stake_micro", "hold"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"request “{self.name}”"

    @property
    def public_id(self) -> str:
        """The name of the request outside."""
        return public_id(PREFIX, self.pk)

    @property
    def stake_key(self) -> str:
        """The key under which the stake becomes the first contribution, once."""
        return f"stake:{self.public_id}"
