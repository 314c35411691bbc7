"""What the preview of a limit order, of a stop and target, and of a timed exit says."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from exchange import figures as write
from exchange.engines import variable
from exchange.engines.rounding import div_ceil
from exchange.engines.units import PRICE_OF_VALUE, RATE
from exchange.fields import MoneyField, PriceField, SharesField
from exchange.selectors import quotes, resting
from exchange.selectors.markets import MarketView
from exchange.views.preview_parts import ROUND_NANO, Fix, Hidden, Preview, away, refused
from exchange.views.ticket_values import (
    Ticket,
    exit_payload,
    intent_of,
    limit_payload,
    limit_shares,
    margin_for,
)
from exchange.words import INTENTS

# Where a market has no band, stops look at M within one per cent of F (specification, 13).
TRIGGER_BAND_E8 = RATE // 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitFigures:
    """The lines of a limit order: what fills at once, what rests, what is locked for it."""

    intent: str
    price_pico: int
    away_e8: int
    now_nano: int
    now_average_pico: int
    rests_nano: int
    locked_micro: int
    margin_micro: int
    ahead_orders: int
    ahead_nano: int
    after: variable.Trader
    level_pico: int | None
    held_against: bool
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A stop or a target: where it was, where it goes, how far that is, and what it would bring."""

    before_pico: int | None
    price_pico: int | None
    away_e8: int | None = None
    returns_micro: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectFigures:
    """The lines of a stop and a target."""

    stop: Guard
    target: Guard
    trigger_pico: int
    market_pico: int
    is_short: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitFigures:
    """The lines of a timed exit."""

    shares_nano: int
    part_nano: int
    chunks: int
    every_s: int
    last_s: int
    guard_pico: int | None
    exit_micro: int
    is_short: bool


def limit_preview(view: MarketView, ticket: Ticket, before: variable.Trader) -> Preview:
    """Place the order on the newest state and tell what becomes of it."""
    intent, shares = intent_of(ticket), limit_shares(ticket, view)
    assert ticket.price is not None
    margin = ticket.margin or margin_for(view, before, shares, ticket.price)
    payload = limit_payload(ticket, intent, shares, margin)
    commands = [quotes.build("limit", payload, before.id)]
    if ticket.replaces:
        commands.insert(0, quotes.build("cancel", {"ref": ticket.replaces}, before.id))
    quote = quotes.quote(None, view.market, *commands, before=before)
    if quote.refused:
        found = refused(ticket, quote.refused, before)
        return replace(found, fixes=_affordable(quote.refused, shares) or found.fixes)
    assert isinstance(quote.result, variable.Applied)
    order = quote.resting[int(str(quote.result.fields["id"]))]
    assert isinstance(order, variable.LimitOrder)
    figures = _limit_figures(view, quote, order, payload)
    size = f"{write.shares(shares)} {view.market.ticker}"
    better = "or less" if ticket.side == "buy" else "or more"
    verb = "Move" if ticket.replaces else "Place"
    return Preview(
        ticket=ticket,
        kind="limit",
        what=f"{INTENTS[intent]}: {size} at {write.price(ticket.price)} {better}",
        action=f"{verb} the limit order at {write.price(ticket.price)}",
        tone=ticket.side,
        figures=figures,
        fields=_limit_fields(ticket, intent, shares, margin),
        valid_until_s=quote.now_s + quotes.VALID_S,
    )


def protect_preview(view: MarketView, ticket: Ticket, before: variable.Trader) -> Preview:
    """Set the stop and the target on the newest state and tell what they would bring."""
    asked = {"stop_pico": ticket.stop, "target_pico": ticket.target}
    command = quotes.build("targets", asked, before.id)
    quote = quotes.quote(None, view.market, command, before=before)
    if quote.refused:
        return refused(ticket, quote.refused, None)
    state, is_short = quote.state, before.shares_nano < 0
    trigger = _trigger(view, state)
    stop = _guard(view, quote, before.stop_pico, ticket.stop, trigger)
    target = _guard(view, quote, before.target_pico, ticket.target, state.market_pico)
    named = (("a stop-loss", ticket.stop), ("a take-profit", ticket.target))
    set_ = [f"{name} at {write.price(price)}" for name, price in named if price]
    what = " and ".join(set_)
    return Preview(
        ticket=ticket,
        kind="protect",
        what=f"Set {what}" if what else "Remove the stop-loss and the take-profit",
        action=f"Set {what}" if what else "Remove both",
        figures=ProtectFigures(
            stop=stop,
            target=target,
            trigger_pico=trigger,
            market_pico=state.market_pico,
            is_short=is_short,
        ),
        fields=_written(
            {"type": "protect"}, {"stop": ticket.stop, "target": ticket.target}, PriceField
        ),
        valid_until_s=quote.now_s + quotes.VALID_S,
    )


