"""What a person says a run's news really meant. Kept for good; a second thought is a new row."""

import pgtrigger
from django.db import models

from exchange import clock
from exchange.models import User
from oracle.models.runs import Run


class HumanLabel(models.Model):
    """The direction that a run's news had for the variable, by a person. The newest counts."""

    class Sign(models.IntegerChoices):
        """What the news meant."""

        RISES = 1, "rises"
        NONE = 0, "no change"
        FALLS = -1, "falls"

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="labels")
    sign = models.SmallIntegerField(choices=Sign.choices)
    reason = models.CharField(max_length=200)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(sign__gte=-1, sign__lte=1), name="human_label_sign"
            )
        ]
        indexes = [models.Index(fields=["run", "-id"], name="human_label_newest")]
        triggers = [
            pgtrigger.Protect(
                name="human_label_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_sign_display()}, of {self.run}"
