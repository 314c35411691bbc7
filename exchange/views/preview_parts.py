"""What every preview is made of: its lines, the presses that mend a refusal, the levels."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from exchange import refusals
from exchange.engines import variable
from exchange.engines.units import PRICE_OF_VALUE, RATE
from exchange.fields import MoneyField, SharesField
from exchange.selectors import portfolio
from exchange.selectors.markets import MarketView
from exchange.views.ticket_values import Ticket

# A size that is offered is cut to what people read.
ROUND_MICRO, ROUND_NANO = 10_000, 100_000

Hidden = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One press that turns a refused ticket into one that passes."""

    words: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The lines of a preview and the form that confirms it, or the reason why there is none."""

    ticket: Ticket
    kind: str = ""
    what: str = ""
    action: str = ""
    tone: str = "fill"
    figures: Any = None
    fields: Hidden = field(default_factory=list)
    refusal: str = ""
    refused_code: str = ""
    fixes: tuple[Fix, ...] = ()
    valid_until_s: int = 0


def refused(
    ticket: Ticket,
    rejected: variable.Rejected,
    before: variable.Trader | None = None,
) -> Preview:
    """Return a refusal in words, with the presses that mend it."""
    fixes = list(_sizes(ticket, rejected, before)) if before else []
    if rejected.code == "band" and ticket.type == "market":
        fixes.append(Fix(words="Wait for the oracle instead", query="commit=on"))
    return Preview(
        ticket=ticket,
        refusal=refusals.sentence(rejected.code, rejected.fields),
        refused_code=rejected.code,
        fixes=tuple(fixes),
    )


def cash_of(leg: variable.Fill) -> int:
    """Return what a leg changes the trader's cash by."""
    fees = leg.fee_micro + leg.surcharge_micro
    if leg.leg == "open_short":
        return leg.value_micro - leg.escrow_micro - fees
    if leg.leg == "cover_short":
        return -leg.escrow_micro - leg.value_micro - fees
    return (leg.value_micro if leg.side == "sell" else -leg.value_micro) - fees


def level_of(view: MarketView, trader: variable.Trader) -> int | None:
    """Return the liquidation level of a short, or None where there is none."""
    return portfolio.level_of(view.config, trader.shares_nano, trader.escrow_micro)


def away(level: int | None, close_out_pico: int) -> int | None:
    """Return how far the close-out price is from a level, in 1e-8 of the price."""
    return None if level is None else (level - close_out_pico) * RATE // close_out_pico


def average_of(trader: variable.Trader) -> int:
    """Return what one share of a position was opened at."""
    size = abs(trader.shares_nano)
    return trader.entry_micro * PRICE_OF_VALUE // size if size else 0


def _sizes(ticket: Ticket, rejected: variable.Rejected, before: variable.Trader) -> list[Fix]:
    """Return the largest size that would pass, where the engine named one."""
    fields, held = rejected.fields, before.shares_nano
    closing = max(0, held if ticket.side == "sell" else -held)
    if rejected.code == "no_position":
        return [_shares_fix(closing, reduce_only=ticket.reduce_only)] if closing else []
    shares = int(fields.get("shares_max_nano", 0))
    amount = int(fields.get("amount_max_micro", fields.get("target_max_micro", 0)))
    if rejected.code == "too_small" and ticket.mode == "amount":
        amount = int(fields.get("value_min_micro", 0))
    if ticket.mode == "amount" and amount and not closing:
        cut = amount // ROUND_MICRO * ROUND_MICRO or amount
        written = MoneyField.written(cut)
        query = urlencode({"mode": "amount", "quantity": written})
        return [Fix(words=f"Use {written} USDC", query=query)]
    if shares:
        return [_shares_fix(shares + closing)]
    if closing and rejected.code in {"closed_only", "oracle_stale"}:
        return [_shares_fix(closing, reduce_only=True)]
    return []


def _shares_fix(shares_nano: int, *, reduce_only: bool = False) -> Fix:
    cut = shares_nano if reduce_only else shares_nano // ROUND_NANO * ROUND_NANO or shares_nano
    written = SharesField.written(cut)
    asked = {"mode": "shares", "quantity": written}
    words = f"Use {written} shares"
    if reduce_only:
        asked["reduce_only"], words = "on", f"Close {written} shares only"
    return Fix(words=words, query=urlencode(asked))
