"""The addresses of the oracle in the API, version 1."""

from django.urls import path

from oracle import api

urlpatterns = [
    path("runs/", api.RunList.as_view(), name="api-run-list"),
    path("report-cards/", api.CardList.as_view(), name="api-card-list"),
    path("runs/<str:run_id>/", api.RunRead.as_view(), name="api-run"),
]
