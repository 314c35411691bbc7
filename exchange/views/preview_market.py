"""What a market order's preview says: the engine's own answer, in the order people read it."""

from dataclasses import dataclass

from exchange import figures as write
from exchange.engines import variable
from exchange.engines.units import PRICE_OF_VALUE, RATE
from exchange.fields import MoneyField, SharesField
from exchange.selectors import quotes
from exchange.selectors.markets import MarketView
from exchange.views.preview_parts import (
    Hidden,
    Preview,
    average_of,
    away,
    cash_of,
    level_of,
    refused,
)
from exchange.views.ticket_values import Ticket, bounds_of, size_of
from exchange.words import traded

OPENS = ("open_long", "open_short")
# What the oracle can add to a short's margin while it waits, beside one event's largest step.
WAIT_SLACK_E8 = RATE // 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An opening leg that waits: what is set aside, when it acts, when it comes back."""

    reserved_micro: int
    expected_s: int
    expected_in_s: int
    returned_after_s: int
    estimate_pico: int
    shares_nano: int
    is_short: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFigures:
    """The lines of a market order. `cash_micro` is what the cash changes by."""

    filled: variable.Filled
    average_pico: int
    impact_e8: int
    worst_pico: int
    providers_micro: int
    treasury_micro: int
    cash_micro: int
    before: variable.Trader
    after: variable.Trader
    after_average_pico: int
    level_before_pico: int | None
    level_pico: int | None
    away_e8: int | None
    own_margin_micro: int
    exit_micro: int
    round_trip_micro: int
    waiting: Waiting | None = None

    @property
    def opens(self) -> bool:
        """Whether a part of it opens or enlarges a position."""
        return any(leg.leg in OPENS for leg in self.filled.legs)


def market_preview(view: MarketView, ticket: Ticket, before: variable.Trader) -> Preview:
    """Ask the engine what the order would do now, and state it.

    Rounds:  the average and the worst price against the trader, so that neither flatters.
    """
    quote = _ask(view, ticket, before, {})
    if quote.refused and quote.refused.code == "band" and ticket.commit:
        return _waiting(view, ticket, before)
    if quote.refused:
        return refused(ticket, quote.refused, before)
    filled = quote.result
    assert isinstance(filled, variable.Filled)
    limit, margin_max = _limits(ticket, filled)
    if ticket.bound_as == "price":
        guarded = _ask(view, ticket, before, bounds_of(ticket, limit, margin_max))
        if guarded.refused:
            return refused(ticket, guarded.refused, before)
    figures = _figures(view, ticket, quote)
    return Preview(
        ticket=ticket,
        kind="market",
        what=traded(filled, view.market.ticker),
        action=_action(ticket, filled),
        tone=ticket.side,
        figures=figures,
        fields=_fields(ticket, filled.shares_nano, limit, margin_max),
        valid_until_s=quote.now_s + quotes.VALID_S,
    )


def _ask(
    view: MarketView,
    ticket: Ticket,
    before: variable.Trader,
    bounds: dict[str, int],
    *,
    commits: bool = False,
    banded: bool = True,
) -> quotes.Quote:
    asked = {**size_of(ticket), **bounds}
    if not commits:
        asked.pop("commit", None)
    command = quotes.build(ticket.side, asked, before.id)
    return quotes.quote(None, view.market, command, banded=banded, before=before)


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


