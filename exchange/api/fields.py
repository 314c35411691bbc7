"""The figures of the API: text in, integer at its scale inside, text out; one strict grammar.

Money is USDC with 6 decimals, shares have 9, prices 12 (USDC per share), rates 8 (a fraction of 1).
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from rest_framework import serializers

from exchange import fields
from exchange.api import wire
from exchange.engines.units import format_fixed
from exchange.errors import Malformed
from exchange.ids import public_id

DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)


class Fixed(serializers.Field[int, Any, str, Any]):
    """A figure at a fixed scale. Subclasses say which; those that may be sent say how."""

    places = 0
    unit = ""
    read: Callable[[object], int]

    def to_internal_value(self, data: Any) -> int:
        """Return the count. Only text is read: a JSON number may have lost digits on its way."""
        try:
            return type(self).read(data)
        except Malformed as error:
            raise serializers.ValidationError(error.message, code=error.code) from error

    def to_representation(self, value: Any) -> str:
        """Return the count with every place written out."""
        return format_fixed(int(value), self.places)


class Money(Fixed):
    """An amount of USDC, in micro inside."""

    places, unit = fields.MONEY_PLACES, "USDC"
    read = staticmethod(fields.parse_money)


class Shares(Fixed):
    """A number of shares or units, in nano inside."""

    places, unit = fields.SHARE_PLACES, "shares"
    read = staticmethod(fields.parse_shares)


class Price(Fixed):
    """A price, in pico inside."""

    places, unit = fields.PRICE_PLACES, "USDC per share"
    read = staticmethod(fields.parse_price)


class Rate(Fixed):
    """A rate, in 1e-8 inside."""

    places, unit = fields.RATE_PLACES, "fraction of 1"


class Instant(serializers.Field[Any, Any, str, Any]):
    """An instant or seconds since the epoch, shown as ISO 8601 with a Z."""

    def to_representation(self, value: datetime | int) -> str:
        """Return ISO 8601."""
        return wire.instant(value)


class Seconds(serializers.IntegerField):
    """An instant as whole seconds since the epoch, for charts."""

    def to_representation(self, value: Any) -> int:
        """Return the seconds, rounded down."""
        return int(value.timestamp())


class PublicId(serializers.Field[int, Any, str, Any]):
    """A row's key as its public name."""

    def __init__(self, prefix: str, **options: Any) -> None:
        self.prefix = prefix
        super().__init__(**options)

    def to_representation(self, value: int) -> str:
        """Return the prefixed id."""
        return public_id(self.prefix, value)


class Text(serializers.CharField):
    """Text that was sent as text: a number is not quietly turned into its digits."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text. Raises ValidationError for any other type."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """True or false as JSON has them: a word or a number that means the same is refused."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the value. Raises ValidationError for any other type."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Whole(serializers.Field[int, Any, int, Any]):
    """A whole number from `least` to `most`, in a body."""

    def __init__(self, *, least: int, most: int, **options: Any) -> None:
        self.least, self.most = least, most
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        """Return the number. Raises ValidationError with the range."""
        count = self.count_of(data)
        if count is None or not self.least <= count <= self.most:
            raise serializers.ValidationError(
                f"a whole number from {self.least} to {self.most} is needed", code="malformed"
            )
        return count

    def count_of(self, data: Any) -> int | None:
        """Return what was sent as a number, or None."""
        return data if isinstance(data, int) and not isinstance(data, bool) else None

    def to_representation(self, value: int) -> int:
        """Return the number itself."""
        return value


class Digits(Whole):
    """The same in a query, where everything is text: ASCII digits and nothing else."""

    def count_of(self, data: Any) -> int | None:
        """Return the number that the digits write, or None."""
        is_number = isinstance(data, str) and DIGITS.fullmatch(data)
        return int(data) if is_number else None
