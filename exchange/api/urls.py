"""The addresses of the API, version 1."""

from django.urls import path

from exchange.api import account, candles, markets, orders, pools, portfolio, quotes, resting

MARKET = "markets/<slug:slug>/"

urlpatterns = [
    path("markets/", markets.MarketList.as_view(), name="api-market-list"),
    path(MARKET, markets.MarketFull.as_view(), name="api-market"),
    path(f"{MARKET}snapshot/", markets.MarketSnapshot.as_view(), name="api-snapshot"),
    path(f"{MARKET}candles/", candles.CandleList.as_view(), name="api-candles"),
    path(f"{MARKET}trades/", markets.TradeList.as_view(), name="api-trades"),
    path(f"{MARKET}events/", markets.EventList.as_view(), name="api-events"),
    path(f"{MARKET}quotes/", quotes.QuoteCreate.as_view(), name="api-quotes"),
    path(f"{MARKET}orders/", orders.OrderCreate.as_view(), name="api-order-create"),
    path(f"{MARKET}limit-orders/", resting.LimitCreate.as_view(), name="api-limit-create"),
    path(f"{MARKET}limit-orders/quote/", quotes.LimitQuote.as_view(), name="api-limit-quote"),
    path(f"{MARKET}targets/", resting.TargetsSet.as_view(), name="api-targets"),
    path(f"{MARKET}targets/quote/", quotes.TargetsQuote.as_view(), name="api-targets-quote"),
    path(f"{MARKET}timed-exits/", resting.TimedExitCreate.as_view(), name="api-timed-exits"),
    path(f"{MARKET}collateral/", resting.CollateralChange.as_view(), name="api-collateral"),
    path(
        f"{MARKET}collateral/quote/",
        quotes.CollateralQuote.as_view(),
        name="api-collateral-quote",
    ),
    path(f"{MARKET}contributions/", pools.ContributionCreate.as_view(), name="api-contributions"),
    path(
        f"{MARKET}contributions/quote/",
        quotes.ContributionQuote.as_view(),
        name="api-contribution-quote",
    ),
    path(f"{MARKET}withdrawals/", pools.WithdrawalCreate.as_view(), name="api-withdrawals"),
    path(
        f"{MARKET}withdrawals/quote/",
        quotes.WithdrawalQuote.as_view(),
        name="api-withdrawal-quote",
    ),
    path(f"{MARKET}fee-claims/", pools.FeeClaimCreate.as_view(), name="api-fee-claims"),
    path("orders/", orders.OrderList.as_view(), name="api-order-list"),
    path("orders/<str:order_id>/", orders.OrderRead.as_view(), name="api-order"),
    path("resting/", resting.RestingList.as_view(), name="api-resting-list"),
    path("resting/cancel-all/", resting.RestingCancelAll.as_view(), name="api-cancel-all"),
    path("resting/<str:resting_id>/", resting.RestingRead.as_view(), name="api-resting"),
    path("resting/<str:resting_id>/cancel/", resting.RestingCancel.as_view(), name="api-cancel"),
    path("withdrawals/", pools.WithdrawalList.as_view(), name="api-withdrawal-list"),
    path("fills/", portfolio.FillList.as_view(), name="api-fill-list"),
    path("positions/", portfolio.PositionList.as_view(), name="api-position-list"),
    path("stakes/", portfolio.StakeList.as_view(), name="api-stake-list"),
    path("balances/", portfolio.BalanceRead.as_view(), name="api-balances"),
    path("me/", account.Me.as_view(), name="api-me"),
    path("tokens/", account.TokenList.as_view(), name="api-token-list"),
    path("tokens/<str:token_id>/", account.TokenOne.as_view(), name="api-token"),
    path("staff-actions/", markets.StaffActionList.as_view(), name="api-staff-action-list"),
]
