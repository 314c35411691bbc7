"""Quotes: what an order or a change would do, before and after, or which rule would refuse it."""

from typing import Any

from rest_framework import serializers

from exchange import clock
from exchange.api.fields import Instant, Money, Price, Shares
from exchange.api.shapes.orders import FilledShape, RefusedShape, SizeInput, refused_shape
from exchange.engines import variable
from exchange.models import Market
from exchange.selectors import portfolio, quotes
from exchange.selectors.configs import config_of
from exchange.services.orders import INTENTS

Out = serializers.Serializer[Any]
Json = dict[str, Any]


class QuoteInput(SizeInput):
    """A question without consequences."""


class HoldingShape(Out):
    """What somebody has in a market; liquidation compares with the close-out price."""

    cash = Money(source="cash_micro")
    reserved = Money(source="reserved_micro", help_text="set aside for resting orders here")
    shares = Shares(source="shares_nano", help_text="negative for a short")
    cost = Money(source="entry_micro", help_text="what the position cost; what a short brought")
    escrow = Money(source="escrow_micro", help_text="what secures a short")
    margin = Money(source="margin_micro", help_text="part of the escrow that was put in")
    liquidation_price = Price(
        source="level_pico",
        allow_null=True,
        help_text="a short is liquidated when the close-out price is above it",
    )
    stop_price = Price(source="stop_pico", allow_null=True)
    target_price = Price(source="target_pico", allow_null=True)


class QuotedShape(Out):
    """What every quote says: the engine itself, run and thrown away."""

    market = serializers.SlugField()
    seq = serializers.IntegerField(help_text="the batch it was computed on")
    as_of = Instant()
    valid_s = serializers.IntegerField(help_text="after this many seconds ask again")
    before = HoldingShape(allow_null=True, help_text="empty for a visitor")
    after = HoldingShape(allow_null=True, help_text="empty for a visitor")
    close_out_price = Price(help_text="what shorts are margined at now")
    close_out_price_after = Price()
    refused = RefusedShape(allow_null=True)


class CommittedShape(Out):
    """An opening leg that would wait for the next oracle event."""

    reserved = Money(help_text="what would be set aside until then")


class QuoteShape(QuotedShape):
    """What an order would do now."""

    side = serializers.ChoiceField(choices=["buy", "sell"])
    filled = FilledShape(allow_null=True)
    committed = CommittedShape(allow_null=True)
    exit_value = Money(
        allow_null=True, help_text="what leaving the whole position would pay afterwards"
    )
    round_trip = Money(
        allow_null=True, help_text="result of this order and of undoing it at once; a cost is < 0"
    )


class FillsNowShape(Out):
    """What a limit order would trade at once."""

    shares = Shares()
    value = Money(help_text="along the curve, before fees")
    fee = Money()
    surcharge = Money()
    market_price_after = Price()


class RestsShape(Out):
    """What of a limit order would wait, and what is set aside for it."""

    shares = Shares()
    price = Price()
    reserved = Money()


class LimitQuoteShape(QuotedShape):
    """What a limit order would do now."""

    intent = serializers.ChoiceField(choices=INTENTS)
    fills_now = FillsNowShape(allow_null=True)
    rests = RestsShape(allow_null=True)
    exit_value = Money(
        allow_null=True, help_text="what leaving the whole position would pay afterwards"
    )


class UnitsQuoteShape(Out):
    """What units would be minted or burned for."""

    market = serializers.SlugField()
    seq = serializers.IntegerField(help_text="the batch it was computed on")
    as_of = Instant()
    valid_s = serializers.IntegerField(help_text="after this many seconds ask again")
    units = Shares(allow_null=True)
    amount = Money(allow_null=True, help_text="empty for the queue, which pays at its own time")
    refused = RefusedShape(allow_null=True)


def described(market: Market, quote: quotes.Quote, *, has_account: bool) -> Json:
    """Return what every quote says."""
    now = variable.MarketState.from_mapping(market.live.state)
    return {
        "market": market.slug,
        "seq": quote.batch_seq,
        "as_of": clock.at(quote.now_s),
        "valid_s": quotes.VALID_S,
        "before": _holding(market, quote.before) if has_account else None,
        "after": None,
        "close_out_price": now.close_out_pico,
        "close_out_price_after": quote.state.close_out_pico,
        "refused": _refused(market, quote),
    }


def after(market: Market, quote: quotes.Quote) -> Json:
    """Return what somebody would have afterwards."""
    return _holding(market, quote.after)


def _refused(market: Market, quote: quotes.Quote) -> Json | None:
    if market.live.halt_rule:
        return refused_shape("market_halted", {"rule": market.live.halt_rule})
    if quote.refused:
        return refused_shape(quote.refused.code, dict(quote.refused.fields))
    return None


def _holding(market: Market, trader: variable.Trader) -> Json:
    is_short = trader.shares_nano < 0
    config = config_of(market.config)
    return {
        "cash_micro": trader.cash_micro,
        "reserved_micro": trader.reserved_micro,
        "shares_nano": trader.shares_nano,
        "entry_micro": trader.entry_micro,
        "escrow_micro": trader.escrow_micro,
        "margin_micro": trader.escrow_micro - trader.entry_micro if is_short else 0,
        "level_pico": portfolio.level_of(config, trader.shares_nano, trader.escrow_micro),
        "stop_pico": trader.stop_pico,
        "target_pico": trader.target_pico,
    }
