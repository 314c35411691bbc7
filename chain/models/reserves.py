"""What is owed and what is held at one final block, with a leaf for everybody it is owed to."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from exchange import clock


class ReserveProof(models.Model):
    """One published proof. Everything in it is public; the leaves are for their owners."""

    at = models.DateTimeField(default=clock.now)
    entry_id = models.BigIntegerField(help_text="the newest entry of the ledger it covers")
    liabilities_micro = models.BigIntegerField()
    holdings_micro = models.BigIntegerField()
    unmatched_micro = models.BigIntegerField(
        default=0, help_text="on the chain at that block and not yet in the ledger"
    )
    play_micro = models.BigIntegerField(
        default=0, help_text="credited as play money, with no chain behind it"
    )
    paid_micro = models.BigIntegerField(
        default=0, help_text="gone from the chain at that block and still in the books"
    )
    leaving_micro = models.BigIntegerField(
        default=0, help_text="gone from the books and still on the chain at that block"
    )
    arriving_micro = models.BigIntegerField(
        default=0, help_text="credited early: in the books, in a block above that one"
    )
    kinds = models.JSONField(help_text="liabilities by kind of account, as text")
    holdings = models.JSONField(help_text="per network: block, hash, amount, addresses")
    root = models.CharField(max_length=64)
    leaves_count = models.IntegerField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(liabilities_micro__gte=0, holdings_micro__gte=0),
                name="reserve_proof_sane",
            )
        ]

    def __str__(self) -> str:
        return f"proof of {self.at:%Y-%m-%d %H:%M}"

    @property
    def shortfall_micro(self) -> int:
        """What is missing of real money, or 0; what is on its way is counted where it is."""
        owed = self.liabilities_micro - self.play_micro - self.paid_micro + self.leaving_micro
        return max(0, owed - self.arriving_micro - self.holdings_micro)

    @property
    def is_crossed(self) -> bool:
        """Whether something was on its way when the proof was made."""
        return any((self.paid_micro, self.leaving_micro, self.arriving_micro))


class ReserveLeaf(models.Model):
    """One leaf, with the salt and the path that only its owner is shown."""

    proof = models.ForeignKey(ReserveProof, on_delete=models.CASCADE, related_name="leaves")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="reserve_leaves",
    )
    index = models.IntegerField()
    account = models.CharField(max_length=40)
    salt = models.BinaryField(max_length=32)
    amount_micro = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["proof", "index"], name="reserve_leaf_index"),
            models.UniqueConstraint(
                fields=["proof", "user"],
                condition=Q(user__isnull=False),
                name="reserve_leaf_one_each",
            ),
            models.CheckConstraint(
                condition=Q(amount_micro__gte=0, index__gte=0), name="reserve_leaf_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"leaf {self.index} of proof {self.proof_id}"
