"""One execution explained: what set it off, who paid what, and a liquidation step by step."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exchange.engines.units import RATE
from exchange.ids import public_id
from exchange.models import Fill
from exchange.selectors import access, liquidations, lists
from exchange.selectors.liquidations import Liquidation
from exchange.views.edge import page
from exchange.views.payments import Payment, payments_of
from exchange.words import CAUSES, LEGS, filled

# What brought it about, for the page of the fill.
REASONS = {
    "command": "You placed this order.",
    "commit": "The order waited for the oracle and was carried out right after its event.",
    "limit": "The market price reached your limit order. Every share was priced at it or better.",
    "stop": "The trigger price reached your stop-loss, so the whole position was closed.",
    "target": "The market price reached your take-profit. No share was priced worse than it.",
    "exit": "A part of your timed exit was due.",
    "margin": "Your short no longer had its maintenance margin.",
}


@page
@login_required
@require_safe
def fill_page(request: HttpRequest, fill_id: str) -> HttpResponse:
    """Show one of the user's own executions; anybody else's does not exist."""
    assert request.user.is_authenticated
    fill = access.fill_of(request.user, fill_id)
    order = lists.orders_of([fill]).get((fill.market_id, fill.command_seq))
    context: dict[str, Any] = {
        "fill": fill,
        "fill_id": public_id("fil", fill.pk),
        "market": fill.market,
        "what": filled(fill),
        "cause": CAUSES.get(fill.cause, fill.cause),
        "leg": LEGS.get(fill.leg, fill.leg),
        "reason": REASONS.get(fill.cause, ""),
        "order_id": public_id("ord", order) if order and fill.cause == "command" else "",
        "payments": payments_of(fill),
    }
    if fill.leg == "liquidation":
        story = liquidations.of_fill(fill)
        context |= {
            "story": story,
            "payments": _who_paid(fill, story),
            "keep_e8": RATE + story.config.mm_e8,
            "initial_e8": RATE + story.config.im_e8,
        }
    return render(request, "exchange/fill_page.html", context)


def _who_paid(fill: Fill, story: Liquidation) -> list[Payment]:
    providers, fee = fill.lp_fee_micro, fill.fee_micro
    cover = "the shares bought back, along the curve"
    lines = [
        Payment("Your escrow", "Pool", story.paid_micro, cover),
        Payment(
            "Insurance fund, then providers",
            "Pool",
            story.gap_micro,
            "what the escrow could not pay; you owe nothing for it",
        ),
        Payment("Your escrow", "Liquidity providers", providers, "their part of the base fee"),
        Payment("Your escrow", "Treasury", fee - providers, "the rest of the base fee"),
        Payment("Your escrow", "Insurance fund", fill.penalty_micro, "the liquidation fee"),
        Payment("Your escrow", "Your cash", story.returned_micro, "what was left came back"),
    ]
    return [line for line in lines if line.amount_micro]
