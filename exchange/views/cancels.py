"""Taking orders back: one, or all of them, each under a key, so that asking twice is harmless."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from exchange import figures, refusals
from exchange.errors import Conflict, Refused, Unprocessable
from exchange.ids import public_id
from exchange.models import Market, User
from exchange.selectors import access, markets, portfolio
from exchange.services import orders
from exchange.views import market_context
from exchange.views.edge import next_address, page


@page
@login_required
@require_POST
def order_cancel(request: HttpRequest, slug: str, ref: int) -> HttpResponse:
    """Take one of the user's own orders back; scripts get the list again, others the receipt."""
    assert isinstance(request.user, User)
    market = access.market(slug)
    row = access.resting_at(request.user, market, ref)
    free_micro = row.reserved_micro
    try:
        receipt = orders.resting_cancel(
            user=request.user, market=market, ref=row.ref, key=request.POST.get("key", "")
        )
    except (Unprocessable, Conflict) as refusal:
        return _refused(request, market, refusal)
    order_id = public_id("ord", receipt.id)
    if not request.headers.get("HX-Request"):
        return redirect("order_page", order_id=order_id)
    words = "The order was taken back."
    if free_micro:
        words = f"The order was taken back; {figures.usdc(free_micro)} USDC are free again."
    return _list(request, market, words, receipt_id=order_id)


@page
@login_required
@require_POST
def market_cancel_all(request: HttpRequest, slug: str) -> HttpResponse:
    """Take back every open order that the user has in one market."""
    market = access.market(slug)
    words = _cancel_all(request, market)
    if request.headers.get("HX-Request"):
        return _list(request, market, words)
    messages.success(request, words)
    return redirect(next_address(request, f"/markets/{slug}/"))


@page
@login_required
@require_POST
def cancel_all(request: HttpRequest) -> HttpResponse:
    """Take back every open order of the user, in whatever market."""
    messages.success(request, _cancel_all(request, None))
    return redirect("portfolio")


def _cancel_all(request: HttpRequest, market: Market | None) -> str:
    assert isinstance(request.user, User)
    user = request.user
    before = portfolio.money(user).reserved_micro
    count = orders.resting_cancel_all(user=user, key=request.POST.get("key", ""), market=market)
    free = before - portfolio.money(user).reserved_micro
    if not count:
        return "There was nothing left to take back."
    what = "One order was" if count == 1 else f"{count} orders were"
    freed = f"; {figures.usdc(free)} USDC are free again" if free > 0 else ""
    return f"{what} taken back{freed}."


def _refused(request: HttpRequest, market: Market, refusal: Refused) -> HttpResponse:
    """Say why nothing was taken back. An order that has just filled can no longer be."""
    words = refusals.of(refusal)
    if refusal.code == "nothing":
        words = "This order waits no longer: it has filled, expired or been taken back before."
    if request.headers.get("HX-Request"):
        return _list(request, market, words, status=422)
    messages.warning(request, words)
    context = market_context.page_context(request, market.slug)
    return render(request, "exchange/market_page.html", context, status=422)


def _list(
    request: HttpRequest, market: Market, words: str, *, receipt_id: str = "", status: int = 200
) -> HttpResponse:
    view = markets.view(market)
    context = {
        **market_context.frame_context(request, view),
        "orders_said": words,
        "orders_failed": status != 200,  # noqa: PLR2004 (HTTP: done)
        "orders_receipt": receipt_id,
    }
    return render(request, "exchange/partials/_open_orders.html", context, status=status)
