"""How right topics, readers and sources were over all markets, as programs read it."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from exchange.api.endpoint import Public
from exchange.api.schema import operation
from oracle.api import INVENTED, OPEN, Claims
from oracle.selectors import records

Out = serializers.Serializer[Any]


class RecordShape(Claims):
    """The claims of one topic, reader or source, whatever the market."""

    of = serializers.CharField(help_text="topic, reader or source")
    markets = serializers.IntegerField(help_text="whose newest card has such claims")
    too_few = serializers.BooleanField(
        source="is_thin", help_text=f"fewer than {records.ENOUGH} judged: it says next to nothing"
    )
    invented_news = serializers.BooleanField(help_text=INVENTED)


class RecordAnswer(Out):
    """Every record; there are as many as topics, readers and sources."""

    results = RecordShape(many=True)


class RecordList(Public):
    """The records of all oracles together."""

    @operation("oracle_record_list", answer=RecordAnswer, tag="oracle", auth=OPEN)
    def get(self, request: Request) -> Response:
        """Add up each market's newest card by topic, reader and source."""
        return Response({"results": RecordShape(records.records(), many=True).data})
