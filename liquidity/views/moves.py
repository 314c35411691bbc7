"""What providers do with their money: contribute, claim, take out, wait in the queue."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from exchange import refusals
from exchange.errors import Conflict, Malformed, Unprocessable
from exchange.ids import public_id
from exchange.models import Market, User
from exchange.selectors import access
from exchange.services import orders
from exchange.services.batch import Receipt
from exchange.views.edge import page
from liquidity.forms import ContributionForm, KeyForm, WithdrawalForm
from liquidity.views.pool_page import pool_context


@page
@login_required
@require_POST
def pool_contribute(request: HttpRequest, slug: str) -> HttpResponse:
    """Put money into a pool; what it buys was shown before."""
    form = ContributionForm(request.POST)
    if not form.is_valid():
        return _again(request, slug, "amount", [str(e) for e in form.errors["amount"]])
    amount = form.cleaned_data["amount"]
    return _done(
        request,
        slug,
        "amount",
        lambda user, market, key: orders.contribution_place(
            user=user, market=market, amount_micro=amount, key=key
        ),
    )


@page
@login_required
@require_POST
def pool_withdraw(request: HttpRequest, slug: str) -> HttpResponse:
    """Take units out at once, or put them into the queue."""
    form = WithdrawalForm(request.POST)
    if not form.is_valid():
        return _again(request, slug, "units", [str(e) for e in form.errors["units"]])
    units, queued = form.cleaned_data["units"], request.POST.get("how") == "queue"
    return _done(
        request,
        slug,
        "units",
        lambda user, market, key: orders.units_withdraw(
            user=user, market=market, units_nano=units, key=key, queued=queued
        ),
    )


@page
@login_required
@require_POST
def pool_claim(request: HttpRequest, slug: str) -> HttpResponse:
    """Pay out the fees a stake has earned."""
    return _done(
        request,
        slug,
        "stake",
        lambda user, market, key: orders.fees_claim(user=user, market=market, key=key),
    )


@page
@login_required
@require_POST
def pool_cancel(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a withdrawal out of the queue; its units come back as they had vested."""
    assert isinstance(request.user, User)
    form = KeyForm(request.POST)
    if not form.is_valid() or not form.cleaned_data["ref"]:
        return _again(request, slug, "stake", ["There is no such withdrawal."])
    market = access.market(slug)
    try:
        orders.resting_cancel(
            user=request.user,
            market=market,
            ref=form.cleaned_data["ref"],
            key=form.cleaned_data["key"],
        )
    except (Unprocessable, Conflict, Malformed) as refusal:
        return _again(request, slug, "stake", [refusals.of(refusal)])
    messages.success(request, "The withdrawal is out of the queue; its units are yours to use.")
    return redirect("pool_page", slug=slug)


def _done(
    request: HttpRequest, slug: str, part: str, act: Callable[[User, Market, str], Receipt]
) -> HttpResponse:
    """Do it and go to its receipt, or show the page again with the reason why not."""
    assert isinstance(request.user, User)
    market = access.market(slug)
    try:
        receipt = act(request.user, market, request.POST.get("key", ""))
    except (Unprocessable, Conflict, Malformed) as refusal:
        return _again(request, slug, part, [refusals.of(refusal)])
    return redirect("order_page", order_id=public_id("ord", receipt.id))


def _again(request: HttpRequest, slug: str, part: str, texts: list[str]) -> HttpResponse:
    found = [{"field": part if part != "stake" else "", "text": text} for text in texts]
    context = pool_context(request, slug, **{f"{part}_problems": found})
    return render(request, "liquidity/pool_page.html", context, status=422)
