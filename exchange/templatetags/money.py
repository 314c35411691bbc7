"""Filters that write integers at their scales as figures, by the rules of exchange/figures.py."""

from decimal import Decimal

from django import template

from exchange import figures
from exchange.engines.units import ATTO, format_fixed
from exchange.ids import public_id

register = template.Library()

NOTHING = "—"


def _filter(name: str) -> None:
    write = getattr(figures, name)

    def apply(value: int | str | None) -> str:
        return NOTHING if value in (None, "") else write(int(value or 0))

    register.filter(name, apply)


for _name in (
    "usdc",
    "usdc_exact",
    "usdc_signed",
    "shares",
    "shares_exact",
    "price",
    "price_signed",
    "percent",
    "percent_signed",
    "rate",
    "age",
):
    _filter(_name)


@register.filter
def percent0(value: int | None) -> str:
    """Write a ratio as a whole percentage."""
    return NOTHING if value is None else figures.percent(value, 0)


@register.filter
def price2(pico: int) -> str:
    """Write the oracle's view: no more places than its confidence allows."""
    return figures.price(pico, 2)


@register.filter
def slope(k_atto: int) -> str:
    """Write the slope of a curve, USDC per share and share."""
    return figures.trimmed(k_atto, ATTO, 2, 8)


@register.filter
def unit_value(rate_e8: int) -> str:
    """Write the value of one provider unit."""
    return figures.fixed(rate_e8, 10**8, 4)


@register.filter
def usdc_plain(micro: int | None) -> str:
    """Write an amount for scripts: every place, no grouping."""
    return "" if micro is None else format_fixed(micro, 6)


@register.filter
def price_plain(pico: int | None) -> str:
    """Write a price for scripts: every place, no grouping."""
    return "" if pico is None else format_fixed(pico, 12)


@register.filter
def price_short(pico: int | None) -> str:
    """Write a price as a ticket takes it: every place that counts, no grouping."""
    return "" if pico is None else format_fixed(pico, 12).rstrip("0").rstrip(".")


@register.filter
def usdc_size(micro: int) -> str:
    """Write how much moves, whichever way."""
    return figures.usdc_exact(abs(micro))


@register.filter
def position_size(nano: int) -> str:
    """Write a position with the side it is on."""
    if not nano:
        return figures.shares(0)
    return f"{figures.shares(abs(nano))} {'short' if nano < 0 else 'long'}"


@register.filter
def cut_price(text: str | int) -> str:
    """Cut a decimal price of a candle to the places a page shows."""
    return figures.price(int(Decimal(str(text)).scaleb(12)))


@register.filter
def order_id(key: int) -> str:
    """Return the public id of an order."""
    return public_id("ord", key)
