"""The staff's view of the oracle: everything to look at, little to change, nothing to move F."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from exchange import figures
from exchange.admin.base import ReadOnly, Shown, columns, link_list
from exchange.admin.verbs import ReasonForm, Verb, Verbs
from exchange.engines.units import MICRO, PICO
from exchange.models import User
from oracle.models import (
    CachedAnswer,
    Card,
    CardRow,
    Cluster,
    CostEntry,
    Evidence,
    Observation,
    OracleSpec,
    Report,
    Run,
    Schedule,
    Sighting,
    Source,
    SpentEvidence,
)
from oracle.services import sources, staff
from oracle.services.lint import lint
from oracle.services.terms import FIELDS

SAVED_BY_SERVICE = ("options", "hosts", "label", "kind", "requests_per_day_max", "cost_micro")


class Reached(ReadOnly):
    """A table that another one links to, by a filter that is not in its list of filters."""

    reached_by = ""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the link."""
        return lookup == self.reached_by or super().lookup_allowed(lookup, value, request)


def _usd(micro: int) -> str:
    return f"{figures.trimmed(int(micro), MICRO, 2, 6)} USD"


class SpecForm(forms.ModelForm, ReasonForm):  # type: ignore[type-arg]
    """A new version of a specification, and why."""

    class Meta:
        model = OracleSpec
        fields = ("market", *sorted(FIELDS))

    def clean(self) -> dict[str, Any]:
        """Refuse what the linter refuses, with all it has to say."""
        cleaned: dict[str, Any] = super().clean() or {}
        market = cleaned.get("market") or self.instance.market
        if not self.errors:
            spec = OracleSpec(market=market, **{name: cleaned[name] for name in FIELDS})
            for problem in lint(spec):
                self.add_error(None, problem)
        return cleaned


@admin.register(OracleSpec)
class OracleSpecAdmin(Shown):
    """What each oracle is told to do. Saving makes a new version; old ones stay for their runs."""

    form = SpecForm
    list_display = ("market", "version", "kind", "quorum", "fallback", "created_at")
    list_filter = ("market", "kind")
    list_select_related = ("market",)
    ordering = ("market__name", "-version")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say who may: whoever has the right, as Django keeps it."""
        return request.user.has_perm("oracle.add_oraclespec")

    def get_fields(self, request: HttpRequest, obj: OracleSpec | None = None) -> list[Any]:
        """Return what a specification says, and the reason for who may change it."""
        shown = ["market", *(["version", "created_at"] if obj else []), *_in_order()]
        may = self.has_change_permission(request, obj)
        return [*shown, "reason"] if may or obj is None else shown

    def get_readonly_fields(self, request: HttpRequest, obj: OracleSpec | None = None) -> list[Any]:
        """Return what names a version: the market and the number stay."""
        return ["market", "version", "created_at"] if obj else []

    def save_model(
        self,
        request: HttpRequest,
        obj: OracleSpec,
        form: Any,
        change: bool,  # noqa: FBT001 (Django's signature)
    ) -> None:
        """Hand the text to the service, which makes the next version of it."""
        saved = staff.spec_change(
            actor=cast("User", request.user),
            market_id=obj.market_id,
            fields={name: form.cleaned_data[name] for name in FIELDS},
            reason=form.cleaned_data["reason"],
        )
        obj.pk, obj.version = saved.pk, saved.version


def _in_order() -> list[str]:
    columns = OracleSpec._meta.concrete_fields  # noqa: SLF001 (Django's own public door)
    return [column.name for column in columns if column.name in FIELDS]


@admin.register(Schedule)
class ScheduleAdmin(Verbs):
    """When each oracle runs next. Staff may stop it, let it go on, or try it without effect."""

    list_display = ("market", "spec", "interval_s", "next_at", "runs", "failures", "paused_reason")
    list_select_related = ("market", "spec__market")
    ordering = ("market__name",)
    extra = ("runs_of",)
    verbs = (
        Verb(
            name="oracle_pause",
            label="Pause the oracle",
            explained="F keeps its value and ages in public; opening stops by rule after a while.",
            act=lambda actor, row, reason: staff.oracle_pause(
                actor=actor, market_id=row.pk, reason=reason
            ),
        ),
        Verb(
            name="oracle_resume",
            label="Resume the oracle",
            explained="The next run starts with the next sweep.",
            act=lambda actor, row, reason: staff.oracle_resume(
                actor=actor, market_id=row.pk, reason=reason
            ),
        ),
        Verb(
            name="oracle_dry_run",
            label="Dry run",
            explained="Everything a run does but applying it; the evidence stays unspent.",
            act=lambda actor, row, reason: staff.dry_run(
                actor=actor, market_id=row.pk, reason=reason
            ),
        ),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: the verbs are all that may be done."""
        return False

    @admin.display(description="runs")
    def runs_of(self, row: Schedule) -> str:
        """Return a link to the market's runs."""
        return link_list(Run, "runs", market__id__exact=row.pk)


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


