"""What a person has: cash, positions at what leaving would pay, stakes, orders and fills."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exchange import refusals
from exchange.ids import public_id
from exchange.models import Command, User
from exchange.selectors import portfolio
from exchange.views import exports
from exchange.views.edge import page

ROWS_SHOWN = 50
ROWS_MAX = 10_000
TABS = {"orders": "Orders", "fills": "Fills"}


@page
@login_required
@require_safe
def portfolio_page(request: HttpRequest) -> HttpResponse:
    """Show everything at its exit value: what closing it now would pay, after fees."""
    assert isinstance(request.user, User)
    user = request.user
    positions, stakes = portfolio.positions(user), portfolio.stakes(user)
    money = portfolio.money(user)
    exit_micro = sum(view.exit_micro for view in positions)
    stake_micro = sum(view.value_micro for view in stakes)
    tab = request.GET.get("tab", "")
    context = {
        "money": money,
        "positions": positions,
        "stakes": stakes,
        "exit_micro": exit_micro,
        "stake_micro": stake_micro,
        "claimable_micro": sum(view.claimable_micro for view in stakes),
        "unrealised_micro": sum(view.unrealised_micro for view in positions),
        "realised_micro": portfolio.realised_micro(user),
        "total_micro": money.cash_micro + money.reserved_micro + exit_micro + stake_micro,
        "tab": tab if tab in TABS else "orders",
        "tabs": TABS,
        "orders": orders_for_table(portfolio.orders(user, limit=ROWS_SHOWN)),
        "fills": portfolio.fills(user, ROWS_SHOWN),
    }
    return render(request, "exchange/portfolio_page.html", context)


def orders_for_table(orders: list[Command]) -> list[dict[str, object]]:
    """Return rows with the public id and, for a refusal, the reason in words."""
    return [
        {
            "order": order,
            "id": public_id("ord", order.pk),
            "reason": _reason(order),
            "result": order.result or {},
        }
        for order in orders
    ]


def _reason(order: Command) -> str:
    if order.accepted is not False or not order.result:
        return ""
    return refusals.sentence(order.result.get("code", ""), order.result.get("fields", {}))


@page
@login_required
@require_safe
def orders_csv(request: HttpRequest) -> HttpResponse:
    """Return every request the user made, refused ones with the reason."""
    assert isinstance(request.user, User)
    header = (
        "order",
        "time_utc",
        "market",
        "kind",
        "accepted",
        "shares",
        "total_usdc",
        "fee_usdc",
        "reason",
    )
    rows = [_order_row(row) for row in portfolio.orders(request.user, limit=ROWS_MAX)]
    return exports.csv_file("megatron-orders.csv", header, rows)


def _order_row(order: Command) -> list[exports.Cell]:
    result = order.result or {}
    total = result.get("net_micro", result.get("amount_micro", 0)) if order.accepted else 0
    accepted = {True: "yes", False: "no", None: "waiting"}[order.accepted]
    return [
        public_id("ord", order.pk),
        exports.instant(order.created_at),
        order.market.name,
        order.kind,
        accepted,
        exports.figure(int(result.get("shares_nano", 0)), 9),
        exports.figure(int(total), 6),
        exports.figure(int(result.get("fee_micro", 0)), 6),
        _reason(order),
    ]


@page
@login_required
@require_safe
def fills_csv(request: HttpRequest) -> HttpResponse:
    """Return the user's executions with every figure exact."""
    assert isinstance(request.user, User)
    header = (
        "time_utc",
        "market",
        "side",
        "shares",
        "price",
        "value_usdc",
        "fee_usdc",
        "surcharge_usdc",
        "realised_usdc",
    )
    rows = [
        [
            exports.instant(fill.at),
            fill.market.name,
            fill.side,
            exports.figure(fill.shares_nano, 9),
            exports.figure(int(fill.price_pico), 12),
            exports.figure(fill.value_micro, 6),
            exports.figure(fill.fee_micro, 6),
            exports.figure(fill.surcharge_micro, 6),
            exports.figure(fill.realised_micro, 6),
        ]
        for fill in portfolio.fills(request.user, ROWS_MAX)
    ]
    return exports.csv_file("megatron-fills.csv", header, rows)


@page
@login_required
@require_safe
def positions_csv(request: HttpRequest) -> HttpResponse:
    """Return the open positions with the figures the page shows."""
    assert isinstance(request.user, User)
    header = (
        "market",
        "shares",
        "average_price",
        "cost_usdc",
        "exit_value_usdc",
        "unrealised_usdc",
        "realised_usdc",
    )
    rows = [
        [
            view.market.name,
            exports.figure(view.position.shares_nano, 9),
            exports.figure(view.average_pico, 12),
            exports.figure(view.position.entry_micro, 6),
            exports.figure(view.exit_micro, 6),
            exports.figure(view.unrealised_micro, 6),
            exports.figure(view.position.realised_micro, 6),
        ]
        for view in portfolio.positions(request.user)
    ]
    return exports.csv_file("megatron-positions.csv", header, rows)
