"""What the page of a market needs, gathered once for the page, its fragments and its errors."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from exchange import banners, clock, refusals
from exchange.engines import variable
from exchange.engines.units import MICRO, PRICE_OF_VALUE
from exchange.fields import MoneyField, PriceField, SharesField
from exchange.forms import TicketForm
from exchange.models import Market, User
from exchange.selectors import access, candles, lists, markets, portfolio, quotes, resting
from exchange.selectors.markets import MarketView
from exchange.views import own, previews
from exchange.views.pools import pool_of
from exchange.views.ticket_values import NAMES, ticket_of

TABS = {
    "trades": "Trades",
    "rules": "Spec and rules",
    "pool": "Liquidity",
    "orders": "My orders",
    "fills": "My trades",
}
OWN_TABS = ("orders", "fills")
COLLECTING = (Market.Status.FUNDING, Market.Status.CANCELLED)
SIZE_MICRO = 100 * MICRO
QUICK_AMOUNTS = ("10", "50", "100", "500")
MARKED_FILLS = 100
ROWS_SHOWN = 50
MOVES_SINCE_S = 7 * 86_400
MOVES_SHOWN = 6
MOVES_READ = 500
TICKET_FIELDS = NAMES
# What of a ticket a person types; without any of it there is nothing to preview.
TYPED = ("quantity", "stop", "target")
BEGINNING = {
    "type": "market",
    "side": "buy",
    "mode": "amount",
    "bound_as": "percent",
    "chunks": "5",
    "every": "10",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a trader pays and gets for a size now, fees included; None with the reason why not."""

    size_micro: int
    buy_pico: int | None
    sell_pico: int | None
    buy_reason: str = ""


def user_of(request: HttpRequest) -> User | None:
    """Return who is signed in."""
    return request.user if isinstance(request.user, User) else None


