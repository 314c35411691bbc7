"""The oracle's pages: a market's feed, whole or as a fragment, and one run with its evidence."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exchange.selectors import access as markets
from exchange.views.edge import page
from oracle.selectors import access, cards, feed, health
from oracle.selectors import records as record_rows

RUNS_SHOWN, RUNS_ON_PAGE = 8, 50


@page
@require_safe
def market_oracle(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what a market's oracle did and when it runs next."""
    market = markets.market(slug)
    whole = not request.headers.get("HX-Request")
    context = {
        "market": market,
        "health": health.oracle_health(market),
        "awaited": health.awaiting(market),
        "items": feed.feed(market, RUNS_ON_PAGE if whole else RUNS_SHOWN),
        "whole": whole,
    }
    name = "oracle/feed_page.html" if whole else "oracle/partials/_feed.html"
    answer = render(request, name, context)
    # One address, two forms: a shared cache must not mix them up.
    answer["Vary"] = "HX-Request"
    return answer


@page
@require_safe
def run_detail(request: HttpRequest, run_id: str) -> HttpResponse:
    """Show one run: what was read, what each seat made of it, what held it, what the price did."""
    run = access.run(run_id)
    context = {
        "item": feed.items([run])[0],
        "run": run,
        "market": run.market,
        "spec": run.spec,
    }
    return render(request, "oracle/run_page.html", context)


@page
@require_safe
def market_card(request: HttpRequest, slug: str) -> HttpResponse:
    """Show how right a market's oracle was, by its newest report card."""
    market = markets.market(slug)
    context = {
        "market": market,
        "sheet": cards.newest(market),
        "followed": health.followed(market),
        "awaited": health.awaiting(market),
    }
    return render(request, "oracle/card_page.html", context)


@page
@require_safe
def records(request: HttpRequest) -> HttpResponse:
    """Show how right topics, readers and sources were over all markets."""
    found = record_rows.records()
    groups = [
        {"of": kind.value, "lines": lines}
        for kind in record_rows.KINDS
        if (lines := [line for line in found if line.of == kind])
    ]
    context = {
        "groups": groups,
        "enough": record_rows.ENOUGH,
        "is_invented": any(line.invented_news for line in found),
    }
    return render(request, "oracle/records_page.html", context)
