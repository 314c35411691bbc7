"""Each run with its reports, and the evidence behind them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from exchange import figures
from exchange.admin.base import EMPTY, ReadOnly, columns, link_list
from exchange.admin.verbs import ReasonForm, Verb, Verbs
from exchange.engines.units import PICO, RATE
from exchange.models import OracleMove
from oracle.admin.base import Reached, usd
from oracle.models import (
    Cluster,
    Evidence,
    HumanLabel,
    Report,
    Run,
    Sighting,
    SpentEvidence,
)
from oracle.selectors import aftermath, feed
from oracle.services import staff


class LabelForm(ReasonForm):
    """What the news of a run meant, and why one thinks so."""

    sign = forms.TypedChoiceField(choices=HumanLabel.Sign.choices, coerce=int, label="It meant")


@admin.register(Run)
class RunAdmin(Verbs):
    """Each attempt with its inputs, hashes, timings and end. Staff may recompute one."""

    verbs = (
        Verb(
            name="replay",
            label="Replay",
            explained="Reads the stored evidence again and compares every bit; changes nothing.",
            act=lambda actor, row, reason: staff.replay_check(actor=actor, run=row, reason=reason),
        ),
        Verb(
            name="label",
            label="Judge",
            explained="Says what the news meant. Cards and calibrations made later count it.",
            act=lambda actor, row, reason, sign: staff.run_label(
                actor=actor, run=row, sign=sign, reason=reason
            ),
            form=LabelForm,
        ),
    )

    list_display = (
        "id",
        "market",
        "number",
        "state",
        "reason",
        "moved",
        "clamped",
        "cost",
        "is_dry",
        "started_at",
    )
    list_filter = ("state", "is_dry", "market")
    list_select_related = ("market",)
    search_fields = ("=ref",)
    hidden = ("cost_micro", "outcome")
    extra = ("cost", "moved", "clamped_by", "price_then", "reports_of", "sightings_of")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """Return the runs with what their events did, in the list's one query."""
        event = OracleMove.objects.filter(ref=OuterRef("ref"))
        names = {"f_before": "fundamental_before_pico", "f_after": "fundamental_pico"}
        rows: QuerySet[Run] = super().get_queryset(request)
        return rows.annotate(
            clamp_rules=Subquery(event.values("clamps")[:1]),
            **{to: Subquery(event.values(name)[:1]) for to, name in names.items()},
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: the verb is all that may be done."""
        return False

    @admin.display(description="cost", ordering="cost_micro")
    def cost(self, run: Run) -> str:
        """Return what the run cost."""
        return usd(run.cost_micro)

    @admin.display(description="F moved")
    def moved(self, run: Run) -> str | None:
        """Return how far the event moved F; nothing without an event."""
        before, after = (vars(run)[name] for name in ("f_before", "f_after"))
        if before is None:
            return None
        return figures.percent_signed(int((after - before) * RATE / before))

    @admin.display(description="clamped by")
    def clamped(self, run: Run) -> str:
        """Return the rules that held the event back."""
        return ", ".join(vars(run)["clamp_rules"] or ())

    @admin.display(description="clamped by")
    def clamped_by(self, run: Run) -> str:
        """Return each rule that held the event back, with what it says."""
        rules = [(rule, feed.CLAMPS.get(rule, rule)) for rule in vars(run)["clamp_rules"] or ()]
        return format_html_join(mark_safe("<br>"), "{}: {}", rules) or "nothing"

    @admin.display(description="market price")
    def price_then(self, run: Run) -> str | None:
        """Return the market price before the event, right after it, and later."""
        found = aftermath.moves([run.ref]).get(run.ref)
        if found is None:
            return None
        told = found.aftermath
        before = figures.price(told.before_pico) if told.before_pico is not None else told.why
        lines = [("before", before), ("right after", figures.price(told.market_pico))]
        for one in told.later:
            moved = one.change_e8 is not None and one.market_pico is not None
            lines.append((f"after {one.name}", _later(one) if moved else f"{EMPTY} ({one.why})"))
        return format_html_join(mark_safe("<br>"), "{}: {}", lines)

    @admin.display(description="reports")
    def reports_of(self, run: Run) -> str:
        """Return a link to its reports."""
        return link_list(Report, "reports", run__id__exact=run.pk)

    @admin.display(description="sightings")
    def sightings_of(self, run: Run) -> str:
        """Return a link to what was seen."""
        return link_list(Sighting, "sightings", run__id__exact=run.pk)


def _later(one: aftermath.Price) -> str:
    return f"{figures.price(one.market_pico or 0)} ({figures.percent_signed(one.change_e8 or 0)})"


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


@admin.register(HumanLabel)
class HumanLabelAdmin(ReadOnly):
    """What people said runs meant; the newest of a run counts."""

    list_display = ("run", "sign", "by", "reason", "at")
    list_filter = ("sign",)
    list_select_related = ("run__market", "by")
    ordering = ("-id",)
