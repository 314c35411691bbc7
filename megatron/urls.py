"""Every address of the site, by the part that answers it."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from exchange.admin.doors import close_side_doors
from exchange.api.errors import nowhere
from megatron import health

# Staff sign in like everybody else: same limits on guessing, same second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
close_side_doors(admin.site)

# What people type, and where it is; what they ask for besides goes along.
NATURAL = (
    ("markets/", "market_list"),
    ("market/", "market_list"),
    ("orders/", "portfolio"),
    ("fills/", "portfolio"),
    ("session/", "session_list"),
    ("accounts/", "account"),
    ("login/", "account_login"),
    ("logout/", "account_logout"),
    ("signup/", "account_signup"),
    ("settings/", "preferences"),
    ("pools/", "pool_list"),
    ("deposit/", "wallet"),
    ("withdraw/", "wallet"),
    ("docs/", "api-docs"),
)

handler500 = "megatron.failures.failed"
urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    # Where browsers look that show an answer without a page around it.
    path("favicon.ico", RedirectView.as_view(url="/static/img/mark.svg"), name="favicon"),
    *(
        path(typed, RedirectView.as_view(pattern_name=name, permanent=True, query_string=True))
        for typed, name in NATURAL
    ),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("exchange.api.urls")),
    path("api/v1/", include("exchange.api.session_urls")),
    path("api/v1/", include("oracle.urls_api")),
    path("api/v1/", include("liquidity.urls_api")),
    path("api/v1/", include("chain.urls_api")),
    path("api/", include("megatron.api_docs")),
    # What is left answers in the API's own shape, also where there is nothing, and whatever
    # characters the address has: those of `path` would stop at an end of line.
    re_path(r"^api/[\s\S]", nowhere),
    path("", include("exchange.urls")),
    path("", include("oracle.urls")),
    path("", include("liquidity.urls")),
    path("", include("chain.urls")),
]
