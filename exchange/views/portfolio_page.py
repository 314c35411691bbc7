"""What a person has: cash, positions at what leaving would pay, stakes, orders and fills."""

from decimal import Decimal

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from exchange import refusals, spreadsheet
from exchange.ids import public_id
from exchange.models import Command, User
from exchange.selectors import portfolio, resting
from exchange.views import own
from exchange.views.edge import page
from exchange.views.market_context import new_key
from exchange.views.preview_parts import away
from exchange.words import CAUSES, INTENTS, LEGS, asked

ROWS_SHOWN = 50
ROWS_MAX = 10_000
TABS = {"orders": "Orders", "fills": "Trades"}


@page
@login_required
@require_safe
def portfolio_page(request: HttpRequest) -> HttpResponse:
    """Show everything at its exit value: what closing it now would pay, after fees."""
    assert isinstance(request.user, User)
    user = request.user
    positions, stakes = portfolio.positions(user), portfolio.stakes(user)
    money, waiting = portfolio.money(user), resting.of_user(user)
    exit_micro = sum(view.exit_micro for view in positions)
    stake_micro = sum(view.value_micro for view in stakes)
    tab = request.GET.get("tab", "")
    context = {
        "money": money,
        "positions": [(view, _away(view)) for view in positions],
        "stakes": stakes,
        "exit_micro": exit_micro,
        "stake_micro": stake_micro,
        "claimable_micro": sum(view.claimable_micro for view in stakes),
        "unrealised_micro": sum(view.unrealised_micro for view in positions),
        "realised_micro": portfolio.realised_micro(user),
        "total_micro": money.cash_micro + money.reserved_micro + exit_micro + stake_micro,
        "shorts": sum(view.is_short for view in positions),
        "open_orders": own.rows(waiting),
        "locking": sum(bool(order.row.reserved_micro) for order in waiting),
        "cancel_key": new_key(),
        "tab": tab if tab in TABS else "orders",
        "tabs": TABS,
        "orders": orders_for_table(portfolio.orders(user, limit=ROWS_SHOWN)),
        "fills": portfolio.fills(user, ROWS_SHOWN),
    }
    return render(request, "exchange/portfolio_page.html", context)


def _away(view: portfolio.PositionView) -> int | None:
    return away(view.liquidation_pico, view.close_out_pico)


def orders_for_table(orders: list[Command]) -> list[dict[str, object]]:
    """Return rows with the public id and, for a refusal, the reason in words."""
    return [
        {
            "order": order,
            "id": public_id("ord", order.pk),
            "asked": asked(order),
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
        "asked",
        "accepted",
        "shares",
        "total_usdc",
        "fee_usdc",
        "reason",
    )
    rows = [_order_row(row) for row in portfolio.orders(request.user, limit=ROWS_MAX)]
    return spreadsheet.csv_file("megatron-orders.csv", header, rows)


def _order_row(order: Command) -> list[spreadsheet.Cell]:
    result = order.result or {}
    total = result.get("net_micro", result.get("amount_micro", 0)) if order.accepted else 0
    accepted = {True: "yes", False: "no", None: "waiting"}[order.accepted]
    return [
        public_id("ord", order.pk),
        spreadsheet.instant(order.created_at),
        order.market.name,
        order.kind,
        asked(order),
        accepted,
        spreadsheet.figure(int(result.get("shares_nano", 0)), 9),
        spreadsheet.figure(int(total), 6),
        spreadsheet.figure(int(result.get("fee_micro", 0)), 6),
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
        "cause",
        "leg",
        "escrow_change_usdc",
        "liquidation_fee_usdc",
        "fill",
    )
    rows = [
        [
            spreadsheet.instant(fill.at),
            fill.market.name,
            fill.side,
            spreadsheet.figure(fill.shares_nano, 9),
            spreadsheet.figure(int(fill.price_pico), 12),
            spreadsheet.figure(fill.value_micro, 6),
            spreadsheet.figure(fill.fee_micro, 6),
            spreadsheet.figure(fill.surcharge_micro, 6),
            spreadsheet.figure(fill.realised_micro, 6),
            CAUSES.get(fill.cause, fill.cause),
            LEGS.get(fill.leg, fill.leg),
            spreadsheet.figure(fill.escrow_micro, 6),
            spreadsheet.figure(fill.penalty_micro, 6),
            public_id("fil", fill.pk),
        ]
        for fill in portfolio.fills(request.user, ROWS_MAX)
    ]
    return spreadsheet.csv_file("megatron-fills.csv", header, rows)


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
        "side",
        "escrow_usdc",
        "liquidation_price",
        "stop",
        "target",
    )
    rows = [
        [
            view.market.name,
            spreadsheet.figure(view.position.shares_nano, 9),
            spreadsheet.figure(view.average_pico, 12),
            spreadsheet.figure(view.position.entry_micro, 6),
            spreadsheet.figure(view.exit_micro, 6),
            spreadsheet.figure(view.unrealised_micro, 6),
            spreadsheet.figure(view.position.realised_micro, 6),
            "short" if view.is_short else "long",
            spreadsheet.figure(view.position.escrow_micro, 6),
            _price(view.liquidation_pico),
            _price(view.position.stop_pico),
            _price(view.position.target_pico),
        ]
        for view in portfolio.positions(request.user)
    ]
    return spreadsheet.csv_file("megatron-positions.csv", header, rows)


def _price(pico: Decimal | int | None) -> spreadsheet.Cell:
    return "" if pico is None else spreadsheet.figure(int(pico), 12)


@page
@login_required
@require_safe
def open_orders_csv(request: HttpRequest) -> HttpResponse:
    """Return what waits for the user in all markets."""
    assert isinstance(request.user, User)
    header = (
        "order",
        "placed_utc",
        "market",
        "kind",
        "what",
        "shares_asked",
        "shares_left",
        "price",
        "locked_usdc",
    )
    rows = [
        [
            order.row.ref,
            spreadsheet.instant(order.row.placed_at),
            order.row.market.name,
            order.row.kind,
            INTENTS.get(order.intent, "Timed exit"),
            spreadsheet.figure(order.asked_nano, 9),
            spreadsheet.figure(order.left_nano, 9),
            _price(order.price_pico),
            spreadsheet.figure(order.row.reserved_micro, 6),
        ]
        for order in resting.of_user(request.user)
    ]
    return spreadsheet.csv_file("megatron-open-orders.csv", header, rows)
