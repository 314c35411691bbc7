"""Simulations: ask for one, list one's own, read one with its report, pin it to a market."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from exchange.api.endpoint import (
    Endpoint,
    PageQuery,
    Public,
    body_of,
    paged,
    position_of,
    query_of,
    trader_of,
    visitor_of,
)
from exchange.api.schema import operation
from exchange.selectors import access
from liquidity.api import simulation_shapes as shapes
from liquidity.models import SimulationRun
from liquidity.models.simulations import PREFIX
from liquidity.selectors import simulations
from liquidity.services import simulations as services

ANYONE = ("", "token", "cookieAuth")


class SimulationList(Endpoint):
    """The caller's runs."""

    @operation("simulation_list", answer=shapes.SimulationPage, query=PageQuery, tag="liquidity")
    def get(self, request: Request) -> Response:
        """List own simulations, newest first."""
        user, wanted = trader_of(request), query_of(request, PageQuery)
        before = position_of(PREFIX, wanted.get("cursor"))
        rows = simulations.simulations_of(user, wanted["limit"] + 1, before=before)
        return paged(shapes.SimulationShape, list(rows), wanted["limit"], lambda r: r.public_id)

    @operation(
        "simulation_create",
        answer=shapes.SimulationDetail,
        takes=shapes.SimulationInput,
        status=201,
        tag="liquidity",
    )
    def post(self, request: Request) -> Response:
        """Queue a simulation; while one of the caller's is open, another is 429."""
        user = trader_of(request)
        asked = body_of(request, shapes.SimulationInput)
        base = access.market(asked["market"]).config if "market" in asked else {}
        run = services.simulation_request(
            user=user,
            parameters={**base, **asked["parameters"]},
            scenario=dict(asked["scenario"]),
        )
        return Response(_detail(run), status=201)


class SimulationRead(Public):
    """One run."""

    @operation("simulation_read", answer=shapes.SimulationDetail, tag="liquidity", auth=ANYONE)
    def get(self, request: Request, simulation_id: str) -> Response:
        """Return an own simulation, or a pinned one, with its report once it is done."""
        run = simulations.simulation_of(visitor_of(request), simulation_id)
        return Response(_detail(run))


class PathRead(Public):
    """One path of a run."""

    @operation("simulation_path_read", answer=shapes.PathShape, tag="liquidity", auth=ANYONE)
    def get(self, request: Request, simulation_id: str, number: int) -> Response:
        """Return one path with the market by the hour."""
        run = simulations.simulation_of(visitor_of(request), simulation_id)
        return Response(shapes.PathShape(simulations.path_of(run, number)).data)


class SimulationPin(Endpoint):
    """Pinning a run."""

    @operation(
        "simulation_pin",
        answer=shapes.SimulationDetail,
        takes=shapes.PinInput,
        tag="liquidity",
    )
    def post(self, request: Request, simulation_id: str) -> Response:
        """Pin an own finished simulation to a market of the same parameters, for good."""
        user = trader_of(request)
        slug = body_of(request, shapes.PinInput)["market"]
        run = simulations.simulation_of(user, simulation_id)
        services.simulation_pin(user=user, run=run, market=access.market(slug))
        return Response(_detail(run))


def _detail(run: SimulationRun) -> dict[str, Any]:
    shown = simulations.overview(run)
    report: dict[str, Any] | None = None
    if shown is not None:
        report = {**shown.report, "sizes": shown.sizes, "worst_day_e8": shown.worst_day_e8}
        report = dict(shapes.ReportShape(report).data)
    return {**shapes.SimulationShape(run).data, "report": report}
