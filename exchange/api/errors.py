"""Every failure of the API in one shape: {"error": {"code", "message", "fields", "request_id"}}.

Codes of the door itself, beside those of exchange/errors.py and the engine's own:
method_not_allowed 405, not_acceptable 406, media_type_unsupported 415, internal 500.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import structlog
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response
from structlog.contextvars import get_contextvars

from exchange import refusals
from exchange.api import wire
from exchange.errors import (
    Field,
    Malformed,
    MegatronError,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Refused,
    TooMany,
    Unavailable,
    Unprocessable,
)
from exchange.ids import public_id
from exchange.limits import too_many

REPLAY_HEADER = "Idempotent-Replay"
RETRY_S = 1
REQUEST_ID_MAX = 64
MESSAGE_MAX = 200
# Codes of a validation that say more than `malformed`; ours pass as they are.
KNOWN = {"required": "field_missing", "field_unknown": "field_unknown"}
OWN = ("field_missing", "money_malformed", "malformed")

Build = Callable[[str], MegatronError]

log = structlog.get_logger()


class MethodRefused(Refused):
    """There is such an address, but not for this verb."""

    code = "method_not_allowed"
    http_status = 405


class NotAcceptable(Refused):
    """The caller accepts no form in which we answer."""

    code = "not_acceptable"
    http_status = 406


class MediaTypeRefused(Refused):
    """The body is not JSON."""

    code = "media_type_unsupported"
    http_status = 415


class Internal(MegatronError):
    """Our own defect, of which the caller learns an id and nothing else."""

    code = "internal"
    http_status = 500


def exception_handler(failure: Exception, _context: dict[str, Any]) -> Response:
    """Answer any failure of a view; what nobody foresaw is logged and shows an id only."""
    error = _reported(failure)
    return Response(body(error), status=error.http_status, headers=_headers(error))


def answered(failure: Exception) -> HttpResponse:
    """Answer a failure outside a view in the same way."""
    return plain(_reported(failure))


def translated(failure: Exception) -> MegatronError:
    """Return any failure as one of ours; what nobody foresaw says nothing of itself."""
    return _translated(failure) or _defect()


@csrf_exempt
def nowhere(_request: HttpRequest, **_parts: str) -> HttpResponse:
    """Answer an address of the API that does not exist."""
    return plain(NotFound("there is nothing at this address; every address ends with a slash"))


def plain(error: MegatronError) -> HttpResponse:
    """Return the same answer for views that do without the framework's responses."""
    return HttpResponse(
        json.dumps(body(error)),
        status=error.http_status,
        content_type="application/json",
        headers=_headers(error),
    )


def replay_header(*, replayed: bool) -> dict[str, str]:
    """Return the header of an answer that was given before."""
    return {REPLAY_HEADER: "true"} if replayed else {}


def body(error: MegatronError) -> dict[str, Any]:
    """Return an error in the one shape; integers at a scale are written as decimals."""
    return {"error": {**refusal(error), "request_id": quotable(error)}}


def refusal(error: MegatronError) -> dict[str, Any]:
    """Return the code, the sentence and the numbers behind them."""
    is_rule = isinstance(error, Unprocessable) and error.code in refusals.SENTENCES
    return {
        "code": error.code,
        "message": refusals.of(error) if is_rule else error.message,
        "fields": wire.figures(error.fields),
    }


def quotable(error: MegatronError) -> str:
    """Return what to quote: a stored refusal's order, the same in every replay, else the request.

    The request's own id is the one in the log.
    """
    if isinstance(error, Unprocessable) and error.command_id is not None:
        return public_id("ord", error.command_id)
    return str(get_contextvars().get("request_id", ""))[:REQUEST_ID_MAX]


def _headers(error: MegatronError) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, Unprocessable) and error.replayed:
        headers[REPLAY_HEADER] = "true"
    if error.http_status == NotSignedIn.http_status:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.fields.get("retry_after_s", RETRY_S))
    elif isinstance(error, Unavailable):
        headers["Retry-After"] = str(RETRY_S)
    return headers


def _reported(failure: Exception) -> MegatronError:
    error = _translated(failure)
    if error is None:
        log.error("api.failed", exc_info=failure)
    return error or _defect()


def _translated(failure: Exception) -> MegatronError | None:
    """Return a failure as one of ours, or None where it is a defect."""
    if isinstance(failure, MegatronError):
        return failure
    if isinstance(failure, exceptions.ValidationError):
        return _invalid(failure.detail)
    if isinstance(failure, exceptions.Throttled):
        return too_many(getattr(failure, "wait", None))
    if isinstance(failure, exceptions.AuthenticationFailed):
        return NotSignedIn(str(failure.detail), code=str(failure.get_codes()))
    for kinds, error, message in FOREIGN:
        if isinstance(failure, kinds):
            return error(message or str(getattr(failure, "detail", failure)))
    return None


def _defect() -> Internal:
    return Internal("something failed on our side; quote the request_id when you ask about it")


def _store_down(message: str) -> Unavailable:
    return Unavailable(message, code="store_down")


# What the frameworks raise, and what it is here; an empty message leaves theirs.
FOREIGN: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Build, str], ...] = (
    (exceptions.NotAuthenticated, NotSignedIn, "sign in or present a token"),
    (exceptions.PermissionDenied, NotAllowed, ""),
    (exceptions.NotFound, NotFound, ""),
    (exceptions.MethodNotAllowed, MethodRefused, ""),
    (exceptions.NotAcceptable, NotAcceptable, "answers are application/json"),
    (exceptions.UnsupportedMediaType, MediaTypeRefused, "a body is application/json"),
    (exceptions.ParseError, Malformed, ""),
    (Http404, NotFound, "there is nothing at this address"),
    (PermissionDenied, NotAllowed, "this is not allowed"),
    (SuspiciousOperation, Malformed, "the request cannot be read"),
    (
        (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError),
        _store_down,
        "the books cannot be reached; ask again with the same key",
    ),
)


def _invalid(detail: Any) -> Malformed:
    """Return what is wrong with each field; the code is that of the first."""
    found = list(_flat("", detail))
    fields: dict[str, Field] = {}
    for name, problem in found:
        fields[name or "body"] = [str(problem)[:MESSAGE_MAX]]
    name, first = found[0]
    given = str(first.code)
    code = KNOWN.get(given, given if given in OWN else "malformed")
    text = f"{name}: {first}" if name else str(first)
    return Malformed(text[:MESSAGE_MAX], code=code, fields=fields)


def _flat(prefix: str, detail: Any) -> Iterator[tuple[str, exceptions.ErrorDetail]]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            here = "" if name == "non_field_errors" else str(name)[:60]
            yield from _flat(".".join(filter(None, [prefix, here])), inner)
    elif isinstance(detail, list):
        for inner in detail:
            yield from _flat(prefix, inner)
    else:
        yield prefix, detail
