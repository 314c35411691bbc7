"""A parsed ticket: what it asks for, and the engine's commands that it stands for."""

from dataclasses import dataclass
from typing import Any

from exchange.engines import variable
from exchange.engines.rounding import div_ceil
from exchange.engines.units import PRICE_OF_VALUE, RATE
from exchange.selectors.markets import MarketView

# Slack on the margin of a short where the ticket bounds its price by a figure: one per cent.
SLACK_E8 = RATE // 100
MINUTE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A parsed ticket.

    `quantity` is micro-USDC or nano shares, `bound` 1e-8 or pico, by mode; prices are in pico,
    money in micro; what the type does not ask for is None.
    """

    type: str = "market"
    side: str = "buy"
    mode: str = "amount"
    quantity: int = 0
    bound_as: str = "percent"
    bound: int = 0
    reduce_only: bool = False
    commit: bool = False
    extra: int | None = None
    price: int | None = None
    margin: int | None = None
    stop: int | None = None
    target: int | None = None
    guard: int | None = None
    chunks: int | None = None
    every: int | None = None
    replaces: int | None = None

    @property
    def tolerance_e8(self) -> int:
        """How far a figure may be off the quote."""
        return self.bound if self.bound_as == "percent" else SLACK_E8


NAMES = tuple(Ticket.__dataclass_fields__)


def ticket_of(values: dict[str, Any]) -> Ticket:
    """Return the ticket that a valid form describes."""
    known = {name: values[name] for name in NAMES if values.get(name) not in (None, "")}
    return Ticket(**known)


def size_of(ticket: Ticket) -> dict[str, Any]:
    """Return the size of a market order and its flags, as the engine and the services name them."""
    amounts = {"buy": "amount_micro", "sell": "target_micro"}
    name = amounts[ticket.side] if ticket.mode == "amount" else "shares_nano"
    asked: dict[str, Any] = {name: ticket.quantity}
    if ticket.side == "sell" and ticket.extra and not ticket.reduce_only:
        asked["extra_micro"] = ticket.extra
    if ticket.reduce_only:
        asked["reduce_only"] = True
    if ticket.commit and not ticket.reduce_only:
        asked["commit"] = True
    return asked


def bounds_of(ticket: Ticket, limit: int, margin_max: int | None) -> dict[str, int]:
    """Return the worst outcome accepted, as the engine and the services name it."""
    if ticket.side == "sell":
        margin = {} if margin_max is None else {"max_margin_micro": margin_max}
        return {"min_out_micro": limit, **margin}
    return {"min_shares_nano" if ticket.mode == "amount" else "max_cost_micro": limit}


def intent_of(ticket: Ticket) -> str:
    """Return what a limit order is for: closing what is held, if it says so, else opening."""
    if ticket.side == "buy":
        return "close_short" if ticket.reduce_only else "open_long"
    return "close_long" if ticket.reduce_only else "open_short"


def limit_payload(ticket: Ticket, intent: str, shares_nano: int, margin: int) -> dict[str, Any]:
    """Return a limit order as the engine and the services take it."""
    assert ticket.price is not None
    asked: dict[str, Any] = {
        "intent": intent,
        "shares_nano": shares_nano,
        "price_pico": ticket.price,
    }
    if intent == "open_short":
        asked["margin_micro"] = margin
    return asked


def limit_shares(ticket: Ticket, view: MarketView) -> int:
    """Return the shares of a limit order; an amount buys what it can reserve.

    Rounds:  down.
    """
    assert ticket.price is not None
    if ticket.mode == "shares":
        return ticket.quantity
    if ticket.side == "sell":
        return ticket.quantity * PRICE_OF_VALUE // ticket.price
    kept = ticket.quantity * (RATE - view.config.fee_max_e8)
    return kept * PRICE_OF_VALUE // (RATE * ticket.price)


def exit_payload(ticket: Ticket) -> dict[str, Any]:
    """Return a timed exit as the engine and the services take it."""
    assert ticket.chunks is not None
    assert ticket.every is not None
    asked: dict[str, Any] = {
        "shares_nano": ticket.quantity,
        "chunks": ticket.chunks,
        "interval_s": ticket.every * MINUTE_S,
    }
    if ticket.guard is not None:
        asked["guard_pico"] = ticket.guard
    return asked


def margin_for(view: MarketView, held: variable.Trader, shares_nano: int, price_pico: int) -> int:
    """Return the margin that surely suffices to sell shares short at a price, fees included.

    Rounds:  up.
    """
    config, state = view.config, view.state
    value = div_ceil(shares_nano * price_pico, PRICE_OF_VALUE)
    whole = shares_nano + max(0, -held.shares_nano)
    close_out = max(state.close_out_pico, price_pico) + div_ceil(
        state.k_atto * shares_nano, PRICE_OF_VALUE
    )
    needed = div_ceil((RATE + config.im_e8) * whole * close_out, RATE * PRICE_OF_VALUE)
    least = max(div_ceil(config.m_open_e8 * value, RATE), needed - held.escrow_micro - value)
    return least + div_ceil(config.fee_max_e8 * value, RATE) + 1
