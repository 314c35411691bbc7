"""The results of the books' own examination, and how far they were found clean."""

from django.db import models

from exchange import clock
from exchange.models.ledger import Account
from exchange.models.markets import Market


class AuditRun(models.Model):
    """One examination of the invariants of the ledger and the markets.

    A full one reads everything from the first entry, another only what is new since a clean one.
    """

    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)
    full = models.BooleanField(default=False)
    ok = models.BooleanField(default=False)
    findings = models.JSONField(default=list)
    figures = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        if self.finished_at is None:
            return f"audit {self.pk}: not finished"
        return f"audit {self.pk}: {'clean' if self.ok else 'findings'}"


class AccountMark(models.Model):
    """An account as the newest clean audit saw it: its chain is walked on from here."""

    account = models.OneToOneField(
        Account, primary_key=True, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    balance_micro = models.BigIntegerField()
    version = models.BigIntegerField()
    head = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"account {self.account_id} up to {self.version}"


class MarketMark(models.Model):
    """A market as the newest clean audit saw it: its log and ticks are counted on from here."""

    market = models.OneToOneField(
        Market, primary_key=True, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    command_seq = models.BigIntegerField()
    batch_seq = models.BigIntegerField()

    def __str__(self) -> str:
        return f"market {self.market_id} up to {self.command_seq}"