@admin.register(Run)
class RunAdmin(ReadOnly):
    """Each attempt with its inputs, hashes, timings and end."""

    list_display = ("id", "market", "number", "state", "reason", "is_dry", "started_at", "cost")
    list_filter = ("state", "is_dry", "market")
    list_select_related = ("market",)
    search_fields = ("=ref",)
    hidden = ("cost_micro",)
    extra = ("cost", "reports_of", "sightings_of")
    ordering = ("-id",)

    @admin.display(description="cost", ordering="cost_micro")
    def cost(self, run: Run) -> str:
        """Return what the run cost."""
        return _usd(run.cost_micro)

    @admin.display(description="reports")
    def reports_of(self, run: Run) -> str:
        """Return a link to its reports."""
        return link_list(Report, "reports", run__id__exact=run.pk)

    @admin.display(description="sightings")
    def sightings_of(self, run: Run) -> str:
        """Return a link to what was seen."""
        return link_list(Sighting, "sightings", run__id__exact=run.pk)


@admin.register(Report)
class ReportAdmin(Reached):
    """What each seat said."""

    list_display = ("run", "seat", "reader", "kind", "change", *columns(Report, "confidence_e8"))
    list_filter = ("reader", "kind")
    list_select_related = ("run__market",)
    hidden = ("delta_pico",)
    extra = ("change",)
    ordering = ("-id",)

    reached_by = "run__id__exact"

    @admin.display(description="change against F", ordering="delta_pico")
    def change(self, report: Report) -> str:
        """Return the estimated change in percent."""
        return f"{figures.trimmed(report.delta_pico * 100, PICO, 2, 8)} %"


@admin.register(Cluster)
class ClusterAdmin(ReadOnly):
    """The stories, each by its hashes; the words are with its evidence."""

    list_display = ("id", "first_at", "created_at")
    hidden = ("bands",)
    extra = ("told_by",)

    @admin.display(description="told by")
    def told_by(self, cluster: Cluster) -> str:
        """Return a link to every telling."""
        return link_list(Evidence, "evidence", cluster__id__exact=cluster.pk)


@admin.register(Evidence)
class EvidenceAdmin(Reached):
    """What was read, as it was stored."""

    list_display = ("title", "publisher", "published_at", "fetched_at", "cluster", "is_head")
    list_select_related = ("cluster",)
    search_fields = ("title", "publisher")
    ordering = ("-id",)

    reached_by = "cluster__id__exact"


@admin.register(Sighting)
class SightingAdmin(Reached):
    """In which place each source gave what."""

    list_display = ("run", "source", "rank", "evidence")
    list_filter = ("source",)
    list_select_related = ("run__market", "source", "evidence")
    ordering = ("-run_id", "source", "rank")

    reached_by = "run__id__exact"


@admin.register(SpentEvidence)
class SpentEvidenceAdmin(ReadOnly):
    """Which story was used up in which market, by which run."""

    list_display = ("market", "cluster", "run")
    list_filter = ("market",)
    list_select_related = ("market", "cluster", "run__market")
    ordering = ("-id",)


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
        return _usd(entry.cost_micro)


@admin.register(CachedAnswer)
class CachedAnswerAdmin(ReadOnly):
    """The last answers of the sources."""

    list_display = ("source", "fetched_at", "etag", "last_modified")
    list_select_related = ("source",)
    ordering = ("source", "-fetched_at")


@admin.register(Card)
class CardAdmin(ReadOnly):
    """How right each oracle was, by measured period."""

    list_display = ("market", "from_at", "to_at", "runs", "applied", "moved", "made_at")
    list_filter = ("market",)
    list_select_related = ("market",)


@admin.register(CardRow)
class CardRowAdmin(Reached):
    """The lines of the cards."""

    reached_by = "card__id__exact"
    list_display = ("card", "of", "name", "claims", "judged", "hits", "hit_e8", "brier_e8")
    list_filter = ("of",)
    list_select_related = ("card__market",)
