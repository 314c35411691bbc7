"""The addresses of the wallet in the API, version 1."""

from django.urls import path

from chain.api import wallet

urlpatterns = [
    path("wallet/", wallet.WalletRead.as_view(), name="api-wallet"),
    path("wallet/deposits/", wallet.DepositList.as_view(), name="api-deposits"),
    path("wallet/addresses/", wallet.BookRead.as_view(), name="api-addresses"),
    path("wallet/withdrawals/", wallet.PaymentList.as_view(), name="api-payments"),
    path("wallet/withdrawals/<str:payment_id>/", wallet.PaymentRead.as_view(), name="api-payment"),
    path(
        "wallet/withdrawals/<str:payment_id>/cancel/",
        wallet.PaymentCancel.as_view(),
        name="api-payment-cancel",
    ),
    path("reserves/", wallet.ReservesRead.as_view(), name="api-reserves"),
    path("reserves/leaf/", wallet.LeafRead.as_view(), name="api-reserves-leaf"),
]
