"""What each oracle is told to do, which version is followed, and when it runs."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from exchange.admin.base import ReadOnly, link_list
from exchange.admin.verbs import ReasonForm, Verb, Verbs
from exchange.models import User
from oracle.admin.base import usd
from oracle.models import (
    Activation,
    Backtest,
    OracleSpec,
    Run,
    Schedule,
)
from oracle.services import budgets, staff
from oracle.services.cards import HORIZON_S
from oracle.services.lint import lint
from oracle.services.terms import FIELDS


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


class BacktestForm(ReasonForm):
    """Which past is played for a report card, and why."""

    start = forms.DateTimeField(help_text="the first run's moment, UTC")
    end = forms.DateTimeField(help_text="the last one's; the past only")
    step_s = forms.IntegerField(min_value=60, initial=86_400, help_text="seconds between runs")
    horizon_s = forms.IntegerField(
        min_value=60,
        initial=86_400,
        required=False,
        help_text="seconds after which F's own move is the outcome, without a published number",
    )

    def clean_horizon_s(self) -> int:
        """Return a day where nothing was said."""
        return int(self.cleaned_data["horizon_s"] or HORIZON_S)


@admin.register(OracleSpec)
class OracleSpecAdmin(Verbs):
    """What each oracle is told to do. Saving makes a new version, which awaits its report card."""

    form = SpecForm
    list_display = ("market", "version", "kind", "quorum", "fallback", "state_of", "created_at")
    verbs = (
        Verb(
            name="backtest",
            label="Make a report card",
            explained="A worker plays the period as of each moment; the list shows how far it is.",
            act=lambda actor, row, reason, **period: staff.backtest_start(
                actor=actor, spec=row, reason=reason, **period
            ),
            form=BacktestForm,
        ),
        Verb(
            name="rehearse",
            label="Dry run",
            explained="Everything a run does but applying it; a card can play what it has read.",
            act=lambda actor, row, reason: staff.dry_run(
                actor=actor, market_id=row.market_id, reason=reason, spec=row
            ),
        ),
        Verb(
            name="follow",
            label="Follow this version",
            explained="The next run follows it. Its report card must say enough.",
            act=lambda actor, row, reason: staff.spec_follow(actor=actor, spec=row, reason=reason),
        ),
    )
    list_filter = ("market", "kind")
    list_select_related = ("market",)
    ordering = ("market__name", "-version")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say who may: whoever has the right, as Django keeps it."""
        return request.user.has_perm("oracle.add_oraclespec")

    @admin.display(description="state")
    def state_of(self, spec: OracleSpec) -> str:
        """Return whether it is followed, and how far its card is."""
        if Schedule.objects.filter(spec=spec).exists():
            return "followed"
        if spec.cards.exists():
            return "has its card"
        job = spec.backtests.order_by("-id").first()
        if job is None:
            return "awaits its card"
        return f"card {job.state}: {job.played} of {job.runs} {job.error}".strip()

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

    list_display = (
        "market",
        "spec",
        "interval_s",
        "next_at",
        "runs",
        "failures",
        "spent_today",
        "paused_reason",
    )
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

    @admin.display(description="spent today, of its budget")
    def spent_today(self, row: Schedule) -> str:
        """Return what the market's oracle has cost since midnight, and what it may cost a day."""
        spent, allowed = budgets.today(row.market_id), row.spec.daily_budget_micro
        return f"{usd(spent)} of {usd(allowed)}"

    @admin.display(description="runs")
    def runs_of(self, row: Schedule) -> str:
        """Return a link to the market's runs."""
        return link_list(Run, "runs", market__id__exact=row.pk)


@admin.register(Activation)
class ActivationAdmin(ReadOnly):
    """Which version each market follows, since when, on which card or by which exception."""

    list_display = ("spec", "card", "waived", "at")
    list_select_related = ("spec__market", "card__market")
    ordering = ("-id",)


@admin.register(Backtest)
class BacktestAdmin(ReadOnly):
    """Report cards in the making."""

    list_display = ("spec", "from_at", "to_at", "state", "played", "runs", "error", "asked_at")
    list_filter = ("state",)
    list_select_related = ("spec__market",)
    ordering = ("-id",)
