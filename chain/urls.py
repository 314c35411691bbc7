"""The addresses of the wallet's pages and of the reserves."""

from django.urls import path

from chain.views import reserves_page, wallet_page, withdraw_pages

urlpatterns = [
    path("wallet/", wallet_page.wallet_page, name="wallet"),
    path("wallet/moves/", wallet_page.wallet_moves, name="wallet_moves"),
    path("wallet/faucet/", wallet_page.faucet, name="wallet_faucet"),
    path("wallet/withdraw/", withdraw_pages.withdraw_new, name="withdraw"),
    path("wallet/withdrawals/", withdraw_pages.withdraw_create, name="withdraw_create"),
    path(
        "wallet/withdrawals/<str:withdrawal_id>/",
        withdraw_pages.withdrawal_page,
        name="withdrawal_page",
    ),
    path(
        "wallet/withdrawals/<str:withdrawal_id>/cancel/",
        withdraw_pages.withdrawal_cancel,
        name="withdrawal_cancel",
    ),
    path("wallet/addresses/", withdraw_pages.book_add, name="book_add"),
    path("wallet/addresses/<str:entry_id>/remove/", withdraw_pages.book_remove, name="book_remove"),
    path("reserves/", reserves_page.reserves_page, name="reserves"),
    path("reserves/leaf.json", reserves_page.reserves_leaf, name="reserves_leaf"),
]
