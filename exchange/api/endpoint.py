"""What every address of the API has in common: strict input, scopes, limits, pages, keys."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from exchange.api.auth import TokenAuthentication
from exchange.api.fields import Digits, Text
from exchange.api.parsing import StrictJSONParser
from exchange.api.permissions import ScopeRequired
from exchange.api.throttles import ScopeThrottle
from exchange.errors import Malformed, NotFound, NotSignedIn
from exchange.ids import key_of
from exchange.models import User
from exchange.services import commands

PAGE_DEFAULT = 50
PAGE_MAX = 200
CURSOR_MAX = 64
KEY_HEADER = "Idempotency-Key"

Row = TypeVar("Row")


class Endpoint(APIView):
    """One address. Subclasses say per verb which scope a token needs and which limit counts."""

    authentication_classes = (TokenAuthentication, SessionAuthentication)
    permission_classes = (ScopeRequired,)
    throttle_classes = (ScopeThrottle,)
    parser_classes: tuple[type[BaseParser], ...] = (StrictJSONParser,)
    renderer_classes = (JSONRenderer,)
    metadata_class = None

    public: ClassVar[frozenset[str]] = frozenset()
    scopes: ClassVar[dict[str, str]] = {"GET": "read", "HEAD": "read", "POST": "trade"}
    throttles: ClassVar[dict[str, str]] = {"GET": "read", "HEAD": "read", "POST": "trade"}
    session_only: ClassVar[bool] = False

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Keep answers out of caches: prices age in seconds and the rest is private."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if not answer.has_header("Cache-Control"):
            answer["Cache-Control"] = "no-store"
        return answer


class Public(Endpoint):
    """An address that anyone may read."""

    public = frozenset({"GET", "HEAD"})


class Input(serializers.Serializer[dict[str, Any]]):
    """Takes the fields it declares and refuses every other."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the values. Raises ValidationError field_unknown for what nobody asked for."""
        if isinstance(data, Mapping):
            unknown = sorted(set(map(str, data)) - set(self.fields))
            if unknown:
                problem = ErrorDetail("there is no such field", code="field_unknown")
                raise ValidationError({name[:60]: [problem] for name in unknown})
        values: dict[str, Any] = super().to_internal_value(data)
        return values


class PageQuery(Input):
    """Which page of a list."""

    cursor = Text(required=False, max_length=CURSOR_MAX, help_text="`next` of the page before")
    limit = Digits(required=False, least=1, most=PAGE_MAX, default=PAGE_DEFAULT)


def taken(form: type[Input], data: Any) -> dict[str, Any]:
    """Return what `form` reads from a body or a query. Raises ValidationError."""
    reader = form(data=data)
    reader.is_valid(raise_exception=True)
    values: dict[str, Any] = reader.validated_data
    return values


def body_of(request: Request, form: type[Input]) -> dict[str, Any]:
    """Return the body's fields."""
    return taken(form, request.data)


def query_of(request: Request, form: type[Input]) -> dict[str, Any]:
    """Return the query's parameters, each given once."""
    query = request.query_params
    twice = next((name for name in query if len(query.getlist(name)) > 1), None)
    if twice is not None:
        raise Malformed(f"{twice[:40]!r} is there twice", fields={"field": twice[:40]})
    return taken(form, {name: query[name] for name in query})


def trader_of(request: Request) -> User:
    """Return who calls. Raises NotSignedIn."""
    if not isinstance(request.user, User):
        raise NotSignedIn("sign in or present a token")
    return request.user


def visitor_of(request: Request) -> User | None:
    """Return who calls, or None for a visitor."""
    return request.user if isinstance(request.user, User) else None


def key_of_request(request: Request) -> str:
    """Return the idempotency key. Raises Malformed key_missing or key_malformed."""
    key: str = request.headers.get(KEY_HEADER, "")
    commands.check_key(key)
    return key


def position_of(prefix: str, cursor: str | None) -> int | None:
    """Return the key a cursor stands for. Raises Malformed for one we never gave."""
    if cursor is None:
        return None
    try:
        return key_of(prefix, cursor)
    except NotFound as error:
        raise Malformed(
            "this cursor is not one of ours", fields={"cursor": cursor[:CURSOR_MAX]}
        ) from error


def paged(
    shape: type[serializers.Serializer[Any]],
    rows: Sequence[Row],
    limit: int,
    cursor: Callable[[Row], str],
) -> Response:
    """Return a page: `rows` holds one more than `limit` where there is another page."""
    page: Iterable[Row] = rows[:limit]
    more = len(rows) > limit
    following = cursor(rows[limit - 1]) if more else None
    return Response({"results": shape(page, many=True).data, "next": following})
