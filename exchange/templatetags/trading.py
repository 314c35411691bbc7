"""Filters that say what happened and what was asked, by the words of exchange/words.py."""

from django import template

from exchange import banners, words
from exchange.ids import public_id
from exchange.models import Command, Fill
from exchange.selectors.markets import MarketView

register = template.Library()


@register.filter
def cause(fill: Fill) -> str:
    """Say what brought a fill about."""
    return words.CAUSES.get(fill.cause, fill.cause)


@register.filter
def leg(fill: Fill) -> str:
    """Say what a fill did to the position."""
    return words.LEGS.get(fill.leg, fill.leg)


@register.filter
def fill_words(fill: Fill) -> str:
    """Say what a fill did, in one sentence."""
    return words.filled(fill)


@register.filter
def asked(order: Command) -> str:
    """Say what an order asked for."""
    return words.asked(order)


@register.filter
def fill_id(key: int) -> str:
    """Return the public id of a fill."""
    return public_id("fil", key)


@register.simple_tag
def banners_of(view: MarketView) -> list[banners.Banner]:
    """Return the states of a market that a page must name."""
    return banners.of(view)
