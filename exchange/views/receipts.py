"""A receipt for every kind of request: what was asked, what came of it, who paid what to whom."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exchange import clock, figures, refusals
from exchange.engines.units import PRICE_OF_VALUE, RATE
from exchange.ids import public_id
from exchange.models import Command, Fill, RestingOrder
from exchange.selectors import access, lists, resting
from exchange.views.edge import page
from exchange.views.market_context import new_key
from exchange.views.payments import Payment, payments_of
from exchange.words import KINDS, STATUSES, asked

Facts = list[tuple[str, str]]
Result = dict[str, Any]
TRADES = ("buy", "sell")


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
        "asked": asked(order),
        "kind": KINDS.get(order.kind, order.kind),
        "settled_at": clock.at(order.settled_s) if order.settled_s else None,
        "key": order.key,
    }
    if order.accepted is False:
        context["reason"] = refusals.sentence(result.get("code", ""), result.get("fields", {}))
    elif order.accepted:
        context |= _told(order, result)
    return render(request, "exchange/order_page.html", context)


def _told(order: Command, result: Result) -> dict[str, Any]:
    """Return what an accepted request brought."""
    row = _left(order, result)
    found: dict[str, Any] = {"title": _title(order, result), "facts": [], "payments": []}
    if order.kind in TRADES:
        found |= _trade(order, result)
    else:
        found["facts"] = FACTS.get(order.kind, _no_facts)(order, result)
        found["payments"] = _moved(order, result)
    if row is not None:
        fills = resting.fills_of(row)
        found |= {
            "resting": row,
            "waiting": resting.waiting(row),
            "status": STATUSES[row.status],
            "served": fills,
            "cancel_key": new_key(),
        }
    return found


def _left(order: Command, result: Result) -> RestingOrder | None:
    """Return what the request left to wait in the market."""
    ref = result.get("committed") if order.kind in TRADES else result.get("id")
    if not ref or order.kind in {"cancel", "queue_withdrawal"}:
        return None
    assert order.user is not None
    return access.resting_at(order.user, order.market, int(ref))


def _title(order: Command, result: Result) -> str:
    ticker = order.market.ticker
    if order.kind in TRADES:
        if not result.get("shares_nano"):
            return "Waiting for the next oracle event"
        size = f"{figures.shares(result['shares_nano'])} {ticker}"
        legs = [leg["leg"] for leg in result.get("legs", [])]
        if order.kind == "buy":
            return f"Bought {size}"
        return f"Sold {size} short" if legs == ["open_short"] else f"Sold {size}"
    if order.kind in {"contribute", "claim", "withdraw"}:
        words = {"contribute": "Contributed", "claim": "Claimed fees", "withdraw": "Took out"}
        return f"{words[order.kind]} {figures.usdc_exact(int(result['amount_micro']))} USDC"
    if order.kind == "queue_withdrawal":
        return f"Queued {figures.shares(int(result['units_nano']))} units"
    return {
        "limit": "Limit order placed",
        "targets": "Stop and target set",
        "timed_exit": "Timed exit started",
        "cancel": "Order taken back",
        "add_collateral": "Collateral added",
        "remove_collateral": "Collateral taken out",
    }.get(order.kind, KINDS.get(order.kind, order.kind))


def _trade(order: Command, result: Result) -> dict[str, Any]:
    fills = lists.of_order(order)
    shares = int(result["shares_nano"])
    before, after = int(result["market_before_pico"]), int(result["market_pico"])
    total = int(result["net_micro"]) * PRICE_OF_VALUE
    average = (-(-total // shares) if order.kind == "buy" else total // shares) if shares else 0
    return {
        "is_trade": bool(shares),
        "fills": fills,
        "payments": [line for fill in fills for line in payments_of(fill)],
        "closes": any(fill.leg in {"close_long", "cover_short"} for fill in fills),
        "into_escrow": _into_escrow(fills),
        "average_pico": average,
        "moved_e8": (after - before) * RATE // before,
    }


def _into_escrow(fills: list[Fill]) -> int:
    """Return what a new short has put aside: its proceeds and the margin."""
    return sum(fill.escrow_micro for fill in fills if fill.leg == "open_short")


def _moved(order: Command, result: Result) -> list[Payment]:
    """Return who paid what to whom in a request that is no trade."""
    amount = int(result.get("amount_micro", order.payload.get("amount_micro", 0)))
    reserved = int(result.get("reserved_micro", 0))
    pool = "Pool" if order.market.activated_at else "Funding pool"
    known = {
        "contribute": Payment("You", pool, amount, "contribution"),
        "claim": Payment("Fee account", "You", amount, "fees you earned"),
        "withdraw": Payment("Pool", "You", amount, "units at net asset value"),
        "add_collateral": Payment("You", "Your escrow", amount, "more collateral"),
        "remove_collateral": Payment("Your escrow", "You", amount, "collateral taken out"),
        "limit": Payment("You", "Set aside for you", reserved, "comes back when it ends"),
    }
    line = known.get(order.kind)
    return [line] if line and line.amount_micro else []


def _no_facts(_: Command, __: Result) -> Facts:
    return []


def _limit_facts(order: Command, _: Result) -> Facts:
    price = figures.price(int(order.payload["price_pico"]))
    better = "or less" if order.payload["intent"] in {"open_long", "close_short"} else "or more"
    return [("Price of every share", f"{price} {better}")]


def _targets_facts(_: Command, result: Result) -> Facts:
    named = (("Stop-loss", "stop_pico"), ("Take-profit", "target_pico"))
    return [
        (name, figures.price(int(result[key])) if result.get(key) else "none")
        for name, key in named
    ]


def _exit_facts(order: Command, _: Result) -> Facts:
    payload = order.payload
    guard = payload.get("guard_pico")
    return [
        ("Parts", str(payload["chunks"])),
        ("One every", figures.age(int(payload["interval_s"]))),
        ("Waits while the price is past", figures.price(int(guard)) if guard else "never"),
    ]


def _cancel_facts(order: Command, _: Result) -> Facts:
    assert order.user is not None
    row = access.resting_at(order.user, order.market, int(order.payload["ref"]))
    kind = {"limit": "Limit order", "commit": "Order that waited for the oracle"}
    was = kind.get(row.kind, "Timed exit" if row.kind == "exit" else "Queued withdrawal")
    found = [("What it was", was)]
    order_ = resting.waiting(row)
    if order_.asked_nano:
        found.append(("Filled before that", figures.shares(order_.done_nano)))
        found.append(("Taken back", figures.shares(order_.left_nano)))
    return found


def _collateral_facts(_: Command, result: Result) -> Facts:
    return [("In your escrow after it", f"{figures.usdc_exact(int(result['escrow_micro']))} USDC")]


def _units_facts(_: Command, result: Result) -> Facts:
    return [("Units", figures.shares_exact(int(result["units_nano"])))]


FACTS: dict[str, Callable[[Command, Result], Facts]] = {
    "limit": _limit_facts,
    "targets": _targets_facts,
    "timed_exit": _exit_facts,
    "cancel": _cancel_facts,
    "add_collateral": _collateral_facts,
    "remove_collateral": _collateral_facts,
    "contribute": _units_facts,
    "withdraw": _units_facts,
    "queue_withdrawal": _units_facts,
}
