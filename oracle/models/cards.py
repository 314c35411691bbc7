"""Report cards: how right a market's oracle was over a period, kept for good."""

from typing import Any

import pgtrigger
from django.db import models

from exchange import clock
from exchange.ids import public_id
from exchange.models import Market
from oracle.models.specs import OracleSpec

PREFIX = "card"
_FROZEN = pgtrigger.Update | pgtrigger.Delete


class Card(models.Model):
    """One measurement of one specification over one period. Append-only."""

    class Origin(models.TextChoices):
        """Where the runs come from: a past that was played, or runs that really happened."""

        PLAYED = "played", "played through the past"
        LIVED = "lived", "from the runs that happened"

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="oracle_cards")
    origin = models.CharField(max_length=6, choices=Origin.choices, default=Origin.PLAYED)
    spec = models.ForeignKey(OracleSpec, on_delete=models.PROTECT, related_name="cards")
    from_at = models.DateTimeField()
    to_at = models.DateTimeField()
    step_s = models.PositiveIntegerField()
    horizon_s = models.PositiveIntegerField(help_text="after which F's own move is the outcome")
    versions: Any = models.JSONField(help_text="of the specification, the readers and the code")
    runs = models.PositiveIntegerField()
    applied = models.PositiveIntegerField()
    moved = models.PositiveIntegerField(help_text="runs that changed F")
    stories = models.PositiveIntegerField()
    stage_1_only = models.PositiveIntegerField(help_text="applied runs that asked no text model")
    labelled = models.PositiveIntegerField(default=0, help_text="runs that a person judged")
    cost_micro_day = models.PositiveBigIntegerField(
        help_text="micro-USD: as booked where it lived, at most where it was played"
    )
    latency_ms = models.PositiveIntegerField(help_text="the median of one run's reading")
    reports_sha256 = models.CharField(max_length=64, help_text="of every report of every run")
    path: Any = models.JSONField(help_text="[seconds, F, the number's level or nothing]")
    errors: Any = models.JSONField(
        default=list, help_text="[seconds, mean error, claims] over the period, in order"
    )
    stages: Any = models.JSONField(
        default=list, help_text="[seconds, events, those of stage 1 alone] over the period"
    )
    costs: Any = models.JSONField(
        default=list, help_text="[seconds, micro-USD a day, runs] over the period"
    )
    made_at = models.DateTimeField(default=clock.now)

    # Not kept: whoever reads cards for people sets it (oracle/selectors/cards.py).
    invented_news: bool = False

    class Meta:
        indexes = [models.Index(fields=["market", "-id"], name="card_recent")]
        triggers = [pgtrigger.Protect(name="card_append_only", operation=_FROZEN)]

    def __str__(self) -> str:
        return f"card of {self.market} from {self.from_at:%Y-%m-%d} to {self.to_at:%Y-%m-%d}"

    @property
    def public_id(self) -> str:
        """The name of the card outside."""
        return public_id(PREFIX, self.pk)


class CardRow(models.Model):
    """One line of a card: the claims of one seat, reader or source. Append-only."""

    class Of(models.TextChoices):
        """Whose claims. A source's are those made of the stories it told."""

        ALL = "all"
        SEAT = "seat"
        READER = "reader"
        SOURCE = "source"
        TOPIC = "topic"

    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="rows")
    of = models.CharField(max_length=6, choices=Of.choices)
    name = models.CharField(max_length=40, blank=True)
    claims = models.PositiveIntegerField()
    verdicts = models.PositiveIntegerField()
    agreed = models.PositiveIntegerField()
    judged = models.PositiveIntegerField()
    hits = models.PositiveIntegerField()
    hit_e8 = models.IntegerField(null=True)
    low_e8 = models.IntegerField(null=True)
    high_e8 = models.IntegerField(null=True)
    usual_e8 = models.IntegerField(null=True)
    brier_e8 = models.IntegerField(null=True)
    error_pico = models.BigIntegerField(null=True)
    crps_pico = models.BigIntegerField(null=True)
    zero_pico = models.BigIntegerField(null=True)
    bins: Any = models.JSONField(help_text="[count, hits, sum of confidences] by tenths")
    stated_brier_e8 = models.IntegerField(null=True, help_text="before calibration")
    stated_bins: Any = models.JSONField(default=list, help_text="before calibration")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["card", "of", "name"], name="card_row_once")]
        triggers = [pgtrigger.Protect(name="card_row_append_only", operation=_FROZEN)]

    def __str__(self) -> str:
        return f"{self.of} {self.name} of card {self.card_id}"
