"""The addresses of the pages."""

from django.urls import path

from exchange.views import (
    account_page,
    cancels,
    collateral,
    fill_page,
    market_history,
    market_list,
    market_page,
    portfolio_page,
    preferences,
    receipts,
    stakes,
    tickets,
)

urlpatterns = [
    path("", market_list.market_list, name="market_list"),
    path("markets/<slug:slug>/", market_page.market_page, name="market_page"),
    path("markets/<slug:slug>/prices/", market_page.market_prices, name="market_prices"),
    path("markets/<slug:slug>/position/", market_page.market_position, name="market_position"),
    path(
        "markets/<slug:slug>/open-orders/",
        market_page.market_open_orders,
        name="market_open_orders",
    ),
    path("markets/<slug:slug>/news/", market_page.market_news, name="market_news"),
    path("markets/<slug:slug>/state/", market_page.market_state, name="market_state"),
    path("markets/<slug:slug>/history/", market_history.market_history, name="market_history"),
    path(
        "markets/<slug:slug>/history.csv",
        market_history.market_history_csv,
        name="market_history_csv",
    ),
    path("markets/<slug:slug>/preview/", tickets.market_preview, name="market_preview"),
    path("markets/<slug:slug>/orders/", tickets.order_create, name="order_create"),
    path("markets/<slug:slug>/orders/status/", tickets.order_status, name="order_status"),
    path(
        "markets/<slug:slug>/orders/cancel-all/",
        cancels.market_cancel_all,
        name="market_cancel_all",
    ),
    path("markets/<slug:slug>/orders/<int:ref>/cancel/", cancels.order_cancel, name="order_cancel"),
    path(
        "markets/<slug:slug>/collateral/preview/",
        collateral.collateral_preview,
        name="collateral_preview",
    ),
    path("markets/<slug:slug>/collateral/", collateral.collateral_create, name="collateral_create"),
    path(
        "markets/<slug:slug>/contributions/",
        stakes.contribution_create,
        name="contribution_create",
    ),
    path("markets/<slug:slug>/claims/", stakes.claim_create, name="claim_create"),
    path("orders/<str:order_id>/", receipts.order_page, name="order_page"),
    path("fills/<str:fill_id>/", fill_page.fill_page, name="fill_page"),
    path("portfolio/", portfolio_page.portfolio_page, name="portfolio"),
    path("portfolio/orders.csv", portfolio_page.orders_csv, name="orders_csv"),
    path("portfolio/fills.csv", portfolio_page.fills_csv, name="fills_csv"),
    path("portfolio/positions.csv", portfolio_page.positions_csv, name="positions_csv"),
    path("portfolio/open-orders.csv", portfolio_page.open_orders_csv, name="open_orders_csv"),
    path("portfolio/cancel-all/", cancels.cancel_all, name="cancel_all"),
    path("account/", account_page.account, name="account"),
    path("account/tokens/", account_page.token_create, name="token_create"),
    path("account/tokens/<str:token_id>/revoke/", account_page.token_revoke, name="token_revoke"),
    path("demo-funds/", account_page.demo_funds_create, name="demo_funds"),
    path("preferences/", preferences.preferences, name="preferences"),
    path("help/", account_page.help_page, name="help"),
]
