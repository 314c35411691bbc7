"""The scales of the engines' integers, and the one grammar by which text becomes one."""

MICRO = 10**6
RATE = 10**8
NANO = 10**9
PICO = 10**12
ATTO = 10**18

# pico prices times nano shares, over this, are micro-USDC; micro-USDC times this, over nano shares,
# are pico prices
PRICE_OF_VALUE = 10**15

# No quantity has more digits than numeric(38); a longer text is a mistake or an attack.
TEXT_MAX = 40

_DIGITS = frozenset("0123456789")


def parse_fixed(text: str, places: int) -> int:
    """Return `text` as an integer count of 10**-places.

    Rounds:  never; more than `places` decimals are refused.
    Raises:  ValueError unless `text` is ASCII digits with an optional point between digits: no
             sign, exponent, space or separator, and at most TEXT_MAX characters.
    """
    if not isinstance(text, str) or not text or len(text) > TEXT_MAX:
        raise ValueError("expected decimal digits")
    whole, point, rest = text.partition(".")
    if not whole or (point and not rest) or not _DIGITS.issuperset(whole + rest):
        raise ValueError("expected decimal digits")
    if len(rest) > places:
        raise ValueError(f"expected at most {places} decimals")
    return int(whole + rest.ljust(places, "0"))


def format_fixed(value: int, places: int) -> str:
    """Return a count of 10**-places as text with every place written out.

    Keeps:   parse_fixed(format_fixed(v, n), n) == v for every v >= 0.
    """
    sign, digits = ("-", str(-value)) if value < 0 else ("", str(value))
    if places == 0:
        return sign + digits
    digits = digits.rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"
