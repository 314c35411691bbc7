"""The page of one market and the fragments of it that follow the ticks."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exchange.selectors import access, lists, markets
from exchange.views import market_context
from exchange.views.edge import page

KEY_DIGITS_MAX = 18


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
def market_open_orders(request: HttpRequest, slug: str) -> HttpResponse:
    """Return what waits for the visitor here, after it has changed."""
    view = markets.view(access.market(slug))
    context = market_context.frame_context(request, view)
    return render(request, "exchange/partials/_open_orders.html", context)


@page
@require_safe
def market_news(request: HttpRequest, slug: str) -> HttpResponse:
    """Return what others have set off for the visitor since the page was loaded."""
    market, user = access.market(slug), market_context.user_of(request)
    since = request.GET.get("since", "")
    known = since.isascii() and since.isdigit() and len(since) <= KEY_DIGITS_MAX
    news = lists.since(user, market, int(since)) if user and known else []
    return render(request, "exchange/partials/_news.html", {"news": news, "market": market})


@page
@require_safe
def market_state(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the banner that names the state and the rule behind it."""
    view = markets.view(access.market(slug))
    context = market_context.frame_context(request, view)
    return render(request, "exchange/partials/_state.html", context)
