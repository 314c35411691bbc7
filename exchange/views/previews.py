"""A ticket's preview by its type: what the engine would answer now, or why it would refuse."""

from dataclasses import replace

from exchange.engines import variable
from exchange.models import User
from exchange.selectors import quotes
from exchange.selectors.markets import MarketView
from exchange.views.preview_market import market_preview
from exchange.views.preview_parts import Preview, refused
from exchange.views.preview_resting import exit_preview, limit_preview, protect_preview
from exchange.views.ticket_values import Ticket

BY_TYPE = {
    "market": market_preview,
    "limit": limit_preview,
    "protect": protect_preview,
    "exit": exit_preview,
}


def preview(user: User | None, view: MarketView, ticket: Ticket) -> Preview:
    """Ask the engine what the ticket would do now, and state it.

    Closing only is meant where there is something to close; elsewhere the ticket opens.
    """
    if view.live.halt_rule:
        return refused(ticket, variable.Rejected("market_halted", {"rule": view.live.halt_rule}))
    trader = quotes.trader_in(user, view.market)
    closes = trader.shares_nano * (1 if ticket.side == "sell" else -1) > 0
    ticket = replace(ticket, reduce_only=ticket.reduce_only and closes)
    return BY_TYPE[ticket.type](view, ticket, trader)
