"""Where oracles read, how each source does, and what asking cost."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from exchange import figures
from exchange.admin.base import ReadOnly
from exchange.admin.verbs import ReasonForm, Verb, Verbs
from exchange.engines.units import PICO
from exchange.models import User
from oracle.admin.base import usd
from oracle.models import (
    CachedAnswer,
    CostEntry,
    Observation,
    Source,
)
from oracle.services import sources, staff

SAVED_BY_SERVICE = ("options", "hosts", "label", "kind", "requests_per_day_max", "cost_micro")


class SourceForm(forms.ModelForm, ReasonForm):  # type: ignore[type-arg]
    """How a source is read, and why that changes."""

    class Meta:
        model = Source
        fields = ("name", *SAVED_BY_SERVICE)

    def clean(self) -> dict[str, Any]:
        """Refuse a source that could never be read."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            wanted = ("kind", "options", "hosts")
            row = Source(**{name: cleaned[name] for name in wanted})
            if problem := sources.complaint(row):
                self.add_error(None, problem)
        return cleaned


@admin.register(Source)
class SourceAdmin(Verbs):
    """Where the oracle reads, and how each source does."""

    form = SourceForm
    list_display = ("name", "label", "kind", "is_enabled", "failures", "retry_at", "last_ok_at")
    list_filter = ("kind", "is_enabled")
    search_fields = ("name", "label")
    verbs = (
        Verb(
            name="source_off",
            label="Switch off",
            explained="No market reads it any more; the runs show that it was skipped.",
            act=lambda actor, row, reason: staff.source_switch(
                actor=actor, source=row, is_enabled=False, reason=reason
            ),
        ),
        Verb(
            name="source_on",
            label="Switch on",
            explained="Markets read it again from their next run.",
            act=lambda actor, row, reason: staff.source_switch(
                actor=actor, source=row, is_enabled=True, reason=reason
            ),
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say who may: whoever has the right, as Django keeps it."""
        return request.user.has_perm("oracle.add_source")

    def get_fields(self, request: HttpRequest, obj: Source | None = None) -> list[Any]:
        """Return how it is read, how it does, and the reason for who may change it."""
        state = ["is_enabled", "failures", "retry_at", "last_ok_at", "last_error"] if obj else []
        may = obj is None or self.has_change_permission(request, obj)
        return ["name", *SAVED_BY_SERVICE, *state, *(["reason"] if may else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Source | None = None) -> list[Any]:
        """Return the name of an existing source and what it reports of itself."""
        state = ["is_enabled", "failures", "retry_at", "last_ok_at", "last_error"]
        return ["name", *state] if obj else []

    def save_model(
        self,
        request: HttpRequest,
        obj: Source,
        form: Any,
        change: bool,  # noqa: FBT001 (Django's signature)
    ) -> None:
        """Hand it to the service."""
        fields = {name: form.cleaned_data[name] for name in SAVED_BY_SERVICE}
        saved = staff.source_change(
            actor=cast("User", request.user),
            fields={"name": obj.name, **fields},
            reason=form.cleaned_data["reason"],
        )
        obj.pk = saved.pk


@admin.register(Observation)
class ObservationAdmin(ReadOnly):
    """The published numbers with the instants of their release."""

    list_display = ("source", "series", "value", "unit", "observed_at", "released_at")
    list_filter = ("source",)
    list_select_related = ("source",)
    search_fields = ("=series",)
    hidden = ("value_pico",)
    extra = ("value",)
    ordering = ("-released_at",)

    @admin.display(description="value", ordering="value_pico")
    def value(self, row: Observation) -> str:
        """Return the number in its own unit."""
        return figures.trimmed(int(row.value_pico), PICO, 0, 12)


@admin.register(CostEntry)
class CostEntryAdmin(ReadOnly):
    """What was asked of whom for which market."""

    list_display = ("at", "source", "market", "requests", "cost")
    list_filter = ("source", "market")
    list_select_related = ("source", "market")
    hidden = ("cost_micro",)
    extra = ("cost",)
    ordering = ("-id",)

    @admin.display(description="cost", ordering="cost_micro")
    def cost(self, entry: CostEntry) -> str:
        """Return what it cost."""
        return usd(entry.cost_micro)


@admin.register(CachedAnswer)
class CachedAnswerAdmin(ReadOnly):
    """The last answers of the sources."""

    list_display = ("source", "fetched_at", "etag", "last_modified")
    list_select_related = ("source",)
    ordering = ("source", "-fetched_at")
