"""A market's parameters put through a scenario before anybody funds it, and each path of that."""

from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from exchange import clock
from exchange.ids import public_id
from exchange.models import Market

PREFIX = "sim"


class SimulationRun(models.Model):
    """One request; its paths are run one by one, by whoever holds the lease.

    Figures in `config` and `scenario` are decimal text, those in `report` are counts at the scale
    in their names.
    """

    class State(models.TextChoices):
        """Where a run stands. The last two are ends."""

        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="simulations",
        help_text="whoever asked for it; nobody for the house's own",
    )
    market = models.OneToOneField(
        Market,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="simulation",
        help_text="the market that it is pinned to, for everybody to read",
    )
    pinned_at = models.DateTimeField(null=True, blank=True)
    config: Any = models.JSONField(help_text="the market's parameters")
    scenario: Any = models.JSONField(help_text="what they are put through")
    state = models.CharField(max_length=7, choices=State.choices, default=State.QUEUED)
    progress_e8 = models.PositiveIntegerField(default=0)
    paths_done = models.PositiveSmallIntegerField(default=0)
    report: Any = models.JSONField(default=dict, blank=True)
    error = models.CharField(max_length=200, blank=True)
    engine_sha256 = models.CharField(max_length=64, help_text="of the code that ran it")

    attempt = models.PositiveIntegerField(default=0, help_text="counts the leases given")
    fruitless = models.PositiveSmallIntegerField(
        default=0, help_text="leases given since a path was finished"
    )
    lease_until = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["requester"],
                condition=Q(state__in=["queued", "running"]),
                name="simulation_one_open_each",
            ),
            models.CheckConstraint(
                condition=Q(progress_e8__lte=10**8), name="simulation_progress_sane"
            ),
            models.CheckConstraint(
                condition=Q(market=None) | Q(state="done"), name="simulation_pinned_is_done"
            ),
        ]
        indexes = [
            models.Index(fields=["requester", "-id"], name="simulation_recent"),
            models.Index(
                fields=["attempt", "id"],
                condition=Q(state__in=["queued", "running"]),
                name="simulation_open",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="simulation_never_deleted", operation=pgtrigger.Delete),
            # What funders have read stays what they have read.
            pgtrigger.Protect(
                name="simulation_pinned_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__market__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"simulation {self.public_id}"

    @property
    def public_id(self) -> str:
        """The name of the run outside."""
        return public_id(PREFIX, self.pk)


OPEN = (SimulationRun.State.QUEUED, SimulationRun.State.RUNNING)


class SimulationPath(models.Model):
    """One path of a run, with its course by the hour. Append-only."""

    run = models.ForeignKey(SimulationRun, on_delete=models.PROTECT, related_name="paths")
    number = models.PositiveSmallIntegerField()
    report: Any = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="simulation_path_once")
        ]
        triggers = [
            pgtrigger.Protect(
                name="simulation_path_append_only",
                operation=pgtrigger.Update | pgtrigger.Delete,
            )
        ]

    def __str__(self) -> str:
        return f"path {self.number} of {self.run}"
