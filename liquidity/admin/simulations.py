"""Simulations in the admin: every figure of each, and the button that asks for one."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from exchange.admin.base import ReadOnly, columns
from exchange.admin.verbs import TEMPLATE, ReasonForm
from exchange.errors import Refused
from exchange.models import Market, User
from liquidity.models import SimulationPath, SimulationRun
from liquidity.selectors import simulations
from liquidity.services.simulations import simulation_order

TITLE = "Run the simulator"
EXPLAINED = (
    "The market's parameters go through the usual scenario in the background. The run is the"
    " house's own; whoever is staff may pin it on its page."
)


class OrderForm(ReasonForm):
    """Which market is tried, and why."""

    market = forms.ModelChoiceField(
        Market.objects.none(), to_field_name="slug", help_text="One that is being funded."
    )
    field_order = ("market", "reason")

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        cast(
            "forms.ModelChoiceField[Market]", self.fields["market"]
        ).queryset = simulations.being_funded()


@admin.register(SimulationRun)
class SimulationRunAdmin(ReadOnly):
    """The runs, the newest first."""

    list_display = (
        "public_id",
        "requester",
        "market",
        "state",
        *columns(SimulationRun, "progress_e8"),
        "created_at",
        "finished_at",
        "shown",
    )
    list_filter = ("state",)
    list_select_related = ("requester", "market")
    ordering = ("-id",)
    extra = ("shown",)
    change_list_template = "admin/liquidity/simulationrun/change_list.html"

    @admin.display(description="page")
    def shown(self, run: SimulationRun) -> str:
        """Return a link to the run's plots."""
        address = reverse("simulation_page", args=[run.public_id])
        return format_html('<a href="{}">plots and tables</a>', address)

    def get_urls(self) -> list[URLPattern]:
        """Return the table's addresses with the button's before them."""
        ask = self.admin_site.admin_view(self.run_now)
        return [path("run/", ask, name="liquidity_simulationrun_run"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, with the button for who may press it."""
        extra = {**(extra_context or {}), "may_run": self._may_run(request)}
        return super().changelist_view(request, extra)

    def run_now(self, request: HttpRequest) -> HttpResponse:
        """Ask for the market and the reason, then queue the run."""
        if not self._may_run(request):
            return HttpResponse("not allowed", status=403, content_type="text/plain")
        form = OrderForm(
            request.POST if request.method == "POST" else None,
            initial={"market": request.GET.get("market")},
        )
        if request.method == "POST" and form.is_valid():
            try:
                run = simulation_order(actor=cast("User", request.user), **form.cleaned_data)
            except Refused as refusal:
                self.message_user(request, refusal.message, messages.ERROR)
            else:
                self.message_user(request, f"Queued: {run}", messages.SUCCESS)
            return redirect("admin:liquidity_simulationrun_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": TITLE,
            "verb": {"name": "", "label": TITLE, "explained": EXPLAINED},
            "form": form,
            "opts": self.opts,
        }
        return render(request, TEMPLATE, context)

    def _may_run(self, request: HttpRequest) -> bool:
        return request.user.has_perm("liquidity.add_simulationrun")


@admin.register(SimulationPath)
class SimulationPathAdmin(ReadOnly):
    """The paths of the runs."""

    list_display = ("run", "number")
    list_select_related = ("run",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SimulationPath]:
        """Leave the courses by the hour to the page of one path: a list of them is megabytes."""
        return super().get_queryset(request).defer("report", "run__report")
