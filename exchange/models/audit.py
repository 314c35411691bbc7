"""The results of the books' own examination."""

from django.db import models

from exchange import clock


class AuditRun(models.Model):
    """One examination of every invariant of the ledger and the markets."""

    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)
    ok = models.BooleanField(default=False)
    findings = models.JSONField(default=list)
    figures = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"audit {self.pk}: {'clean' if self.ok else 'findings'}"
