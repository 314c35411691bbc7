"""Filters that say what happened and what was asked, by the words of exchange/words.py."""

from django import template

from exchange import words
from exchange.ids import public_id
from exchange.models import Command, Fill

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
