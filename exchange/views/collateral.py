"""The collateral of a short: what a change would do to its liquidation level, and the change."""

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from exchange import refusals
from exchange.errors import Conflict, Unprocessable
from exchange.fields import MoneyField
from exchange.forms import CollateralForm
from exchange.ids import public_id
from exchange.models import Market, User
from exchange.selectors import access, markets, quotes
from exchange.selectors.markets import MarketView
from exchange.services import orders
from exchange.views import market_context
from exchange.views.edge import page
from exchange.views.preview_parts import away, level_of
from exchange.views.tickets import problems

KINDS = {"add": "add_collateral", "remove": "remove_collateral"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a change of collateral would do, or why it would be refused."""

    way: str
    amount_micro: int
    amount: str
    refusal: str = ""
    fix: str = ""
    escrow_micro: int = 0
    cash_micro: int = 0
    level_before_pico: int | None = None
    level_pico: int | None = None
    away_e8: int | None = None


@page
@login_required
@require_POST
def collateral_preview(request: HttpRequest, slug: str) -> HttpResponse:
    """Say what the change would do now: a fragment for scripts, the whole page without them."""
    assert isinstance(request.user, User)
    view = markets.view(access.market(slug))
    form = CollateralForm(request.POST)
    change = _change(request.user, view, form) if form.is_valid() else None
    return _shown(request, view.market, change, problems(form))


@page
@login_required
@require_POST
def collateral_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Add to the escrow of a short, or take out of it, and go to the receipt."""
    assert isinstance(request.user, User)
    market = access.market(slug)
    form = CollateralForm(request.POST)
    if not form.is_valid():
        return _shown(request, market, None, problems(form), status=422)
    try:
        receipt = orders.collateral_change(
            user=request.user,
            market=market,
            amount_micro=form.cleaned_data["amount"],
            key=request.POST.get("key", ""),
            adds=form.cleaned_data["way"] == "add",
        )
    except (Unprocessable, Conflict) as refusal:
        found = [{"field": "", "text": refusals.of(refusal)}]
        return _shown(request, market, None, found, status=422)
    return redirect("order_page", order_id=public_id("ord", receipt.id))


def _change(user: User, view: MarketView, form: CollateralForm) -> Change:
    way, amount = form.cleaned_data["way"], form.cleaned_data["amount"]
    written = MoneyField.written(amount)
    command = quotes.build(KINDS[way], {"amount_micro": amount}, user.pk)
    quote = quotes.quote(user, view.market, command)
    if quote.refused:
        most = int(quote.refused.fields.get("amount_max_micro", 0))
        return Change(
            way=way,
            amount_micro=amount,
            amount=written,
            refusal=refusals.sentence(quote.refused.code, quote.refused.fields),
            fix=MoneyField.written(most) if most else "",
        )
    level = level_of(view, quote.after)
    return Change(
        way=way,
        amount_micro=amount,
        amount=written,
        escrow_micro=quote.after.escrow_micro,
        cash_micro=quote.after.cash_micro,
        level_before_pico=level_of(view, quote.before),
        level_pico=level,
        away_e8=away(level, quote.state.close_out_pico),
    )


def _shown(
    request: HttpRequest,
    market: Market,
    change: Change | None,
    found: list[dict[str, str]],
    status: int = 200,
) -> HttpResponse:
    """Render the change where its form stands, with the input kept."""
    extra = {
        "change": change,
        "collateral_problems": found,
        "collateral_way": request.POST.get("way", "add"),
        "collateral_amount": request.POST.get("amount", ""),
        "collateral_key": market_context.new_key(),
    }
    if request.headers.get("HX-Request"):
        context = {"market": market, **extra}
        return render(request, "exchange/partials/_collateral_preview.html", context, status=status)
    context = market_context.page_context(request, market.slug, **extra)
    return render(request, "exchange/market_page.html", context, status=status)
