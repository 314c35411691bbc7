"""The addresses of the API, version 1."""

from django.urls import path

from exchange.api import account, candles, markets, orders, pools, portfolio

urlpatterns = [
    path("markets/", markets.MarketList.as_view(), name="api-market-list"),
    path("markets/<slug:slug>/", markets.MarketFull.as_view(), name="api-market"),
    path("markets/<slug:slug>/snapshot/", markets.MarketSnapshot.as_view(), name="api-snapshot"),
    path("markets/<slug:slug>/candles/", candles.CandleList.as_view(), name="api-candles"),
    path("markets/<slug:slug>/trades/", markets.TradeList.as_view(), name="api-trades"),
    path("markets/<slug:slug>/events/", markets.EventList.as_view(), name="api-events"),
    path("markets/<slug:slug>/quotes/", orders.QuoteCreate.as_view(), name="api-quotes"),
    path("markets/<slug:slug>/orders/", orders.OrderCreate.as_view(), name="api-order-create"),
    path(
        "markets/<slug:slug>/contributions/",
        pools.ContributionCreate.as_view(),
        name="api-contributions",
    ),
    path("markets/<slug:slug>/fee-claims/", pools.FeeClaimCreate.as_view(), name="api-fee-claims"),
    path("orders/", orders.OrderList.as_view(), name="api-order-list"),
    path("orders/<str:order_id>/", orders.OrderRead.as_view(), name="api-order"),
    path("fills/", portfolio.FillList.as_view(), name="api-fill-list"),
    path("positions/", portfolio.PositionList.as_view(), name="api-position-list"),
    path("stakes/", portfolio.StakeList.as_view(), name="api-stake-list"),
    path("balances/", portfolio.BalanceRead.as_view(), name="api-balances"),
    path("me/", account.Me.as_view(), name="api-me"),
    path("tokens/", account.TokenList.as_view(), name="api-token-list"),
    path("tokens/<str:token_id>/", account.TokenOne.as_view(), name="api-token"),
    path("staff-actions/", markets.StaffActionList.as_view(), name="api-staff-action-list"),
]
