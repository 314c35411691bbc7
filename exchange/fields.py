"""Money and shares as people type them: one strict grammar for pages and for the API.

A figure is ASCII digits with an optional point: "12", "0.5", "1200.25". No sign, no exponent, no
grouping, no comma; at most as many decimals as the unit has.
"""

from typing import Any

from django import forms

from exchange.engines.units import format_fixed, parse_fixed
from exchange.errors import Malformed

MONEY_PLACES = 6
SHARE_PLACES = 9
PRICE_PLACES = 12
RATE_PLACES = 8
SHOWN_MAX = 40
# What a BIGINT column holds; the engine's own limits are far below.
COUNT_MAX = 2**63 - 1


def parse_money(text: object) -> int:
    """Return micro-USDC. Raises Malformed money_malformed with the text and the accepted form."""
    return _parse(text, MONEY_PLACES, "an amount of USDC", "12.50")


def parse_shares(text: object) -> int:
    """Return nano shares. Raises Malformed money_malformed likewise."""
    return _parse(text, SHARE_PLACES, "a number of shares", "1.25")


def parse_price(text: object) -> int:
    """Return a price in pico-USDC per share. Raises Malformed money_malformed likewise."""
    return _parse(text, PRICE_PLACES, "a price", "10.3175")


def parse_tokens(text: object) -> int:
    """Return micro-tokens of a session. Raises Malformed money_malformed likewise."""
    return _parse(text, MONEY_PLACES, "a number of tokens", "12.5")


def parse_limit(text: object) -> int:
    """Return a limit in micro-USDC per token. Raises Malformed money_malformed likewise."""
    return _parse(text, MONEY_PLACES, "a price per token", "0.45")


def parse_fraction(text: object) -> int:
    """Return a rate in 1e-9. Raises Malformed money_malformed likewise."""
    return _parse(text, SHARE_PLACES, "a fraction of 1", "0.05")


def parse_percent(text: object) -> int:
    """Return a rate in 1e-8 from a percentage. Raises Malformed money_malformed likewise."""
    return _parse(text, RATE_PLACES - 2, "a percentage", "1.5")


def _parse(text: object, places: int, what: str, example: str) -> int:
    try:
        # Whatever is no text is written as text that the grammar refuses.
        count = parse_fixed(text if isinstance(text, str) else "", places)
    except ValueError:
        count = COUNT_MAX + 1
    if count <= COUNT_MAX:
        return count
    shown = str(text)[:SHOWN_MAX]
    form = f"digits with at most {places} decimals after a point, like {example}"
    raise Malformed(
        f"“{shown}” is not {what}. Write {form}.",
        code="money_malformed",
        fields={"text": shown, "accepted": form},
    )


class FixedField(forms.CharField):
    """A figure in a form; its value is an integer at the field's scale.

    The parser is tried on the raw text: a form's habit of trimming would widen the grammar.
    """

    parse = staticmethod(parse_money)
    places = MONEY_PLACES

    def __init__(self, *, zero_allowed: bool = False, **options: Any) -> None:
        options.setdefault("strip", False)
        options.setdefault("max_length", SHOWN_MAX)
        super().__init__(**options)
        self.zero_allowed = zero_allowed
        self.widget.attrs.update({"inputmode": "decimal", "autocomplete": "off"})

    def clean(self, value: Any) -> Any:
        """Return the count, or None for an optional field left empty."""
        if value in self.empty_values:
            if self.required:
                raise forms.ValidationError("Enter a figure.", code="required")
            return None
        try:
            count = type(self).parse(value)
        except Malformed as error:
            raise forms.ValidationError(error.message, code=error.code) from error
        if count == 0 and not self.zero_allowed:
            raise forms.ValidationError("Enter more than zero.", code="too_small")
        return count

    @classmethod
    def written(cls, count: int) -> str:
        """Return text that the field reads back as `count`, without needless zeros."""
        text = format_fixed(count, cls.places)
        return text.rstrip("0").rstrip(".") if "." in text else text


class MoneyField(FixedField):
    """An amount of USDC, as micro-USDC."""


class SharesField(FixedField):
    """A number of shares, in nano."""

    parse = staticmethod(parse_shares)
    places = SHARE_PLACES


class TokensField(FixedField):
    """A number of tokens, as micro-tokens."""

    parse = staticmethod(parse_tokens)


class PriceField(FixedField):
    """A price per share, in pico-USDC."""

    parse = staticmethod(parse_price)
    places = PRICE_PLACES


class PercentField(FixedField):
    """A percentage, as a rate in 1e-8."""

    parse = staticmethod(parse_percent)
    places = RATE_PLACES - 2
