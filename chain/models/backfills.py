"""Ranges of final blocks that somebody wants read again: how far each is, and what it found."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from chain.models.networks import Network
from exchange import clock


class Backfill(models.Model):
    """One range that is read again, a piece at a time; `next_number` is what is read next."""

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="backfills")
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    next_number = models.BigIntegerField(help_text="above the last one: all of it is read")
    logs = models.BigIntegerField(default=0, help_text="transfers of the token that were read")
    hits = models.BigIntegerField(default=0, help_text="of them to addresses of ours")
    new = models.BigIntegerField(default=0, help_text="of those unknown before")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField(default=clock.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    faults = models.IntegerField(default=0, help_text="in a row; too many end it")
    error = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["network"], condition=Q(ended_at=None), name="backfill_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(
                    first__gte=0,
                    last__gte=models.F("first"),
                    next_number__gte=models.F("first"),
                    next_number__lte=models.F("last") + 1,
                ),
                name="backfill_range",
            ),
        ]

    def __str__(self) -> str:
        return f"blocks {self.first} to {self.last} of {self.network}"

    @property
    def blocks_left(self) -> int:
        """How many blocks are still to be read."""
        return self.last - self.next_number + 1

    @property
    def state(self) -> str:
        """In one word: waiting, done or given up."""
        if self.ended_at is None:
            return "waiting"
        return "given up" if self.blocks_left else "done"
