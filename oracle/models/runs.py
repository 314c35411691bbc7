"""One attempt of the oracle at one market, and the reports its readers gave."""

from typing import Any

import pgtrigger
from django.db import models
from django.db.models import Q

from exchange import clock
from exchange.ids import public_id
from exchange.models import Market
from oracle.models.specs import OracleSpec

PREFIX = "run"


class Run(models.Model):
    """From started to its end; each step is one transaction, made by the holder of the lease."""

    class State(models.TextChoices):
        """Where a run stands. The last three are ends."""

        STARTED = "started"
        FETCHED = "fetched"
        READ = "read"
        DECIDED = "decided"
        APPLIED = "applied"
        REFUSED = "refused"
        EXPIRED = "expired"

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="oracle_runs")
    spec = models.ForeignKey(OracleSpec, on_delete=models.PROTECT, related_name="runs")
    number = models.PositiveBigIntegerField(help_text="counts the runs of the market")
    ref = models.CharField(max_length=64, unique=True, help_text="the key under which it applies")
    is_dry = models.BooleanField(default=False, help_text="applies nothing and spends nothing")
    state = models.CharField(max_length=8, choices=State.choices, default=State.STARTED)
    reason = models.CharField(max_length=40, blank=True, help_text="why it was refused")
    detail: Any = models.JSONField(default=dict, blank=True, help_text="the numbers behind it")

    attempt = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    nudged_at = models.DateTimeField(default=clock.now, help_text="when a worker was last asked")

    started_at = models.DateTimeField(default=clock.now)
    fetched_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    fundamental_pico = models.DecimalField(
        max_digits=38, decimal_places=0, null=True, blank=True, help_text="F when it was read"
    )
    inputs: Any = models.JSONField(default=dict, blank=True, help_text="all that was read, by key")
    inputs_sha256 = models.CharField(max_length=64, blank=True)
    reports_sha256 = models.CharField(max_length=64, blank=True)
    versions: Any = models.JSONField(
        default=dict, blank=True, help_text="hashes of the specification, the readers and the code"
    )
    sources: Any = models.JSONField(default=dict, blank=True, help_text="how each source did")
    outcome: Any = models.JSONField(default=dict, blank=True, help_text="the market's answer")
    cost_micro = models.PositiveBigIntegerField(default=0, help_text="micro-USD")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "number"], name="run_number_once"),
            # Two open runs of one market could both read the same unspent story.
            models.UniqueConstraint(
                fields=["market"],
                condition=Q(is_dry=False, state__in=["started", "fetched", "read", "decided"]),
                name="run_one_open",
            ),
        ]
        indexes = [models.Index(fields=["market", "-id"], name="run_recent")]
        triggers = [pgtrigger.Protect(name="run_never_deleted", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"run {self.number} of {self.market}"

    @property
    def public_id(self) -> str:
        """The name of the run outside."""
        return public_id(PREFIX, self.pk)


OPEN = (Run.State.STARTED, Run.State.FETCHED, Run.State.READ, Run.State.DECIDED)


class Report(models.Model):
    """One seat's answer in one run, with the mark it gave each story. Append-only."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="reports")
    seat = models.CharField(max_length=40)
    reader = models.CharField(max_length=20)
    reader_version = models.CharField(max_length=80)
    sources: Any = models.JSONField(default=list)
    kind = models.CharField(max_length=6, choices=OracleSpec.Kind.choices)
    delta_pico = models.BigIntegerField(help_text="relative change against F, 1e-12")
    level_pico = models.DecimalField(max_digits=38, decimal_places=0, null=True, blank=True)
    confidence_e8 = models.IntegerField(help_text="as handed in")
    stated_e8 = models.IntegerField(help_text="as the reader said it")
    impact = models.PositiveSmallIntegerField(default=0, help_text="0 to 100")
    notes: Any = models.JSONField(default=list, help_text="what was held back, and why")
    summary = models.CharField(max_length=300, blank=True, help_text="written by the model")
    marks: Any = models.JSONField(default=list, help_text="[story, sign, confidence, keyword]")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "seat"], name="report_seat_once"),
            models.CheckConstraint(
                condition=Q(confidence_e8__gte=0, confidence_e8__lte=10**8),
                name="report_confidence_sane",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="report_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.seat} in {self.run}"
