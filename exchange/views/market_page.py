"""The page of one market and the fragments of it that follow the ticks."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exchange.selectors import access, markets
from exchange.views import market_context
from exchange.views.edge import page


@page
@require_safe
def market_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a market: what it is, what price, why, how sure, how old; and the ticket."""
    context = market_context.page_context(request, slug)
    if request.headers.get("HX-Target") == "tab-panel":
        return render(request, "exchange/partials/_tabs.html", context)
    return render(request, "exchange/market_page.html", context)


@page
@require_safe
def market_prices(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the three prices again, after a tick."""
    view = markets.view(access.market(slug))
    context = {
        **market_context.frame_context(request, view),
        "prices": market_context.prices(view),
        "oob": True,
    }
    return render(request, "exchange/partials/_strip.html", context)


@page
@require_safe
def market_position(request: HttpRequest, slug: str) -> HttpResponse:
    """Return what the visitor holds here, after a trade of theirs."""
    view = markets.view(access.market(slug))
    context = market_context.frame_context(request, view)
    return render(request, "exchange/partials/_position.html", context)


@page
@require_safe
def market_state(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the banner that names the state and the rule behind it."""
    view = markets.view(access.market(slug))
    context = market_context.frame_context(request, view)
    return render(request, "exchange/partials/_state.html", context)
