"""What providers do on the page of a market: contribute while it is funded, claim their fees."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from exchange import refusals
from exchange.errors import Conflict, Refused, Unprocessable
from exchange.fields import MoneyField
from exchange.forms import ContributionForm
from exchange.ids import public_id
from exchange.models import Market, User
from exchange.selectors import access, markets, portfolio
from exchange.selectors.markets import MarketView
from exchange.services import orders
from exchange.views import market_context
from exchange.views.edge import page
from exchange.views.pools import pool_of
from exchange.views.tickets import problems


@page
@login_required
@require_POST
def contribution_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Review a contribution, then place it: what it buys and when it can be taken out."""
    assert isinstance(request.user, User)
    market = access.market(slug)
    form = ContributionForm(request.POST)
    if not form.is_valid():
        return _pool_again(request, market, problems(form))
    amount, key = form.cleaned_data["amount"], form.cleaned_data["key"]
    if request.POST.get("step") != "confirm":
        return _review(request, market, amount, key)
    try:
        receipt = orders.contribution_place(
            user=request.user, market=market, amount_micro=amount, key=key
        )
    except (Unprocessable, Conflict) as refusal:
        return _pool_again(request, market, [_problem(refusal)])
    return redirect("order_page", order_id=public_id("ord", receipt.id))


@page
@login_required
@require_POST
def claim_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Pay out the fees a stake has earned."""
    assert isinstance(request.user, User)
    market = access.market(slug)
    try:
        receipt = orders.fees_claim(
            user=request.user, market=market, key=request.POST.get("key", "")
        )
    except Unprocessable as refusal:
        messages.error(request, refusals.of(refusal))
        return redirect("market_page", slug=slug)
    return redirect("order_page", order_id=public_id("ord", receipt.id))


def _review(request: HttpRequest, market: Market, amount: int, key: str) -> HttpResponse:
    assert isinstance(request.user, User)
    view = markets.view(market)
    if told := _told_before(view, amount):
        return _pool_again(request, market, [{"field": "amount", "text": told}])
    cash = portfolio.money(request.user).cash_micro
    after = view.state.funding_micro + amount
    context = {
        "market": market,
        "view": view,
        "amount_micro": amount,
        "amount": MoneyField.written(amount),
        "key": key,
        "cash_after_micro": cash - amount,
        "short_micro": max(0, amount - cash),
        "share_e8": amount * 10**8 // after,
        "pool": pool_of(view),
    }
    return render(request, "exchange/contribution_page.html", context)


def _told_before(view: MarketView, amount: int) -> str:
    """Return what the engine would refuse for its size, so that nobody confirms it in vain."""
    config = view.config
    if amount < config.min_lp_micro:
        return refusals.sentence("min_contribution", {"value_min_micro": config.min_lp_micro})
    room = max(0, config.hard_cap_micro - view.state.funding_micro)
    return refusals.sentence("hard_cap", {"amount_max_micro": room}) if amount > room else ""


def _pool_again(request: HttpRequest, market: Market, found: list[dict[str, str]]) -> HttpResponse:
    amount = request.POST.get("amount", "")
    context = market_context.page_context(
        request, market.slug, tab="pool", stake_problems=found, stake_amount=amount
    )
    return render(request, "exchange/market_page.html", context, status=422)


def _problem(refusal: Refused) -> dict[str, str]:
    return {"field": "", "text": refusals.of(refusal)}
