"""How the API describes itself: the shapes of figures, of errors and of keys, said once."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from exchange.api.endpoint import KEY_HEADER
from exchange.api.errors import REPLAY_HEADER

View = TypeVar("View", bound=Callable[..., Any])
Json = dict[str, Any]

KEY_PATTERN = r"^[A-Za-z0-9\-_.:]{8,64}$"
KEY = OpenApiParameter(
    name=KEY_HEADER,
    type={"type": "string", "pattern": KEY_PATTERN},
    location=OpenApiParameter.HEADER,
    required=True,
    description=(
        "Made by the client, one per intention. The same key finds the first answer, byte for"
        f" byte, with {REPLAY_HEADER}: true; with another body it is 409 key_reused."
    ),
)
READS = {
    400: "The request does not follow the grammar.",
    401: "Nobody is signed in, or the token is not valid.",
    403: "The caller may not do this.",
    404: "There is no such thing, or it is somebody else's.",
    406: "The caller accepts no JSON.",
    429: "Too many requests; Retry-After says when to come back.",
    503: "Ask again, with the same key where there is one.",
}
WRITES = {
    409: "The key was used for another request.",
    415: "The body is not JSON.",
    422: "The market refuses, with its code and the numbers behind it.",
}


class ErrorShape(serializers.Serializer[Any]):
    """What went wrong."""

    code = serializers.CharField(help_text="stable; never reused for anything else")
    message = serializers.CharField(help_text="a sentence for people")
    fields = serializers.DictField(help_text="the numbers behind it")  # type: ignore[assignment]
    request_id = serializers.CharField(allow_blank=True, help_text="what to quote when asking")


class ErrorBody(serializers.Serializer[Any]):
    """Every failure has this shape."""

    error = ErrorShape()


def operation(  # the one place that names what extend_schema takes
    name: str,
    *,
    answer: type[serializers.Serializer[Any]] | OpenApiResponse | None,
    takes: type[serializers.Serializer[Any]] | None = None,
    query: type[serializers.Serializer[Any]] | None = None,
    status: int = 200,
    key: bool = False,
    tag: str,
    auth: Sequence[str] | None = None,
) -> Callable[[View], View]:
    """Describe one verb of one address; its summary is the docstring's first line."""
    parameters: list[Any] = [query] if query else []
    if key:
        parameters.append(KEY)
    known = READS | WRITES if takes is not None or key else READS
    failures = {code: OpenApiResponse(ErrorBody, text) for code, text in known.items()}
    ways: Any = None if auth is None else [{way: []} if way else {} for way in auth]
    return extend_schema(
        operation_id=name,
        parameters=parameters,
        request=takes,
        responses={status: answer, **failures},
        tags=[tag],
        auth=ways,
    )


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A token in the Authorization header."""

    target_class = "exchange.api.auth.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> Json:
        """Return the scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": (
                "A key made under Settings, API keys; it begins with mgt_. In a session of play"
                " money also what joining has given; that begins with mgp_."
            ),
        }


class ParticipantScheme(TokenScheme):  # type: ignore[no-untyped-call]
    """The same header, which for sessions takes a participant's token as well."""

    target_class = "exchange.api.session_endpoint.ParticipantAuthentication"
    name = "participant"


class FixedShape(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """A decimal figure as text, with its unit."""

    target_class = "exchange.api.fields.Fixed"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Json:
        """Return what is taken or what is given."""
        places, unit = self.target.places, self.target.unit
        if direction == "request":
            pattern = rf"^[0-9]{{1,27}}(\.[0-9]{{1,{places}}})?$"
        else:
            pattern = rf"^-?[0-9]+\.[0-9]{{{places}}}$"
        return {"type": "string", "title": f"{unit}, {places} decimals", "pattern": pattern}


class InstantShape(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """An instant."""

    target_class = "exchange.api.fields.Instant"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Json:
        """Return ISO 8601."""
        return {"type": "string", "format": "date-time"}


class PublicIdShape(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """A public id."""

    target_class = "exchange.api.fields.PublicId"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Json:
        """Return the pattern of the prefix and 13 characters."""
        return {"type": "string", "pattern": rf"^{self.target.prefix}_[0-9a-hjkmnp-tv-z]{{13}}$"}


class WholeShape(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """A whole number in a range."""

    target_class = "exchange.api.fields.Whole"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Json:
        """Return the range."""
        return {"type": "integer", "minimum": self.target.least, "maximum": self.target.most}