def exit_preview(view: MarketView, ticket: Ticket, before: variable.Trader) -> Preview:
    """Start the timed exit on the newest state and tell when it will have closed what."""
    payload = exit_payload(ticket)
    command = quotes.build("timed_exit", payload, before.id)
    quote = quotes.quote(None, view.market, command, before=before)
    if quote.refused:
        return refused(ticket, quote.refused, before)
    chunks, every_s = payload["chunks"], payload["interval_s"]
    closing = replace(before, shares_nano=ticket.quantity)
    if before.shares_nano < 0:
        part = ticket.quantity * before.escrow_micro // -before.shares_nano
        closing = replace(before, shares_nano=-ticket.quantity, escrow_micro=part)
    figures = ExitFigures(
        shares_nano=ticket.quantity,
        part_nano=ticket.quantity // chunks,
        chunks=chunks,
        every_s=every_s,
        last_s=quote.now_s + every_s * (chunks - 1),
        guard_pico=ticket.guard,
        exit_micro=variable.exit_value(view.config, quote.state, closing, quote.now_s),
        is_short=before.shares_nano < 0,
    )
    size = f"{write.shares(ticket.quantity)} {view.market.ticker}"
    hidden = {
        "type": "exit",
        "quantity": SharesField.written(ticket.quantity),
        "chunks": str(chunks),
        "every": str(ticket.every),
    }
    return Preview(
        ticket=ticket,
        kind="exit",
        what=f"Close {size} in {chunks} parts, one every {write.age(every_s)}",
        action=f"Start the timed exit of {size}",
        figures=figures,
        fields=_written(hidden, {"guard": ticket.guard}, PriceField),
        valid_until_s=quote.now_s + quotes.VALID_S,
    )


def _limit_figures(
    view: MarketView,
    quote: quotes.Quote,
    order: variable.LimitOrder,
    asked: dict[str, int],
) -> LimitFigures:
    own = [fill for fill in quote.fills if fill.ref == order.id and fill.cause == "limit"]
    now = sum(fill.shares_nano for fill in own)
    value = sum(fill.value_micro for fill in own)
    price = order.price_pico
    is_open = order.status == "open"
    orders, shares = resting.ahead(view.market, order) if is_open else (0, 0)
    opens_short = order.intent == "open_short"
    market = view.state.market_pico
    return LimitFigures(
        intent=order.intent,
        price_pico=price,
        away_e8=(price - market) * RATE // market,
        now_nano=now,
        now_average_pico=value * PRICE_OF_VALUE // now if now else 0,
        rests_nano=order.shares_nano if is_open else 0,
        locked_micro=order.reserved_micro,
        margin_micro=asked.get("margin_micro", 0),
        ahead_orders=orders,
        ahead_nano=shares,
        after=quote.after,
        level_pico=_level_when_filled(view, quote.before, asked) if opens_short else None,
        held_against=is_open and order.parked,
        is_open=is_open,
    )


def _level_when_filled(
    view: MarketView, before: variable.Trader, asked: dict[str, int]
) -> int | None:
    """Return the liquidation level of the short when all of the order has filled at its price.

    Rounds:  down: the fees are taken as high as they may be.
    """
    config, shares, price = view.config, asked["shares_nano"], asked["price_pico"]
    value = shares * price // PRICE_OF_VALUE
    fees = div_ceil(value * config.fee_max_e8, RATE)
    escrow = before.escrow_micro + value + asked["margin_micro"] - fees
    whole = shares + max(0, -before.shares_nano)
    return escrow * RATE * PRICE_OF_VALUE // ((RATE + config.mm_e8) * whole)


def _limit_fields(ticket: Ticket, intent: str, shares: int, margin: int) -> Hidden:
    assert ticket.price is not None
    found = [
        ("type", "limit"),
        ("side", ticket.side),
        ("mode", "shares"),
        ("quantity", SharesField.written(shares)),
        ("price", PriceField.written(ticket.price)),
        ("intent", intent),
    ]
    if intent == "open_short":
        found.append(("margin", MoneyField.written(margin)))
    if ticket.reduce_only:
        found.append(("reduce_only", "on"))
    if ticket.replaces:
        found.append(("replaces", str(ticket.replaces)))
    return found


def _affordable(rejected: variable.Rejected, shares: int) -> tuple[Fix, ...]:
    """Return the size that the cash can be set aside for."""
    if rejected.code != "insufficient_funds":
        return ()
    cash, needed = int(rejected.fields["cash_micro"]), int(rejected.fields["needed_micro"])
    most = shares * cash // needed // ROUND_NANO * ROUND_NANO
    if most <= 0:
        return ()
    written = SharesField.written(most)
    asked = {"mode": "shares", "quantity": written, "margin": ""}
    return (Fix(words=f"Use {written} shares", query=urlencode(asked)),)


def _trigger(view: MarketView, state: variable.MarketState) -> int:
    """Return what stops look at: M, held within the band around F."""
    band = view.config.band_e8
    width = TRIGGER_BAND_E8 if band is None else band
    low = div_ceil(state.f_pico * (RATE - width), RATE)
    high = state.f_pico * (RATE + width) // RATE
    return min(max(state.market_pico, low), high)


def _guard(
    view: MarketView,
    quote: quotes.Quote,
    before_pico: int | None,
    price_pico: int | None,
    seen_pico: int,
) -> Guard:
    if price_pico is None:
        return Guard(before_pico=before_pico, price_pico=None)
    state = quote.state
    there = replace(state, p0_pico=state.p0_pico + price_pico - state.market_pico)
    return Guard(
        before_pico=before_pico,
        price_pico=price_pico,
        away_e8=away(price_pico, seen_pico),
        returns_micro=variable.exit_value(view.config, there, quote.before, state.t_s),
    )


def _written(
    hidden: dict[str, str], figures: dict[str, int | None], field: type[PriceField]
) -> Hidden:
    given = {name: field.written(count) for name, count in figures.items() if count is not None}
    return list({**hidden, **given}.items())
