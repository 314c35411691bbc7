"""A session: one outcome market run live for those who were invited, and who takes part in it."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from exchange import clock
from exchange.models.markets import Market


class Session(models.Model):
    """What an outcome market is beside its parameters: a host, names for its outcomes, a clock.

    The market's status says where the session stands. `started_ms` is the zero of its clock: the
    tick n of the session ends n intervals later, whether or not anything happened in it.
    """

    class Money(models.TextChoices):
        """What is at stake."""

        PLAY = "play"
        REAL = "real"

    market = models.OneToOneField(
        Market, primary_key=True, on_delete=models.PROTECT, related_name="session"
    )
    host = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="hosted"
    )
    code = models.CharField(max_length=24, unique=True, help_text="whoever has it may look and ask")
    money = models.CharField(max_length=4, choices=Money.choices, default=Money.PLAY)
    mode = models.CharField(max_length=24, blank=True, help_text="the preset of impact, if any")
    outcomes: Any = models.JSONField(help_text="name, colour, icon and picture of each, in order")
    late_join = models.BooleanField(default=True, help_text="whether one may join after the start")
    planned_winner = models.SmallIntegerField(
        null=True, blank=True, help_text="resolves by itself at the end; empty: the host says"
    )
    cloned_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="clones"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    opened_at = models.DateTimeField(null=True, blank=True)
    started_ms = models.BigIntegerField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    winner = models.SmallIntegerField(null=True, blank=True)
    maker_micro = models.BigIntegerField(
        null=True, blank=True, help_text="what went back to the host: fund, fees and seigniorage"
    )

    class Meta:
        ordering = ["-created_at"]
        permissions = [("host_session", "Can host sessions")]

    def __str__(self) -> str:
        return f"session {self.code}"

    @property
    def is_play(self) -> bool:
        """Whether it is about play money."""
        return self.money == self.Money.PLAY


class Picture(models.Model):
    """A picture of an outcome as the site drew it, under the hash of its bytes; never changed."""

    digest = models.CharField(primary_key=True, max_length=64, editable=False)
    image = models.BinaryField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="pictures"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return f"picture {self.digest[:12]}"


class Participant(models.Model):
    """Somebody in a session, under the name they chose there.

    Who has no account takes part as a guest: a user row that cannot sign in, made for this session
    alone. So accounts of the ledger, orders and commands have one kind of owner, and every key to
    a user holds for guests as well. A guest's token opens this session and nothing else.
    """

    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="participants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="participations"
    )
    name = models.CharField(max_length=40)
    digest = models.BinaryField(max_length=32, null=True, unique=True)
    joined_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "user"], name="participant_once"),
            models.UniqueConstraint("session", Lower("name"), name="participant_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Holding(models.Model):
    """Tokens of one kind that somebody has: free ones, and those that their sell orders lock.

    `token` is the engine's index: twice the outcome, one more for NO.
    """

    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, related_name="holdings", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="holdings"
    )
    token = models.SmallIntegerField()
    free_micro = models.BigIntegerField(default=0)
    locked_micro = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "user", "token"], name="holding_unique"),
            models.CheckConstraint(
                condition=Q(free_micro__gte=0, locked_micro__gte=0), name="holding_not_negative"
            ),
        ]
        indexes = [
            models.Index(
                fields=["market", "token"],
                condition=Q(free_micro__gt=0) | Q(locked_micro__gt=0),
                name="holding_of_token",
            )
        ]

    def __str__(self) -> str:
        return f"{self.free_micro} of token {self.market_id}/{self.token}"
