"""The chart's data: candles as Postgres wrote them, with the oracle's moves beside them."""

import json
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from exchange import clock
from exchange.api.endpoint import Public, query_of
from exchange.api.schema import operation
from exchange.api.shapes import markets as shapes
from exchange.selectors import access, candles, markets


class CandleList(Public):
    """The candles of one market."""

    @operation(
        "market_candles",
        answer=shapes.Candles,
        query=shapes.CandleQuery,
        tag="markets",
        auth=("",),
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        """Return at most 3,000 candles of the headline price, the newest where there are more.

        Prices in candles are JSON numbers, for charts; everywhere else figures are text.
        """
        wanted = query_of(request, shapes.CandleQuery)
        market = access.market(slug)
        since, until = _ends(wanted)
        series = candles.series_json(market.pk, wanted["interval"], since, until)
        rows = [row for row in markets.oracle_moves(market, since) if row.at <= clock.at(until)]
        moves = json.dumps(shapes.ChartMoveShape(rows, many=True).data)
        # the series is Postgres's own JSON and goes out as it came
        body = f'{{"interval":"{wanted["interval"]}","candles":{series},"moves":{moves}}}'
        return HttpResponse(body, content_type="application/json")


def _ends(wanted: dict[str, Any]) -> tuple[int, int]:
    now_s = clock.now_s()
    until = wanted.get("to", now_s)
    if "from" in wanted:
        return wanted["from"], until
    length = candles.RANGES[wanted.get("range", "1d")]
    return max(0, until - length), until
