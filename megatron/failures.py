"""The last net: a limit on each request's waits, and an answer to what no view has caught.

Neither asks anything of the database: they are needed most when it is away.
"""

import sys
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from exchange import patience
from exchange.api import errors
from exchange.views import edge

PROBE = "/healthz"

Sync = Callable[[HttpRequest], HttpResponseBase]
Async = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def limit_waits(get_response: Sync | Async) -> Sync | Async:
    """Let a request wait only so long in all before it is answered with 503."""
    seconds = settings.DB_PATIENCE_S
    if iscoroutinefunction(get_response):
        later = cast("Async", get_response)

        async def patient_later(request: HttpRequest) -> HttpResponseBase:
            _without_session(request)
            with patience.limited(seconds):
                return await later(request)

        return patient_later
    now = cast("Sync", get_response)

    def patient(request: HttpRequest) -> HttpResponseBase:
        _without_session(request)
        with patience.limited(seconds):
            return now(request)

    return patient


def failed(request: HttpRequest) -> HttpResponse:
    """Answer a failure that nobody caught, in the caller's form: 503 for a lost store, else 500.

    Django calls this while it handles the exception, also for those of middleware.
    """
    failure = sys.exception()
    assert isinstance(failure, Exception)
    error = errors.translated(failure)
    if request.path.startswith("/api/"):
        return errors.plain(error)
    return edge.bare_page(error)


def _without_session(request: HttpRequest) -> None:
    # Whoever is signed in would be looked up for the log, and a probe must not need the database.
    if request.path == PROBE:
        request.COOKIES.clear()
