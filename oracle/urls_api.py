"""The addresses of the oracle in the API, version 1."""

from django.urls import path

from oracle import api, api_forecasts, api_records

urlpatterns = [
    path("runs/", api.RunList.as_view(), name="api-run-list"),
    path("report-cards/", api.CardList.as_view(), name="api-card-list"),
    path("oracle-records/", api_records.RecordList.as_view(), name="api-record-list"),
    path("forecasts/", api_forecasts.ForecastDesk.as_view(), name="api-forecasts"),
    path("runs/<str:run_id>/", api.RunRead.as_view(), name="api-run"),
]