def prices(view: MarketView, size_micro: int = SIZE_MICRO) -> Prices:
    """Quote both sides for a size, as a visitor who may open and a holder who may close."""
    if view.live.halt_rule:
        reason = refusals.sentence("market_halted", {"rule": view.live.halt_rule})
        return Prices(size_micro=size_micro, buy_pico=None, sell_pico=None, buy_reason=reason)
    command = quotes.build("buy", {"amount_micro": size_micro}, 0)
    quote = quotes.quote(None, view.market, command)
    filled = quote.result
    buy = shares = None
    reason = ""
    if isinstance(filled, variable.Filled):
        shares = filled.shares_nano
        buy = -(-filled.net_micro * PRICE_OF_VALUE // shares)
    elif quote.refused:
        reason = refusals.sentence(quote.refused.code, quote.refused.fields)
    return Prices(
        size_micro=size_micro,
        buy_pico=buy,
        sell_pico=_sell_pico(view, shares or size_micro * 10**15 // view.market_pico),
        buy_reason=reason,
    )


def _sell_pico(view: MarketView, shares_nano: int) -> int | None:
    """Return what one share brings when that many are sold: by holders, or short by a visitor."""
    if view.state.status not in (Market.Status.ACTIVE, Market.Status.WINDING):
        return None
    if shares_nano > view.state.long_nano:
        command = quotes.build("sell", {"shares_nano": shares_nano}, 0)
        sold = quotes.quote(None, view.market, command).result
        if isinstance(sold, variable.Filled):
            return sold.net_micro * PRICE_OF_VALUE // sold.shares_nano
    size = min(shares_nano, view.state.long_nano)
    if size <= 0:
        return None
    holder = variable.Trader(id=0, shares_nano=size)
    value = variable.exit_value(view.config, view.state, holder, clock.now_s())
    return value * PRICE_OF_VALUE // size


def is_asked(given: Mapping[str, Any]) -> bool:
    """Return whether a ticket says enough to be previewed: a size, a stop or a target."""
    if given.get("type") == "protect":
        return any(name in given for name in ("stop", "target"))
    return bool(given.get("quantity"))


def ticket_form(request: HttpRequest) -> TicketForm:
    """Return the ticket as the address describes it: a link can carry one.

    What closes a position closes only, unless the address says otherwise.
    """
    given = {name: request.GET[name] for name in TICKET_FIELDS if name in request.GET}
    values = {**BEGINNING, "reduce_only": "on", **given}
    form = TicketForm(values)
    if not any(name in given for name in TYPED):
        form.is_bound = False
        form.initial = values
    return form


def page_context(request: HttpRequest, slug: str, **extra: Any) -> dict[str, Any]:
    """Return everything the page of a market shows.

    Raises:  NotFound.
    """
    market = access.market(slug)
    view, user = markets.view(market), user_of(request)
    tab = extra.pop("tab", None) or request.GET.get("tab", "")
    chosen = request.GET.get("range", "")
    form = extra.pop("form", None) or ticket_form(request)
    preview = extra.pop("preview", None)
    frame = frame_context(request, view)
    if preview is None and form.is_bound and form.is_valid():
        preview = previews.preview(user, view, ticket_of(form.cleaned_data))
    context = {
        **frame,
        **tabs_context(view, user, tab),
        "range": chosen if chosen in candles.RANGES else "1d",
        "ranges": list(candles.RANGES),
        "prices": prices(view),
        "form": form,
        "ticket": ticket_values(form, frame["position"]),
        "sign_in_next": sign_in_next(market, form),
        "preview": preview,
        "key": new_key(),
        "moves": markets.oracle_moves(market, clock.now_s() - MOVES_SINCE_S, MOVES_READ)[
            : -MOVES_SHOWN - 1 : -1
        ],
        "asked": any(name in request.GET for name in ("quantity", "type")) or form.is_bound,
    }
    context |= tab_context(request, view, context["tab"])
    if context["collecting"]:
        context |= {"pool": pool_of(view), "stake_key": context["key"]}
    return {**context, **extra}


def tabs_context(view: MarketView, user: User | None, wanted: str) -> dict[str, Any]:
    """Return the tabs that make sense in this state, and the one that is open."""
    tabs = dict(TABS)
    if view.state.status in COLLECTING:
        del tabs["trades"]
    if view.state.status in COLLECTING or user is None:
        for name in OWN_TABS:
            del tabs[name]
    return {"tabs": tabs, "tab": wanted if wanted in tabs else next(iter(tabs))}


def frame_context(request: HttpRequest, view: MarketView) -> dict[str, Any]:
    """Return what every fragment of the page knows: the market, the person, the position."""
    user, state = user_of(request), view.state
    position = portfolio.position(user, view.market) if user else None
    held = position.position.shares_nano if position else 0
    money = portfolio.money(user) if user else None
    newest = view.market.oracle_moves.order_by("-id").first()
    expected_s = state.last_oracle_s + view.config.interval_s
    return {
        "view": view,
        "market": view.market,
        "position": position,
        "held_nano": held,
        "held": "long" if held > 0 else "short" if held else "",
        "money": money,
        "paused": banners.is_paused(view),
        "quick_amounts": QUICK_AMOUNTS,
        "max_amount": MoneyField.written(money.cash_micro) if money else "",
        "max_shares": SharesField.written(abs(held)) if held else "",
        "half_shares": SharesField.written(abs(held) // 2) if abs(held) > 1 else "",
        "collecting": state.status in COLLECTING,
        "funding_left_s": max(0, state.deadline_s - clock.now_s()),
        "next_oracle_s": expected_s,
        "next_oracle_in_s": max(0, expected_s - clock.now_s()),
        "confidence_e8": newest.confidence_e8 if newest else None,
        "oracle_url": f"/markets/{view.market.slug}/oracle/",
        "band": f"{view.config.band_e8 / 10**8:.8f}" if view.config.band_e8 else "",
        **own_context(user, view, position),
    }


def own_context(
    user: User | None, view: MarketView, position: portfolio.PositionView | None
) -> dict[str, Any]:
    """Return what of a person's own follows their trades: position, orders, the chart's marks."""
    if user is None or view.state.status in COLLECTING:
        return {}
    waiting = resting.of_user(user, view.market)
    fills = lists.fills(user, market=view.market, before=None, limit=MARKED_FILLS)
    return {
        "open_orders": own.rows(waiting),
        "open_reserved_micro": sum(order.row.reserved_micro for order in waiting),
        "cancel_all_key": new_key(),
        "stance": own.stance(view, position, waiting),
        "own_lines": own.lines(position, waiting, fills),
        "collateral_key": new_key(),
        "news_since": fills[0].pk if fills else 0,
    }


def tab_context(request: HttpRequest, view: MarketView, tab: str) -> dict[str, Any]:
    """Return what one tab shows, and nothing that the others would need."""
    user, market = user_of(request), view.market
    if tab == "trades":
        return {"trades": markets.recent_trades(market), "events": []}
    if tab == "rules":
        return {"events": markets.recent_events(market)}
    if tab == "pool":
        stakes = portfolio.stakes(user) if user else []
        stake = next((s for s in stakes if s.market == market), None)
        return {"pool": pool_of(view), "stake": stake, "stake_key": new_key()}
    if tab == "fills":
        rows = lists.fills(user, market=market, before=None, limit=ROWS_SHOWN) if user else []
        return {"fills": rows[:ROWS_SHOWN]}
    return {"orders": portfolio.orders(user, market, ROWS_SHOWN) if user else []}


def ticket_values(
    form: TicketForm, position: portfolio.PositionView | None = None
) -> dict[str, str]:
    """Return what the ticket's inputs show: what was typed, or the beginning.

    The stop and the target of a position stand there to be changed.
    """
    values = {name: form[name].value() or "" for name in TICKET_FIELDS}
    if position and not form.is_bound:
        for name in ("stop", "target"):
            price = getattr(position.position, f"{name}_pico")
            values[name] = values[name] or (PriceField.written(int(price)) if price else "")
    return values


def sign_in_next(market: Market, form: TicketForm) -> str:
    """Return the address that shows the same ticket again, for after signing in."""
    values = {name: value for name, value in ticket_values(form).items() if value}
    others = (
        ("reduce_only",) if values.get("type") == "exit" else ("reduce_only", "chunks", "every")
    )
    values = {name: value for name, value in values.items() if name not in others}
    return f"{reverse('market_page', kwargs={'slug': market.slug})}?{urlencode(values)}"


def new_key() -> str:
    """Return a key under which one rendered form can act once."""
    return secrets.token_urlsafe(24)
