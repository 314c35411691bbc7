"""The description of the API and the page to try it on."""

from csp.decorators import csp_update
from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

# Swagger's page carries one style sheet in its head; this is its hash in the pinned version.
SWAGGER_STYLE = "'sha256-MMpT0iDxyjALd9PdfepImGX3DBfJPXZ4IlDWdPAgtn0='"

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "docs/",
        csp_update({"style-src": SWAGGER_STYLE})(SpectacularSwaggerSplitView.as_view()),
        name="api-docs",
    ),
]
