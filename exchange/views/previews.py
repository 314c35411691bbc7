"""What a ticket's preview says: the engine's own answer, in the order people read it."""

from dataclasses import dataclass
from typing import Any

from exchange import refusals
from exchange.engines import variable
from exchange.engines.units import RATE
from exchange.fields import MoneyField, SharesField
from exchange.models import Market, User
from exchange.selectors import quotes
from exchange.selectors.markets import MarketView
from exchange.services.orders import Size

# micro-USDC over nano shares gives pico-USDC per share
PRICE_OF_VALUE = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A parsed ticket. `quantity` is micro-USDC or nano shares, `bound` 1e-8 or pico, by mode."""

    side: str
    mode: str
    quantity: int
    bound_as: str
    bound: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The lines of a preview, or the reason why there is no order to confirm."""

    ticket: Ticket
    refusal: str = ""
    refused_code: str = ""
    fix: tuple[str, str] | None = None
    filled: variable.Filled | None = None
    average_pico: int = 0
    impact_e8: int = 0
    worst_pico: int = 0
    treasury_micro: int = 0
    providers_micro: int = 0
    before: variable.Trader | None = None
    after: variable.Trader | None = None
    after_average_pico: int = 0
    exit_micro: int = 0
    round_trip_micro: int = 0
    limit: str = ""
    mode: str = ""
    quantity: str = ""
    valid_until_s: int = 0


def ticket_of(values: dict[str, Any]) -> Ticket:
    """Return the ticket that a valid form describes."""
    names = ("side", "mode", "quantity", "bound_as", "bound")
    return Ticket(**{name: values[name] for name in names})


def preview(user: User | None, view: MarketView, ticket: Ticket) -> Preview:
    """Ask the engine what the order would do now, and state it.

    Rounds:  the average and the worst price against the trader, so that neither flatters.
    """
    market = view.market
    if view.live.halt_rule:
        return _refused(ticket, variable.Rejected("market_halted", {"rule": view.live.halt_rule}))
    quote = _ask(user, market, ticket, {})
    if quote.refused:
        return _refused(ticket, quote.refused)
    filled = quote.result
    assert isinstance(filled, variable.Filled)
    bounds, _ = _bounds(ticket, filled)
    if ticket.bound_as == "price":
        guarded = _ask(user, market, ticket, bounds)
        if guarded.refused:
            return _refused(ticket, guarded.refused)
    return _filled(ticket, quote, filled)


def payload(ticket: Ticket, limit: int) -> Size:
    """Return the size and the bound of a confirmed ticket as services/orders.py takes them."""
    if ticket.side == "sell" and ticket.mode == "amount":
        return {"target_micro": ticket.quantity, "min_out_micro": limit, "reduce_only": True}
    if ticket.side == "sell":
        return {"shares_nano": ticket.quantity, "min_out_micro": limit, "reduce_only": True}
    if ticket.mode == "amount":
        return {"amount_micro": ticket.quantity, "min_shares_nano": limit}
    return {"shares_nano": ticket.quantity, "max_cost_micro": limit}


def _ask(user: User | None, market: Market, ticket: Ticket, bounds: dict[str, int]) -> quotes.Quote:
    if ticket.side == "sell":
        size = "target_micro" if ticket.mode == "amount" else "shares_nano"
    else:
        size = "amount_micro" if ticket.mode == "amount" else "shares_nano"
    trader = user.pk if user else 0
    asked: dict[str, Any] = {size: ticket.quantity, **bounds}
    if ticket.side == "sell":
        asked["reduce_only"] = True
    command = quotes.build(ticket.side, asked, trader)
    return quotes.quote(user, market, command)


def _average(side: str, filled: variable.Filled) -> int:
    """Return what one share costs or brings, fees included."""
    total = filled.net_micro * PRICE_OF_VALUE
    return -(-total // filled.shares_nano) if side == "buy" else total // filled.shares_nano


def _worst(ticket: Ticket, filled: variable.Filled) -> int:
    average = _average(ticket.side, filled)
    if ticket.bound_as == "price":
        return ticket.bound
    if ticket.side == "buy":
        return average * (RATE + ticket.bound) // RATE
    return -(-average * (RATE - ticket.bound) // RATE)


def _bounds(ticket: Ticket, filled: variable.Filled) -> tuple[dict[str, int], str]:
    """Return the bound the engine checks, and the same as text for the confirming form."""
    worst = _worst(ticket, filled)
    if ticket.side == "sell":
        least = -(-filled.shares_nano * worst // PRICE_OF_VALUE)
        return {"min_out_micro": least}, MoneyField.written(least)
    if ticket.mode == "amount":
        least = -(-ticket.quantity * PRICE_OF_VALUE // max(worst, 1))
        return {"min_shares_nano": least}, SharesField.written(least)
    most = filled.shares_nano * worst // PRICE_OF_VALUE
    return {"max_cost_micro": most}, MoneyField.written(most)


def _filled(ticket: Ticket, quote: quotes.Quote, filled: variable.Filled) -> Preview:
    average = _average(ticket.side, filled)
    providers = sum(leg.lp_fee_micro for leg in filled.legs)
    after = quote.after
    size = abs(after.shares_nano)
    # A sale for an amount is confirmed as the shares it takes: more shares than shown is no deal.
    by_shares = ticket.side == "sell" or ticket.mode == "shares"
    field, count = (SharesField, filled.shares_nano) if by_shares else (MoneyField, ticket.quantity)
    return Preview(
        ticket=ticket,
        filled=filled,
        average_pico=average,
        impact_e8=(average - filled.market_before_pico) * RATE // filled.market_before_pico,
        worst_pico=_worst(ticket, filled),
        treasury_micro=filled.fee_micro - providers,
        providers_micro=providers,
        before=quote.before,
        after=after,
        after_average_pico=after.entry_micro * PRICE_OF_VALUE // size if size else 0,
        exit_micro=quote.exit_micro,
        round_trip_micro=quote.exit_micro - quote.exit_before_micro - filled.net_micro
        if ticket.side == "buy"
        else 0,
        limit=_bounds(ticket, filled)[1],
        mode="shares" if by_shares else "amount",
        quantity=field.written(count),
        valid_until_s=quote.now_s + quotes.VALID_S,
    )


def _refused(ticket: Ticket, rejected: variable.Rejected) -> Preview:
    return Preview(
        ticket=ticket,
        refusal=refusals.sentence(rejected.code, rejected.fields),
        refused_code=rejected.code,
        fix=_fix(ticket, rejected),
    )


def _fix(ticket: Ticket, rejected: variable.Rejected) -> tuple[str, str] | None:
    """Return the mode and the size that would pass, where the engine named one."""
    fields = rejected.fields
    if ticket.side == "sell":
        held = int(fields.get("held_nano", 0))
        return ("shares", SharesField.written(held)) if held else None
    amount, shares = int(fields.get("amount_max_micro", 0)), int(fields.get("shares_max_nano", 0))
    if ticket.mode == "amount" and amount:
        return "amount", MoneyField.written(amount // 10_000 * 10_000)
    if ticket.mode == "shares" and shares:
        return "shares", SharesField.written(shares // 100_000 * 100_000)
    return None
