"""A receipt: who paid what to whom, at which price, in which batch."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exchange import clock, refusals
from exchange.engines.units import RATE
from exchange.ids import public_id
from exchange.models import Command
from exchange.selectors import access
from exchange.views.edge import page
from exchange.views.previews import PRICE_OF_VALUE

TITLES = {
    "buy": "Bought",
    "sell": "Sold",
    "contribute": "Contributed",
    "claim": "Claimed fees",
    "withdraw": "Took out",
    "queue_withdrawal": "Queued",
}


@dataclass(frozen=True, slots=True)
class Payment:
    """One line of a receipt: from whom, to whom, how much, and what for."""

    payer: str
    payee: str
    amount_micro: int
    purpose: str


@page
@login_required
@require_safe
def order_page(request: HttpRequest, order_id: str) -> HttpResponse:
    """Show one of the user's own orders; anybody else's does not exist."""
    assert request.user.is_authenticated
    order = access.order_of(request.user, order_id)
    result = order.result or {}
    context: dict[str, Any] = {
        "order": order,
        "order_id": public_id("ord", order.pk),
        "market": order.market,
        "result": result,
        "title": TITLES.get(order.kind, order.kind.title()),
        "settled_at": clock.at(order.settled_s) if order.settled_s else None,
        "key": order.key,
    }
    if order.accepted is False:
        context["reason"] = refusals.sentence(result.get("code", ""), result.get("fields", {}))
    elif order.accepted:
        context |= _figures(order, result)
    return render(request, "exchange/order_page.html", context)


def _figures(order: Command, result: dict[str, Any]) -> dict[str, Any]:
    payments = _payments(order.kind, result)
    if order.kind not in ("buy", "sell"):
        return {"payments": payments}
    before, after = int(result["market_before_pico"]), int(result["market_pico"])
    total = int(result["net_micro"]) * PRICE_OF_VALUE
    shares = int(result["shares_nano"])
    return {
        "payments": payments,
        "is_trade": True,
        "average_pico": -(-total // shares) if order.kind == "buy" else total // shares,
        "moved_e8": (after - before) * RATE // before,
    }


def _payments(kind: str, result: dict[str, Any]) -> list[Payment]:
    if kind == "contribute":
        return [Payment("You", "Funding pool", int(result["amount_micro"]), "contribution at par")]
    if kind == "claim":
        return [Payment("Fee account", "You", int(result["amount_micro"]), "fees you earned")]
    if kind == "withdraw":
        return [Payment("Pool", "You", int(result["amount_micro"]), "units at net asset value")]
    if kind not in ("buy", "sell"):
        return []
    value, fee = int(result["value_micro"]), int(result["fee_micro"])
    providers, surcharge = int(result["lp_fee_micro"]), int(result["surcharge_micro"])
    curve = (
        Payment("You", "Pool", value, "the shares, along the curve")
        if kind == "buy"
        else Payment("Pool", "You", value, "the shares, along the curve")
    )
    lines = [
        curve,
        Payment("You", "Liquidity providers", providers, "their part of the fee"),
        Payment("You", "Treasury", fee - providers, "the rest of the fee"),
        Payment("You", "Pool", surcharge, "surcharge while the oracle view lags"),
    ]
    return [line for line in lines if line.amount_micro]
