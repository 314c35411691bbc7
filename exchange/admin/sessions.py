"""Sessions and what is in them, to look at; a host's verbs reach the same services as their pages.

A verb acts for who signs in: for a session of somebody else that takes every right.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin
from django.db.models import QuerySet

from exchange import clock
from exchange.admin.base import EMPTY, ReadOnly, columns, indented, link_list
from exchange.admin.verbs import ReasonForm, Verb, Verbs
from exchange.models import (
    Holding,
    Market,
    OutcomeFill,
    OutcomeOrder,
    OutcomeTick,
    Participant,
    Picture,
    Session,
    StaffAction,
    User,
)
from exchange.selectors.outcome import waiting
from exchange.services.sessions import by_staff, host, lobby, pictures


class WinnerForm(ReasonForm):
    """Which outcome has won."""

    winner = forms.CharField(
        max_length=40,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text="Its name, as the session shows it.",
    )
    field_order = ("winner", "reason")


def _verb(name: str, act: Callable[..., object]) -> Callable[..., StaffAction]:
    """Return a verb of the host's as staff does it: with its reason on record."""

    def do(actor: User, session: Session, reason: str, **more: Any) -> StaffAction:
        done = partial(act, host=actor, session=session, **more)
        return by_staff.acted(actor=actor, session=session, verb=name, reason=reason, act=done)

    return do


def _reduce_only(actor: User, session: Session, reason: str) -> StaffAction:
    return _verb("reduce_only", partial(host.reduce_only, reason=reason, key=uuid4().hex))(
        actor, session, reason
    )


def _resume(actor: User, session: Session, reason: str) -> StaffAction:
    return _verb("resume", partial(host.resume, key=uuid4().hex))(actor, session, reason)


def _remove(actor: User, picture: Picture, reason: str) -> StaffAction:
    return pictures.picture_remove(actor=actor, picture=picture, reason=reason)


def _end(actor: User, session: Session, reason: str) -> StaffAction:
    return by_staff.end(actor=actor, session=session, reason=reason)


def _resolve(actor: User, session: Session, reason: str, winner: str) -> StaffAction:
    return by_staff.resolve(actor=actor, session=session, winner=winner, reason=reason)


class WaitsFilter(admin.SimpleListFilter):
    """Those that have ended and wait for their host to name the winner."""

    title, parameter_name = "waits for its winner", "waits"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Offer those that wait, and those that have for so long that staff may decide."""
        return [("yes", "Waits"), ("overdue", "Waits, staff may decide")]

    def queryset(self, request: Any, queryset: QuerySet[Session]) -> QuerySet[Session]:
        """Narrow the list down."""
        if self.value() is None:
            return queryset
        rows = queryset.filter(market__status=Market.Status.ENDED)
        if self.value() == "overdue":
            rows = rows.filter(ended_at__lte=clock.now() - waiting.GRACE)
        return rows.order_by("ended_at")


@admin.register(Session)
class SessionAdmin(Verbs):
    """Every session. Its parameters are its market's, frozen when the lobby opens."""

    list_display = (
        "market",
        "host",
        "money",
        "status",
        "opened_at",
        "ended_at",
        "waits",
        "winner",
        *columns(Session, "maker_micro"),
    )
    list_filter = (WaitsFilter, "money", "market__status")
    list_select_related = ("market__live", "host")
    search_fields = ("=code", "market__name", "=host__email")
    extra = ("status", "parameters", "ticks_of", "participants_of")
    verbs = (
        Verb(
            name="start",
            label="Start",
            explained="The clock starts at zero.",
            act=_verb("start", lobby.session_start),
        ),
        Verb(
            name="close",
            label="Close the lobby",
            explained="It will not start; the host's fund returns.",
            act=_verb("close", lobby.lobby_close),
        ),
        Verb(
            name="reduce_only",
            label="Set reduce-only",
            explained="From the next tick on people only sell and take orders back.",
            act=_reduce_only,
        ),
        Verb(name="resume", label="Resume", explained="People may buy again.", act=_resume),
        Verb(
            name="end",
            label="End now",
            explained="Trading ends for good. For who does not run the site: once the host has let"
            " a round wait for a day.",
            act=_end,
        ),
        Verb(
            name="resolve",
            label="Resolve",
            explained="Everybody is paid at the next tick, by the outcome that has won. This cannot"
            " be taken back. The host has a day to do it; your name and reason are shown to all.",
            act=_resolve,
            form=WinnerForm,
        ),
    )

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Say no: a session changes by its verbs."""
        return False

    @admin.display(description="stands")
    def status(self, session: Session) -> str:
        """Return where the session stands."""
        return str(session.market.status)

    @admin.display(description="waits for its host since", empty_value=EMPTY)
    def waits(self, session: Session) -> Any:
        """Return since when nothing goes on without the host's decision."""
        found = waiting.waiting(session)
        return found and f"{found.since:%Y-%m-%d %H:%M} UTC, {found.kind}"

    @admin.display(description="parameters")
    def parameters(self, session: Session) -> str:
        """Return the engine's parameters by the specification's names."""
        return indented(session.market.config)

    @admin.display(description="ticks")
    def ticks_of(self, session: Session) -> str:
        """Return a link to what each tick left."""
        return link_list(OutcomeTick, "ticks", market__id__exact=session.pk)

    @admin.display(description="participants")
    def participants_of(self, session: Session) -> str:
        """Return a link to who takes part."""
        return link_list(Participant, "participants", session__market__id__exact=session.pk)


