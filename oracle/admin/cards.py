"""How right oracles and forecasters were."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from exchange import figures
from exchange.admin.base import ReadOnly
from exchange.admin.verbs import ReasonForm, Verb, Verbs
from exchange.engines.units import PICO
from exchange.models import User
from oracle.admin.base import Reached
from oracle.models import (
    Calibration,
    Card,
    CardRow,
    Forecast,
    Forecaster,
    UsedForecast,
)
from oracle.services import staff


@admin.register(Calibration)
class CalibrationAdmin(ReadOnly):
    """What readers' confidence proved to be worth, and what was known then."""

    list_display = ("market", "reader", "method", "labels", "claims", "known_until")
    list_filter = ("method", "reader", "market")
    list_select_related = ("market",)
    ordering = ("-id",)


class ForecasterForm(forms.ModelForm, ReasonForm):  # type: ignore[type-arg]
    """Who may forecast, under which name, and why."""

    class Meta:
        model = Forecaster
        fields = ("user", "name")


@admin.register(Forecaster)
class ForecasterAdmin(Verbs):
    """Whose programs may hand in reports. What they say weighs nothing before it proved right."""

    form = ForecasterForm
    list_display = ("name", "user", "is_active", "granted_at")
    list_select_related = ("user",)
    search_fields = ("name",)
    verbs = (
        Verb(
            name="withdraw",
            label="Take the right away",
            explained="Nothing new is taken, and nothing that waits counts any more.",
            act=lambda actor, row, reason: staff.forecaster_withdraw(
                actor=actor, who=row, reason=reason
            ),
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say who may: whoever has the right, as Django keeps it."""
        return request.user.has_perm("oracle.add_forecaster")

    def get_fields(self, request: HttpRequest, obj: Forecaster | None = None) -> list[Any]:
        """Return who and under which name, and the reason for who may change it."""
        return ["user", "name", *(["is_active", "granted_at"] if obj else []), "reason"]

    def get_readonly_fields(self, request: HttpRequest, obj: Forecaster | None = None) -> list[Any]:
        """Return who it is: a right does not move to somebody else."""
        return ["user", "is_active", "granted_at"] if obj else []

    def save_model(
        self,
        request: HttpRequest,
        obj: Forecaster,
        form: Any,
        change: bool,  # noqa: FBT001 (Django's signature)
    ) -> None:
        """Hand it to the service, which grants the right, or grants it again."""
        staff.forecaster_grant(
            actor=cast("User", request.user),
            user=obj.user,
            name=form.cleaned_data["name"],
            reason=form.cleaned_data["reason"],
        )


@admin.register(Forecast)
class ForecastAdmin(ReadOnly):
    """What outside programs said."""

    list_display = ("forecaster", "market", "change", "confidence", "made_at", "expires_at")
    list_filter = ("market",)
    list_select_related = ("forecaster", "market")
    hidden = ("delta_pico", "confidence_e8")
    extra = ("change", "confidence")
    ordering = ("-id",)

    @admin.display(description="change against F", ordering="delta_pico")
    def change(self, row: Forecast) -> str:
        """Return the change in percent."""
        return f"{figures.trimmed(row.delta_pico * 100, PICO, 2, 8)} %"

    @admin.display(description="confidence", ordering="confidence_e8")
    def confidence(self, row: Forecast) -> str:
        """Return how sure it was, in percent."""
        return figures.percent(row.confidence_e8)


@admin.register(UsedForecast)
class UsedForecastAdmin(ReadOnly):
    """Which run counted which forecast."""

    list_display = ("forecast", "run")
    list_select_related = ("forecast__forecaster", "forecast__market", "run__market")


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
