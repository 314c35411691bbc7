"""The chart's twin: the same candles as a table to read and as a file to keep."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exchange import clock, spreadsheet
from exchange.models import Market
from exchange.selectors import access, candles
from exchange.views.edge import page

# The finest candles of which a range has a readable number; the chart chooses likewise.
FINEST = (("1m", 2 * 86_400), ("1h", 120 * 86_400))
ROWS_SHOWN = 120
HEADER = ("time_utc", "open", "high", "low", "close", "market", "fundamental", "volume", "trades")


@page
@require_safe
def market_history(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the newest candles of a range, newest first."""
    market, chosen = access.market(slug), _range(request)
    rows = _rows(market, chosen)[: -ROWS_SHOWN - 1 : -1]
    context = {
        "market": market,
        "range": chosen,
        "ranges": list(candles.RANGES),
        "rows": rows,
        "shown_max": ROWS_SHOWN,
    }
    whole = not request.headers.get("HX-Request")
    name = "exchange/history_page.html" if whole else "exchange/partials/_history.html"
    return render(request, name, context)


@page
@require_safe
def market_history_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """Return a whole range as a file."""
    market, chosen = access.market(slug), _range(request)
    rows = [(spreadsheet.instant(at), *values) for at, *values in _rows(market, chosen)]
    return spreadsheet.csv_file(f"{market.slug}-{chosen}.csv", HEADER, rows)


def _range(request: HttpRequest) -> str:
    chosen = request.GET.get("range", "")
    return chosen if chosen in candles.RANGES else "1d"


def _rows(market: Market, chosen: str) -> list[tuple[Any, ...]]:
    now_s = clock.now_s()
    span = min(candles.RANGES[chosen], now_s - int(market.created_at.timestamp()))
    interval = next((name for name, most in FINEST if span <= most), "1d")
    since = max(0, now_s - candles.RANGES[chosen])
    text = candles.series_json(market.pk, interval, since)
    # Prices stay the decimals they are: a float would change the last digits of a long one.
    series = json.loads(text, parse_float=spreadsheet.Figure)
    return [(clock.at(row[0]), *row[1:7], spreadsheet.figure(row[7], 6), row[8]) for row in series]
