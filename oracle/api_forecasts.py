"""Outside programs hand in their reports, and see what became of them."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from exchange.api.endpoint import (
    Endpoint,
    Input,
    body_of,
    key_of_request,
    paged,
    position_of,
    query_of,
    trader_of,
)
from exchange.api.errors import REPLAY_HEADER
from exchange.api.fields import Fixed, Instant, Rate, Text, Whole
from exchange.api.schema import operation
from exchange.engines.units import parse_fixed
from exchange.errors import Malformed
from exchange.selectors import access as markets
from oracle.api import Change, RunQuery
from oracle.models import Forecast
from oracle.models.forecasts import PREFIX
from oracle.selectors import lists
from oracle.services import forecasting

Out = serializers.Serializer[Any]


def _signed(data: object) -> int:
    """Return decimal text with at most 12 places, a minus sign allowed. Raises Malformed."""
    text = data if isinstance(data, str) else ""
    try:
        size = parse_fixed(text.removeprefix("-"), 12)
    except ValueError as error:
        raise Malformed('decimal text is needed, as in "-0.012"') from error
    return -size if text.startswith("-") else size


def _confidence(data: object) -> int:
    try:
        share = parse_fixed(data if isinstance(data, str) else "", 8)
    except ValueError as error:
        raise Malformed("decimal text from 0 to 1 is needed") from error
    if share > 10**8:
        raise Malformed("a confidence is at most 1")
    return share


class SignedChange(Fixed):
    """A relative change that may fall, in 1e-12 inside."""

    places, unit = 12, "fraction of F"
    read = staticmethod(_signed)


class Confidence(Fixed):
    """How sure a forecast is, in 1e-8 inside."""

    places, unit = 8, "fraction of 1"
    read = staticmethod(_confidence)


class ForecastInput(Input):
    """A report: where the variable stands against F, how sure that is, and why."""

    market = Text(max_length=60, help_text="a market's slug")
    delta = SignedChange(help_text="change against F, within 0.3 either way")
    confidence = Confidence()
    stories = serializers.ListField(
        child=Text(max_length=40),
        required=False,
        default=list,
        max_length=forecasting.STORIES_MAX,
        help_text="the ids of the stories it rests on",
    )
    lives_s = Whole(
        least=forecasting.LIVES_S_MIN,
        most=forecasting.LIVES_S_MAX,
        required=False,
        default=forecasting.LIVES_S,
    )


class ForecastShape(Out):
    """A forecast as it was taken."""

    id = serializers.CharField(source="public_id")
    market = serializers.CharField(source="market.slug")
    delta = Change(source="delta_pico")
    confidence = Rate(source="confidence_e8")
    made_at = Instant()
    expires_at = Instant()
    used_in = serializers.SerializerMethodField(help_text="the run that counted it, if one did")

    def get_used_in(self, row: Forecast) -> str | None:
        """Return the run's id."""
        used = getattr(row, "used", None)
        return used.run.public_id if used else None


class ForecastPage(Out):
    """A page of the caller's own forecasts."""

    results = ForecastShape(many=True)
    next = serializers.CharField(allow_null=True)


class ForecastDesk(Endpoint):
    """Where forecasts are handed in. Staff grant the right; the token needs the scope too."""

    scopes: ClassVar[dict[str, str]] = {"GET": "forecast", "HEAD": "forecast", "POST": "forecast"}

    @operation(
        "forecast_create",
        answer=ForecastShape,
        takes=ForecastInput,
        status=201,
        key=True,
        tag="oracle",
    )
    def post(self, request: Request) -> Response:
        """Hand in a report; it counts once, by its maker's record."""
        user, key = trader_of(request), key_of_request(request)
        asked = body_of(request, ForecastInput)
        placed = forecasting.forecast_place(
            user=user,
            market=markets.market(asked["market"]),
            delta_pico=asked["delta"],
            confidence_e8=asked["confidence"],
            stories=asked["stories"],
            lives_s=asked["lives_s"],
            key=key,
        )
        headers = {REPLAY_HEADER: "true"} if placed.replayed else {}
        return Response(ForecastShape(placed.forecast).data, status=201, headers=headers)

    @operation("forecast_list", answer=ForecastPage, query=RunQuery, tag="oracle")
    def get(self, request: Request) -> Response:
        """List the caller's own forecasts, newest first."""
        user, wanted = trader_of(request), query_of(request, RunQuery)
        slug, limit = wanted.get("market"), wanted["limit"]
        rows = lists.forecasts(
            user=user,
            market=markets.market(slug) if slug else None,
            before=position_of(PREFIX, wanted.get("cursor")),
            limit=limit,
        )
        return paged(ForecastShape, rows, limit, lambda row: row.public_id)