def _limits(ticket: Ticket, filled: variable.Filled) -> tuple[int, int | None]:
    """Return the bound that the engine checks, and the most margin a short may take."""
    worst, shares = _worst(ticket, filled), filled.shares_nano
    if ticket.side == "sell":
        margin = filled.margin_micro
        most = -(-margin * (RATE + ticket.tolerance_e8) // RATE) if margin else None
        return -(-shares * worst // PRICE_OF_VALUE), most
    if ticket.mode == "amount":
        return -(-ticket.quantity * PRICE_OF_VALUE // max(worst, 1)), None
    return shares * worst // PRICE_OF_VALUE, None


def _fields(ticket: Ticket, shares_nano: int, limit: int, margin_max: int | None) -> Hidden:
    """Return what the confirming form sends.

    A sale for an amount is confirmed as the shares it takes: more shares than shown is no deal.
    """
    by_shares = ticket.side == "sell" or ticket.mode == "shares"
    written = SharesField if ticket.side == "buy" and not by_shares else MoneyField
    size = SharesField.written(shares_nano) if by_shares else MoneyField.written(ticket.quantity)
    found = [
        ("type", "market"),
        ("side", ticket.side),
        ("mode", "shares" if by_shares else "amount"),
        ("quantity", size),
        ("limit", written.written(limit)),
    ]
    if margin_max:
        found.append(("margin_max", MoneyField.written(margin_max)))
    if ticket.extra:
        found.append(("extra", MoneyField.written(ticket.extra)))
    return found + [(name, "on") for name in ("reduce_only", "commit") if getattr(ticket, name)]


def _figures(
    view: MarketView,
    ticket: Ticket,
    quote: quotes.Quote,
    guess: quotes.Quote | None = None,
    waiting: Waiting | None = None,
) -> MarketFigures:
    """Return the lines of an order; of one that waits, the prices are those of the guess."""
    filled, then = quote.result, guess or quote
    told = then.result
    assert isinstance(filled, variable.Filled)
    assert isinstance(told, variable.Filled)
    average, start = _average(ticket.side, told), told.market_before_pico
    providers = sum(leg.lp_fee_micro for leg in filled.legs)
    cash = sum(cash_of(leg) for leg in filled.legs)
    after, level = then.after, level_of(view, then.after)
    return MarketFigures(
        filled=filled,
        average_pico=average,
        impact_e8=(average - start) * RATE // start,
        worst_pico=_worst(ticket, told),
        providers_micro=providers,
        treasury_micro=filled.fee_micro - providers,
        cash_micro=cash - (waiting.reserved_micro if waiting else 0),
        before=quote.before,
        after=quote.after,
        after_average_pico=average_of(quote.after),
        level_before_pico=level_of(view, quote.before),
        level_pico=level,
        away_e8=away(level, then.state.close_out_pico),
        own_margin_micro=after.escrow_micro - after.entry_micro if level else 0,
        exit_micro=then.exit_micro,
        round_trip_micro=then.exit_micro - then.exit_before_micro + cash,
        waiting=waiting,
    )


def _action(ticket: Ticket, filled: variable.Filled) -> str:
    money = f"{write.usdc(filled.net_micro)} USDC"
    if ticket.side == "buy":
        covers = filled.legs[-1].leg == "cover_short"
        return f"Buy to close for {money}" if covers else f"Buy for {money}"
    short = filled.legs[-1].leg == "open_short"
    return f"Sell short for {money}" if short else f"Sell for {money}"


def _waiting(view: MarketView, ticket: Ticket, before: variable.Trader) -> Preview:
    """State an order whose opening leg waits for the next oracle event.

    What it would do is told from the curve as it is now; what it may cost is set aside.
    """
    guess = _ask(view, ticket, before, {}, banded=False)
    if guess.refused:
        return refused(ticket, guess.refused, before)
    filled = guess.result
    assert isinstance(filled, variable.Filled)
    limit, margin_max = _limits(ticket, filled)
    if margin_max is not None:
        margin_max = _with_slack(view, ticket, filled, margin_max)
    quote = _ask(view, ticket, before, bounds_of(ticket, limit, margin_max), commits=True)
    if quote.refused:
        return refused(ticket, quote.refused, before)
    waiting = _wait(view, ticket, quote, filled)
    verb = "sell short" if waiting.is_short else "buy"
    size = f"{write.shares(waiting.shares_nano)} {view.market.ticker}"
    then = f"wait for the next oracle event, then {verb} about {size}"
    now = quote.result
    assert isinstance(now, variable.Filled)
    first = f"{traded(now, view.market.ticker)} now; " if now.legs else ""
    what = first + then
    return Preview(
        ticket=ticket,
        kind="market",
        what=what[0].upper() + what[1:],
        action=f"Set {write.usdc(waiting.reserved_micro)} USDC aside and wait",
        tone=ticket.side,
        figures=_figures(view, ticket, quote, guess, waiting),
        fields=_fields(ticket, filled.shares_nano, limit, margin_max),
        valid_until_s=quote.now_s + quotes.VALID_S,
    )


def _with_slack(view: MarketView, ticket: Ticket, filled: variable.Filled, margin: int) -> int:
    """Return the margin with its fees and with what one event of the oracle can add to it."""
    legs = [leg for leg in filled.legs if leg.leg == "open_short"]
    fees = sum(leg.fee_micro + leg.surcharge_micro for leg in legs)
    slack = RATE + view.config.step_max_e8 + max(ticket.tolerance_e8, WAIT_SLACK_E8)
    return -(-(margin + fees) * slack // RATE)


def _wait(view: MarketView, ticket: Ticket, quote: quotes.Quote, guess: variable.Filled) -> Waiting:
    filled = quote.result
    assert isinstance(filled, variable.Filled)
    assert filled.committed is not None
    order = quote.resting[filled.committed]
    assert isinstance(order, variable.CommittedOrder)
    expected = view.state.last_oracle_s + view.config.interval_s
    return Waiting(
        reserved_micro=order.reserved_micro,
        expected_s=expected,
        expected_in_s=max(0, expected - quote.now_s),
        returned_after_s=view.config.commit_ttl_s,
        estimate_pico=_average(ticket.side, guess),
        shares_nano=guess.legs[-1].shares_nano,
        is_short=order.intent == "open_short",
    )
