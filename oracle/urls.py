"""The addresses of the oracle's pages."""

from django.urls import path

from oracle import views

urlpatterns = [
    path("markets/<slug:slug>/oracle/", views.market_oracle, name="market_oracle"),
    path("markets/<slug:slug>/oracle/card/", views.market_card, name="market_card"),
    path("oracle/records/", views.records, name="oracle_records"),
    path("oracle/runs/<str:run_id>/", views.run_detail, name="oracle_run"),
]
