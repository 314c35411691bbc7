"""The providers' pages: all pools, and one with the visitor's stake in it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exchange import clock, refusals
from exchange.engines.units import RATE
from exchange.engines.variable import FUNDING, Applied
from exchange.fields import MoneyField, SharesField
from exchange.models import Market, User
from exchange.selectors import access, portfolio
from exchange.services import gate
from exchange.views.edge import page
from exchange.views.market_context import new_key
from liquidity.core import exits
from liquidity.forms import ContributionForm, WithdrawalForm
from liquidity.selectors import pools, simulations, stakes
from liquidity.selectors.pools import PoolView
from liquidity.selectors.stakes import Holding
from liquidity.views.drawings import calendar_drawing

DAYS = (1, 7, 30, 90, 180)
TAKING = (Market.Status.FUNDING, Market.Status.ACTIVE)


@page
@require_safe
def pool_list(request: HttpRequest) -> HttpResponse:
    """Show the pools that collect, the pools that work, and the visitor's stakes."""
    user = user_of(request)
    rows = pools.pools()
    held = stakes.holdings(user) if user else []
    context = {
        "funding": [row for row in rows if row.is_funding],
        "active": [row for row in rows if not row.is_funding],
        "holdings": held,
        "equity_micro": sum(row.equity_micro for row in rows if not row.is_funding),
        "fees_micro": sum(row.fees_micro for row in rows),
        "worth_micro": sum(value for _, value, _, _ in held),
    }
    return render(request, "liquidity/pool_list.html", context)


@page
@require_safe
def pool_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one pool. `amount` and `units` in the address ask for previews."""
    return render(request, "liquidity/pool_page.html", pool_context(request, slug))


def user_of(request: HttpRequest) -> User | None:
    """Return who is signed in."""
    return request.user if isinstance(request.user, User) else None


def pool_context(request: HttpRequest, slug: str, **problems: Any) -> dict[str, Any]:
    """Return everything the page of a pool shows; `problems` are those of a form sent to it.

    Raises:  NotFound.
    """
    market, user = access.market(slug), user_of(request)
    row = pools.pool(market)
    held = stakes.holding(user, market) if user else None
    asked = request.POST if request.method == "POST" else request.GET
    context = {
        "market": market,
        "pool": row,
        "view": row.view,
        "shut": gate.why_shut(market),
        "is_taking": row.view.state.status in TAKING and not market.live.halt_rule,
        "health": pools.health_of(row),
        "pinned": simulations.headline(market.pk),
        "held": held,
        "money": portfolio.money(user) if user else None,
        "drawing": calendar_drawing(held.calendar, clock.now_s()) if held else None,
        "amount": asked.get("amount", ""),
        "units": asked.get("units", ""),
        "key": new_key(),
        "days": DAYS,
    }
    context |= _contribution(row, user, asked.get("amount", ""))
    context |= _withdrawal(held, asked.get("units", ""))
    return {**context, **problems}


def _contribution(row: PoolView, user: User | None, amount: str) -> dict[str, Any]:
    """Return the preview of a contribution, or what is wrong with the amount."""
    if not amount:
        return {}
    form = ContributionForm({"amount": amount})
    if not form.is_valid():
        return {"amount_problems": _problems(form)}
    micro, market = form.cleaned_data["amount"], row.market
    now_s = max(clock.now_s(), row.view.state.t_s)
    outcome = exits.contributed(row.view.config, row.view.state, micro, now_s, DAYS)
    if outcome.refused:
        return {"amount_problems": [_refusal(outcome.refused.code, outcome.refused.fields)]}
    cash = portfolio.money(user).cash_micro if user else 0
    starts = row.view.state.status == FUNDING and not outcome.activates
    worst_e8 = pools.worst_day_e8(market)
    return {
        "outcome": outcome,
        "amount_micro": micro,
        "amount_kept": MoneyField.written(micro),
        "cash_after_micro": cash - micro,
        "missing_micro": max(0, micro - cash) if user else 0,
        "starts_later": starts,
        "worst_day_e8": worst_e8,
        "worst_micro": micro * worst_e8 // RATE if worst_e8 is not None else None,
    }


def _withdrawal(held: Holding | None, units: str) -> dict[str, Any]:
    """Return the preview of taking units out at once and through the queue."""
    if held is None or not units:
        return {}
    form = WithdrawalForm({"units": units})
    if not form.is_valid():
        return {"units_problems": _problems(form)}
    nano = form.cleaned_data["units"]
    waiting = [item for _, item in stakes.waiting_in(held.market)]
    now_s = max(clock.now_s(), held.state.t_s)
    answer = exits.withdrawn(
        held.config, held.state, held.provider, units_nano=nano, now_s=now_s, queue=waiting
    )
    shown: dict[str, Any] = {
        "units_nano": nano,
        "units_kept": SharesField.written(nano),
        "units_worth_micro": stakes.worth(held.state, nano),
    }
    if isinstance(answer, Applied):
        return shown | {"leaves_micro": answer.fields["amount_micro"]}
    shown["exit_refusal"] = _refusal(answer.code, answer.fields)
    if nano <= held.available_nano:
        shown["exit_forecast"] = stakes.queue_forecast(held, nano)
    return shown


def _problems(form: ContributionForm | WithdrawalForm) -> list[dict[str, str]]:
    return [
        {"field": name, "text": str(text)} for name, texts in form.errors.items() for text in texts
    ]


def _refusal(code: str, fields: dict[str, Any]) -> dict[str, str]:
    return {"field": "", "text": refusals.sentence(code, fields)}
