"""The addresses of the providers' pages."""

from django.urls import path

from liquidity.views import moves, pool_page, request_pages, simulation_pages

urlpatterns = [
    path("liquidity/", pool_page.pool_list, name="pool_list"),
    path("liquidity/requests/", request_pages.request_list, name="request_list"),
    path("liquidity/requests/new/", request_pages.request_new, name="request_new"),
    path("liquidity/requests/<str:request_id>/", request_pages.request_page, name="request_page"),
    path(
        "liquidity/requests/<str:request_id>/withdraw/",
        request_pages.request_withdraw,
        name="request_withdraw",
    ),
    path("liquidity/simulations/", simulation_pages.simulation_list, name="simulation_list"),
    path("liquidity/simulations/new/", simulation_pages.simulation_new, name="simulation_new"),
    path(
        "liquidity/simulations/<str:simulation_id>/",
        simulation_pages.simulation_page,
        name="simulation_page",
    ),
    path(
        "liquidity/simulations/<str:simulation_id>/pin/",
        simulation_pages.simulation_pin,
        name="simulation_pin",
    ),
    path("liquidity/<slug:slug>/", pool_page.pool_page, name="pool_page"),
    path("liquidity/<slug:slug>/contributions/", moves.pool_contribute, name="pool_contribute"),
    path("liquidity/<slug:slug>/withdrawals/", moves.pool_withdraw, name="pool_withdraw"),
    path("liquidity/<slug:slug>/withdrawals/cancel/", moves.pool_cancel, name="pool_cancel"),
    path("liquidity/<slug:slug>/claims/", moves.pool_claim, name="pool_claim"),
]
