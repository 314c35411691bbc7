"""Tags of the providers' pages: instants of a market's clock, days, and units for inputs."""

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from exchange import clock, figures
from exchange.engines.units import NANO
from exchange.fields import SharesField
from exchange.templatetags.chrome import ARROWS, TONES

register = template.Library()


@register.filter
def instant(seconds: int) -> datetime:
    """Return seconds since the epoch as an instant."""
    return clock.at(seconds)


@register.filter
def units(nano: int) -> str:
    """Write units with two decimals, for tables of money."""
    return figures.fixed(nano, NANO, 2)


@register.filter
def units_plain(nano: int) -> str:
    """Write units so that an input reads them back."""
    return SharesField.written(nano)


@register.inclusion_tag("components/_gain.html")
def gain_exact(micro: int) -> dict[str, str]:
    """Write a gain or a loss to the last micro, so that parts add up as they are shown."""
    direction = (micro > 0) - (micro < 0)
    sign = {1: "+", -1: figures.MINUS, 0: ""}[direction]
    return {
        "text": sign + figures.usdc_exact(abs(micro)),
        "arrow": ARROWS[direction],
        "word": {1: "gain", -1: "loss", 0: "even"}[direction],
        "tone": TONES[direction],
    }


@register.simple_tag
def day(seconds: int) -> SafeString:
    """Write the day of an instant, with its hour in UTC on hover."""
    at = clock.at(seconds)
    stamp, full = at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.strftime("%d %b %Y %H:%M UTC")
    shown = f"{at.day} {at:%b %Y}"
    return format_html('<time datetime="{}" title="{}">{}</time>', stamp, full, shown)
