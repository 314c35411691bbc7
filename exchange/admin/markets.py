"""Markets: the words that describe them can be edited, what they do follows rules and notice."""

from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from exchange import clock
from exchange.admin.base import ReadOnly, columns, link_list
from exchange.admin.verbs import ReasonForm, Verb, Verbs
from exchange.models import Account, LiveState, Market, User
from exchange.services import staff


class WindDownForm(ReasonForm):
    """When the market is settled, and why it ends."""

    settle_at = forms.DateTimeField(
        label="Settled at",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="UTC, at least 24 hours ahead. The clock settles the market; nobody can by hand.",
    )
    field_order = ("settle_at", "reason")


class MarketForm(forms.ModelForm, ReasonForm):  # type: ignore[type-arg]
    """The descriptive words, and why they change."""

    class Meta:
        model = Market
        fields = staff.DESCRIPTIVE


@admin.register(Market)
class MarketAdmin(Verbs):
    """Every market. What staff may do is announced in public; prices and halts follow rules."""

    form = MarketForm
    list_display = ("name", "ticker", "topic", "status", "mode", "is_demo", "activated_at")
    list_filter = ("status", "topic", "is_demo")
    list_select_related = ("live",)
    search_fields = ("name", "=slug", "=ticker")
    extra = ("mode", "accounts_of")
    verbs = (
        Verb(
            name="reduce_only_set",
            label="Set reduce-only",
            explained="Opening legs are refused until it is lifted; closing stays possible.",
            act=lambda actor, market, reason: staff.reduce_only_set(
                actor=actor, market=market, reason=reason
            ),
        ),
        Verb(
            name="reduce_only_lift",
            label="Lift reduce-only",
            explained="Positions can be opened again.",
            act=lambda actor, market, reason: staff.reduce_only_lift(
                actor=actor, market=market, reason=reason
            ),
        ),
        Verb(
            name="wind_down_announce",
            label="Announce wind-down",
            explained=(
                "Opening ends at once and for good, limit orders are returned, and all positions"
                " are settled at the announced time. This cannot be taken back."
            ),
            act=lambda actor, market, reason, settle_at: staff.wind_down_announce(
                actor=actor, market=market, settle_at=settle_at, reason=reason
            ),
            form=WindDownForm,
        ),
        Verb(
            name="recalibration_on",
            label="Switch recalibration on",
            explained="The slope follows the pool from the next day on, by at most a tenth a day.",
            act=lambda actor, market, reason: staff.recalibration_set(
                actor=actor, market=market, on=True, reason=reason
            ),
        ),
        Verb(
            name="recalibration_off",
            label="Switch recalibration off",
            explained="The slope stays as it is.",
            act=lambda actor, market, reason: staff.recalibration_set(
                actor=actor, market=market, on=False, reason=reason
            ),
        ),
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Market]":
        """Return the variable markets; sessions have a table and verbs of their own."""
        rows: QuerySet[Market] = super().get_queryset(request)
        return rows.filter(kind=Market.Kind.VARIABLE)

    @admin.display(description="limited by")
    def mode(self, market: Market) -> str:
        """Return the rule or the reason that limits the market now."""
        live = market.live
        if live.halt_rule:
            return f"halted: {live.halt_rule}"
        if live.reduce_only_since:
            return f"reduce-only: {live.reduce_only_reason}"
        if clock.now_s() < live.pause_until_s:
            return (
                f"opening paused: {live.pause_rule} until {clock.at(live.pause_until_s):%H:%M} UTC"
            )
        return "winding down" if market.status == Market.Status.WINDING else ""

    @admin.display(description="accounts")
    def accounts_of(self, market: Market) -> str:
        """Return a link to the market's own money."""
        return link_list(Account, "accounts", market__id__exact=market.pk)

    def get_fields(self, request: HttpRequest, obj: Market | None = None) -> list[Any]:
        """Return every column, and the reason for who may edit."""
        shown = super().get_fields(request, obj)
        return [*shown, "reason"] if self.has_change_permission(request, obj) else shown

    def get_readonly_fields(self, request: HttpRequest, obj: Market | None = None) -> list[Any]:
        """Return every column but the descriptive ones."""
        editable = (*staff.DESCRIPTIVE, "reason")
        return [name for name in self.get_fields(request, obj) if name not in editable]

    def save_model(
        self,
        request: HttpRequest,
        obj: Market,
        form: Any,
        change: bool,  # noqa: FBT001 (Django's signature)
    ) -> None:
        """Hand the changed words to the service, which records who and why."""
        changes = {name: form.cleaned_data[name] for name in form.changed_data if name != "reason"}
        if changes:
            describe = partial(
                staff.market_describe,
                actor=cast("User", request.user),
                market=obj,
                changes=changes,
                reason=form.cleaned_data["reason"],
            )
            self.served(request, obj, describe)


@admin.register(LiveState)
class LiveStateAdmin(ReadOnly):
    """Where each market's engine stands."""

    list_display = (
        "market",
        "batch_seq",
        "command_seq",
        "settled_at",
        "halt_rule",
        "reduce_only_reason",
        "pause_rule",
        *columns(LiveState, "pause_since_s", "pause_until_s", "state_hash"),
    )
    list_select_related = ("market",)
    ordering = ("market__name",)
    sortable_by = ()
