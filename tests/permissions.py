"""Who may use each address: the table that a new address has to be entered in.

`test_architecture.py` fails for an address that is missing here, and tries each as somebody who
must be refused.
"""

from enum import Enum


class Who(Enum):
    """The least that a caller must be."""

    ANYONE = "anyone, signed in or not"
    SIGNED_IN = "whoever is signed in, for what is their own"
    STAFF = "staff"
    METRICS = "staff, and who holds the metrics token"
    TOKEN = "whoever is signed in or holds a token of the right scope"


# A key that ends in * stands for every address that begins so.
PERMISSIONS = {
    "healthz": Who.ANYONE,
    "favicon.ico": Who.ANYONE,
    "readyz": Who.ANYONE,
    "metrics": Who.METRICS,
    "admin/login/": Who.ANYONE,
    "admin/*": Who.STAFF,
    # The API. What anyone may read, only reading is open to anyone.
    "api/schema/": Who.ANYONE,
    "api/docs/": Who.ANYONE,
    r"^api/[\s\S]": Who.ANYONE,
    "api/v1/markets/": Who.ANYONE,
    "api/v1/markets/<slug:slug>/": Who.ANYONE,
    "api/v1/markets/<slug:slug>/snapshot/": Who.ANYONE,
    "api/v1/markets/<slug:slug>/candles/": Who.ANYONE,
    "api/v1/markets/<slug:slug>/trades/": Who.ANYONE,
    "api/v1/markets/<slug:slug>/events/": Who.ANYONE,
    "api/v1/markets/<slug:slug>/quotes/": Who.ANYONE,
    "api/v1/staff-actions/": Who.ANYONE,
    "api/v1/report-cards/": Who.ANYONE,
    "api/v1/runs/": Who.ANYONE,
    "api/v1/runs/<str:run_id>/": Who.ANYONE,
    "api/v1/markets/<slug:slug>/orders/": Who.TOKEN,
    "api/v1/markets/<slug:slug>/limit-orders/": Who.TOKEN,
    "api/v1/markets/<slug:slug>/limit-orders/quote/": Who.ANYONE,
    "api/v1/markets/<slug:slug>/targets/": Who.TOKEN,
    "api/v1/markets/<slug:slug>/targets/quote/": Who.TOKEN,
    "api/v1/markets/<slug:slug>/timed-exits/": Who.TOKEN,
    "api/v1/markets/<slug:slug>/collateral/": Who.TOKEN,
    "api/v1/markets/<slug:slug>/collateral/quote/": Who.TOKEN,
    "api/v1/markets/<slug:slug>/contributions/": Who.TOKEN,
    "api/v1/markets/<slug:slug>/contributions/quote/": Who.ANYONE,
    "api/v1/markets/<slug:slug>/withdrawals/": Who.TOKEN,
    "api/v1/markets/<slug:slug>/withdrawals/quote/": Who.TOKEN,
    "api/v1/markets/<slug:slug>/fee-claims/": Who.TOKEN,
    "api/v1/orders/": Who.TOKEN,
    "api/v1/orders/<str:order_id>/": Who.TOKEN,
    "api/v1/resting/": Who.TOKEN,
    "api/v1/resting/cancel-all/": Who.TOKEN,
    "api/v1/resting/<str:resting_id>/": Who.TOKEN,
    "api/v1/resting/<str:resting_id>/cancel/": Who.TOKEN,
    "api/v1/withdrawals/": Who.TOKEN,
    "api/v1/fills/": Who.TOKEN,
    "api/v1/positions/": Who.TOKEN,
    "api/v1/stakes/": Who.TOKEN,
    "api/v1/balances/": Who.TOKEN,
    "api/v1/liquidity/pools/": Who.ANYONE,
    "api/v1/liquidity/pools/<slug:slug>/": Who.ANYONE,
    "api/v1/liquidity/pools/<slug:slug>/preview/": Who.ANYONE,
    "api/v1/liquidity/requests/": Who.TOKEN,
    "api/v1/liquidity/requests/<str:request_id>/": Who.TOKEN,
    "api/v1/liquidity/requests/<str:request_id>/withdraw/": Who.TOKEN,
    "api/v1/liquidity/simulations/": Who.TOKEN,
    "api/v1/liquidity/simulations/<str:simulation_id>/": Who.ANYONE,
    "api/v1/liquidity/simulations/<str:simulation_id>/paths/<int:number>/": Who.ANYONE,
    "api/v1/liquidity/simulations/<str:simulation_id>/pin/": Who.TOKEN,
    "api/v1/me/": Who.TOKEN,
    "api/v1/tokens/": Who.TOKEN,
    "api/v1/tokens/<str:token_id>/": Who.TOKEN,
    # The account pages of allauth.
    "accounts/login/": Who.ANYONE,
    "accounts/logout/": Who.ANYONE,
    "accounts/inactive/": Who.ANYONE,
    "accounts/signup/": Who.ANYONE,
    "accounts/confirm-email/": Who.ANYONE,
    "accounts/^confirm-email/(?P<key>[-:\\w]+)/$": Who.ANYONE,
    "accounts/login/code/confirm/": Who.ANYONE,
    "accounts/password/reset/": Who.ANYONE,
    "accounts/password/reset/done/": Who.ANYONE,
    "accounts/password/reset/key/done/": Who.ANYONE,
    "accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": Who.ANYONE,
    "accounts/2fa/authenticate/": Who.ANYONE,
    "accounts/2fa/webauthn/login/": Who.ANYONE,
    "accounts/reauthenticate/": Who.SIGNED_IN,
    "accounts/email/": Who.SIGNED_IN,
    "accounts/password/change/": Who.SIGNED_IN,
    "accounts/password/set/": Who.SIGNED_IN,
    "accounts/sessions/": Who.SIGNED_IN,
    "accounts/2fa/*": Who.SIGNED_IN,
    # The pages.
    "": Who.ANYONE,
    "markets/<slug:slug>/": Who.ANYONE,
    "markets/<slug:slug>/prices/": Who.ANYONE,
    "markets/<slug:slug>/position/": Who.ANYONE,
    "markets/<slug:slug>/open-orders/": Who.ANYONE,
    "markets/<slug:slug>/news/": Who.ANYONE,
    "markets/<slug:slug>/state/": Who.ANYONE,
    "markets/<slug:slug>/history/": Who.ANYONE,
    "markets/<slug:slug>/history.csv": Who.ANYONE,
    "markets/<slug:slug>/preview/": Who.ANYONE,
    "markets/<slug:slug>/orders/": Who.SIGNED_IN,
    "markets/<slug:slug>/orders/status/": Who.SIGNED_IN,
    "markets/<slug:slug>/contributions/": Who.SIGNED_IN,
    "markets/<slug:slug>/claims/": Who.SIGNED_IN,
    "markets/<slug:slug>/orders/cancel-all/": Who.SIGNED_IN,
    "markets/<slug:slug>/orders/<int:ref>/cancel/": Who.SIGNED_IN,
    "markets/<slug:slug>/collateral/preview/": Who.SIGNED_IN,
    "markets/<slug:slug>/collateral/": Who.SIGNED_IN,
    "orders/<str:order_id>/": Who.SIGNED_IN,
    "fills/<str:fill_id>/": Who.SIGNED_IN,
    "portfolio/": Who.SIGNED_IN,
    "portfolio/orders.csv": Who.SIGNED_IN,
    "portfolio/fills.csv": Who.SIGNED_IN,
    "portfolio/positions.csv": Who.SIGNED_IN,
    "portfolio/open-orders.csv": Who.SIGNED_IN,
    "portfolio/cancel-all/": Who.SIGNED_IN,
    "account/": Who.SIGNED_IN,
    "account/tokens/": Who.SIGNED_IN,
    "account/tokens/<str:token_id>/revoke/": Who.SIGNED_IN,
    "demo-funds/": Who.SIGNED_IN,
    "markets/<slug:slug>/oracle/": Who.ANYONE,
    "markets/<slug:slug>/oracle/card/": Who.ANYONE,
    "oracle/runs/<str:run_id>/": Who.ANYONE,
    "liquidity/": Who.ANYONE,
    "liquidity/<slug:slug>/": Who.ANYONE,
    "liquidity/<slug:slug>/contributions/": Who.SIGNED_IN,
    "liquidity/<slug:slug>/withdrawals/": Who.SIGNED_IN,
    "liquidity/<slug:slug>/withdrawals/cancel/": Who.SIGNED_IN,
    "liquidity/<slug:slug>/claims/": Who.SIGNED_IN,
    "liquidity/requests/": Who.SIGNED_IN,
    "liquidity/requests/new/": Who.SIGNED_IN,
    "liquidity/requests/<str:request_id>/": Who.SIGNED_IN,
    "liquidity/requests/<str:request_id>/withdraw/": Who.SIGNED_IN,
    "liquidity/simulations/": Who.SIGNED_IN,
    "liquidity/simulations/new/": Who.SIGNED_IN,
    # Only a pinned run is there for anyone.
    "liquidity/simulations/<str:simulation_id>/": Who.ANYONE,
    "liquidity/simulations/<str:simulation_id>/pin/": Who.SIGNED_IN,
    "preferences/": Who.ANYONE,
    "help/": Who.ANYONE,
}


def who(route: str) -> Who | None:
    """Return who may use an address: by its own entry, else by the longest that ends in *."""
    if route in PERMISSIONS:
        return PERMISSIONS[route]
    stars = [key for key in PERMISSIONS if key.endswith("*") and route.startswith(key[:-1])]
    return PERMISSIONS[max(stars, key=len)] if stars else None
