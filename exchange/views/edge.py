"""Where errors become pages: one decorator for every view, so that none forgets."""

import functools
from collections.abc import Callable
from typing import Any

import structlog
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from structlog.contextvars import get_contextvars

from exchange import clock, refusals
from exchange.errors import (
    InvariantBroken,
    MegatronError,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooMany,
    Unavailable,
)

STORE_DOWN = "store_down"
RETRY_S = 1

log = structlog.get_logger()

View = Callable[..., HttpResponseBase]


def page(view: View) -> View:
    """Answer our own errors with a page that says what, why and what to do."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except MegatronError as error:
            return error_page(request, error)

    return guarded


def error_page(request: HttpRequest, error: MegatronError) -> HttpResponse:
    """Return the page for an error; what is ours alone shows an id and nothing else."""
    if isinstance(error, NotSignedIn):
        return redirect_to_login(request.get_full_path())
    if error.code == STORE_DOWN:
        return bare_page(error)
    template = "errors/refused.html"
    if isinstance(error, NotFound):
        template = "errors/404.html"
    elif isinstance(error, NotAllowed):
        template = "errors/403.html"
    elif isinstance(error, InvariantBroken):
        log.error("page.invariant_broken", code=error.code)
        template = "errors/500.html"
    context = {
        "message": refusals.of(error),
        "status": error.http_status,
        "request_id": request_id(),
    }
    if not isinstance(error, TooMany):
        return render(request, template, context, status=error.http_status)
    wait_s = int(str(error.fields.get("retry_after_s", RETRY_S)))
    context["again_at_s"] = clock.now_s() + wait_s
    answer = render(request, template, context, status=error.http_status)
    answer["Retry-After"] = str(wait_s)
    return answer


def bare_page(error: MegatronError) -> HttpResponse:
    """Return a page that asks nothing of the database, not even who is signed in."""
    away = isinstance(error, Unavailable)
    template = "errors/unavailable.html" if away else "errors/500.html"
    answer = HttpResponse(
        render_to_string(template, {"request_id": request_id()}), status=error.http_status
    )
    answer["Cache-Control"] = "no-store"
    if away:
        answer["Retry-After"] = str(RETRY_S)
    return answer


def request_id() -> str:
    """Return the id under which the log keeps this request."""
    return str(get_contextvars().get("request_id", ""))


def next_address(request: HttpRequest, fallback: str) -> str:
    """Return the address to go back to: one of ours, or the fallback."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours and wanted.startswith("/") else fallback