@admin.register(Participant)
class ParticipantAdmin(ReadOnly):
    """Who takes part in which session, under which name."""

    list_display = ("session", "name", "user", "joined_at")
    list_select_related = ("session", "user")
    search_fields = ("name", "=user__email")
    ordering = ("-id",)
    sortable_by = ()
    hidden = ("digest",)


@admin.register(Picture)
class PictureAdmin(Verbs):
    """Pictures of outcomes, as the site drew them."""

    verbs = (
        Verb(
            name="remove",
            label="Remove from the site",
            explained="It is shown nowhere any more. The outcome keeps its name and colour.",
            act=_remove,
        ),
    )

    list_display = ("digest", "by", "created_at")
    list_select_related = ("by",)
    search_fields = ("=digest", "=by__email")
    ordering = ("-created_at",)
    sortable_by = ()
    hidden = ("image",)

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Say no: a picture never changes."""
        return False


@admin.register(Holding)
class HoldingAdmin(ReadOnly):
    """Tokens that people have: YES of outcome n is token 2n, its NO the next."""

    list_display = (
        "market", "user", "token", *columns(Holding, "free_micro", "locked_micro"),
    )  # fmt: skip
    list_select_related = ("market", "user")
    search_fields = ("=user__email",)
    ordering = ("-id",)
    sortable_by = ()


@admin.register(OutcomeOrder)
class OutcomeOrderAdmin(ReadOnly):
    """Orders of sessions, as the newest tick has left them."""

    list_display = (
        "market",
        "ref",
        "user",
        "token",
        "buys",
        "status",
        *columns(OutcomeOrder, "size_micro", "price_micro", "remaining_micro", "amount_micro"),
        "placed_at",
    )
    list_filter = ("status", "buys")
    list_select_related = ("market", "user")
    search_fields = ("=user__email",)
    ordering = ("-id",)
    sortable_by = ()


@admin.register(OutcomeFill)
class OutcomeFillAdmin(ReadOnly):
    """Executions in sessions; a side without a number is the market maker."""

    list_display = (
        "market",
        "batch_seq",
        "kind",
        "token",
        "buyer",
        "seller",
        *columns(OutcomeFill, "size_micro", "amount_micro", "price_pico", "fee_micro"),
        "at",
    )
    list_filter = ("kind",)
    list_select_related = ("market",)
    ordering = ("-id",)
    sortable_by = ()


@admin.register(OutcomeTick)
class OutcomeTickAdmin(ReadOnly):
    """What each tick that had something to do has left."""

    list_display = (
        "market",
        "seq",
        "number",
        "at",
        "status",
        *columns(OutcomeTick, "volume_micro", "risk_micro", "profit_micro", "pool_micro"),
        "commands",
        "fills",
    )
    list_filter = ("status",)
    list_select_related = ("market",)
    ordering = ("-id",)
    sortable_by = ()
    empty_value_display = EMPTY
