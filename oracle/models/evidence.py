"""What was read: items as they were stored, stories they tell, and which markets used them up."""

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from exchange import clock
from exchange.models import Market
from oracle.models.sources import Source

_FROZEN = pgtrigger.Update | pgtrigger.Delete


class Cluster(models.Model):
    """One story, however many publishers told it. Its head, the first telling, speaks for it."""

    signature = models.BinaryField(max_length=512, help_text="the head's MinHash, 128 x 32 bits")
    bands = ArrayField(models.BigIntegerField(), help_text="hashes that near copies tend to share")
    first_at = models.DateTimeField(help_text="when the head was published")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [GinIndex(fields=["bands"], name="cluster_bands", fastupdate=False)]
        triggers = [pgtrigger.Protect(name="cluster_append_only", operation=_FROZEN)]

    def __str__(self) -> str:
        return f"story {self.pk}"


class Evidence(models.Model):
    """One item, normalised and stored once. Text is data: nothing in it is obeyed or fetched."""

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="evidence")
    is_head = models.BooleanField(default=False)
    sha256 = models.BinaryField(max_length=32, unique=True, help_text="of the whole item")
    content_sha256 = models.BinaryField(max_length=32, help_text="of title and text alone")
    url = models.CharField(max_length=1000, blank=True, help_text="canonical; http and https only")
    publisher = models.CharField(max_length=120)
    title = models.CharField(max_length=300)
    text = models.TextField(max_length=2000, blank=True)
    lang = models.CharField(max_length=8, blank=True)
    published_at = models.DateTimeField()
    fetched_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [
            models.UniqueConstraint(
                fields=["cluster"], condition=Q(is_head=True), name="cluster_one_head"
            )
        ]
        indexes = [
            models.Index(fields=["content_sha256"], name="evidence_content"),
            models.Index(fields=["url"], condition=~Q(url=""), name="evidence_url"),
            models.Index(fields=["fetched_at"], name="evidence_as_of"),
        ]
        triggers = [pgtrigger.Protect(name="evidence_append_only", operation=_FROZEN)]

    def __str__(self) -> str:
        return f"{self.publisher}: {self.title}"


class Sighting(models.Model):
    """An item in the place a source gave it in one run: the original order is kept."""

    run = models.ForeignKey("oracle.Run", on_delete=models.PROTECT, related_name="sightings")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")
    evidence = models.ForeignKey(Evidence, on_delete=models.PROTECT, related_name="sightings")
    rank = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "source", "evidence"], name="sighting_once")
        ]
        triggers = [pgtrigger.Protect(name="sighting_append_only", operation=_FROZEN)]

    def __str__(self) -> str:
        return f"{self.source_id} #{self.rank} in run {self.run_id}"


class SpentEvidence(models.Model):
    """A story that an accepted event of a market has used: it never moves that market again."""

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="spent")
    run = models.ForeignKey("oracle.Run", on_delete=models.PROTECT, related_name="spent")

    class Meta:
        verbose_name_plural = "spent evidence"
        constraints = [
            models.UniqueConstraint(fields=["market", "cluster"], name="evidence_spent_once")
        ]
        triggers = [pgtrigger.Protect(name="spent_append_only", operation=_FROZEN)]

    def __str__(self) -> str:
        return f"story {self.cluster_id} spent in market {self.market_id}"
