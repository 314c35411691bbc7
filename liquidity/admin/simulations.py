"""Simulations in the admin: who asked for what, how far it is, and every figure of its report."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from exchange.admin.base import ReadOnly, columns
from liquidity.models import SimulationPath, SimulationRun


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
    )
    list_filter = ("state",)
    list_select_related = ("requester", "market")
    ordering = ("-id",)


@admin.register(SimulationPath)
class SimulationPathAdmin(ReadOnly):
    """The paths of the runs."""

    list_display = ("run", "number")
    list_select_related = ("run",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SimulationPath]:
        """Leave the courses by the hour to the page of one path: a list of them is megabytes."""
        return super().get_queryset(request).defer("report", "run__report")
