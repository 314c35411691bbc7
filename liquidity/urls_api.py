"""The addresses of the providers' side in the API, version 1."""

from django.urls import path

from liquidity.api import pools, requests, simulations

urlpatterns = [
    path("liquidity/pools/", pools.PoolList.as_view(), name="api-pool-list"),
    path("liquidity/pools/<slug:slug>/", pools.PoolRead.as_view(), name="api-pool"),
    path(
        "liquidity/pools/<slug:slug>/preview/",
        pools.ContributionPreview.as_view(),
        name="api-contribution-preview",
    ),
    path("liquidity/requests/", requests.RequestList.as_view(), name="api-request-list"),
    path(
        "liquidity/requests/<str:request_id>/", requests.RequestRead.as_view(), name="api-request"
    ),
    path(
        "liquidity/requests/<str:request_id>/withdraw/",
        requests.RequestWithdraw.as_view(),
        name="api-request-withdraw",
    ),
    path(
        "liquidity/simulations/", simulations.SimulationList.as_view(), name="api-simulation-list"
    ),
    path(
        "liquidity/simulations/<str:simulation_id>/",
        simulations.SimulationRead.as_view(),
        name="api-simulation",
    ),
    path(
        "liquidity/simulations/<str:simulation_id>/paths/<int:number>/",
        simulations.PathRead.as_view(),
        name="api-simulation-path",
    ),
    path(
        "liquidity/simulations/<str:simulation_id>/pin/",
        simulations.SimulationPin.as_view(),
        name="api-simulation-pin",
    ),
]
