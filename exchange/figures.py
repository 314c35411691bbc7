"""Integers at their scales written the way people read them: grouped, signed, with their unit.

Every figure is rounded down, so a page never shows more than there is.
"""

from exchange.engines.units import MICRO, NANO, PICO, RATE

GROUP = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
PRICE_PLACES = 4
SHARE_PLACES = 4
MONEY_PLACES = 2
MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400


def fixed(value: int, scale: int, places: int, *, signed: bool = False) -> str:
    """Return `value` counts of 1/`scale` with exactly `places` decimals, rounded down."""
    count = value * 10**places // scale
    text = _grouped(str(abs(count)), places)
    return _sign(count, signed=signed) + text


def trimmed(value: int, scale: int, least: int, most: int) -> str:
    """Return `value` with at most `most` decimals, of which zeros beyond `least` are left out."""
    text = fixed(value, scale, most)
    while most > least and text.endswith("0"):
        text, most = text[:-1], most - 1
    return text.rstrip(".")


def usdc(micro: int) -> str:
    """Return an amount of USDC with two decimals."""
    return fixed(micro, MICRO, MONEY_PLACES)


def usdc_exact(micro: int) -> str:
    """Return an amount of USDC to the last micro, with at least two decimals."""
    return trimmed(micro, MICRO, MONEY_PLACES, 6)


def usdc_signed(micro: int) -> str:
    """Return a gain or a loss with its sign."""
    return fixed(micro, MICRO, MONEY_PLACES, signed=True)


def shares(nano: int) -> str:
    """Return a number of shares with four decimals."""
    return fixed(nano, NANO, SHARE_PLACES)


def shares_exact(nano: int) -> str:
    """Return a number of shares to the last nano."""
    return trimmed(nano, NANO, 0, 9)


def price(pico: int, places: int = PRICE_PLACES) -> str:
    """Return a price per share."""
    return fixed(pico, PICO, places)


def price_signed(pico: int, places: int = PRICE_PLACES) -> str:
    """Return the part of a move with its sign."""
    return fixed(pico, PICO, places, signed=True)


def percent(rate_e8: int, places: int = 2) -> str:
    """Return a rate as a percentage."""
    return f"{fixed(rate_e8 * 100, RATE, places)}{GROUP}%"


def percent_signed(rate_e8: int, places: int = 2) -> str:
    """Return a change as a percentage with its sign."""
    return f"{fixed(rate_e8 * 100, RATE, places, signed=True)}{GROUP}%"


def rate(rate_e8: int) -> str:
    """Return a fee's rate as a percentage without needless zeros."""
    return f"{trimmed(rate_e8 * 100, RATE, 0, 4)}{GROUP}%"


def age(seconds: int) -> str:
    """Return how long ago or how long from now, in its two largest units."""
    if seconds < MINUTE_S:
        return f"{seconds}{GROUP}s"
    if seconds < HOUR_S:
        return f"{seconds // MINUTE_S}{GROUP}min"
    if seconds < DAY_S:
        minutes = seconds % HOUR_S // MINUTE_S
        return f"{seconds // HOUR_S}{GROUP}h" + (f" {minutes}{GROUP}min" if minutes else "")
    hours = seconds % DAY_S // HOUR_S
    return f"{seconds // DAY_S}{GROUP}d" + (f" {hours}{GROUP}h" if hours else "")


def _grouped(digits: str, places: int) -> str:
    whole, rest = (digits, "") if not places else _split(digits, places)
    groups = [whole[max(end - 3, 0) : end] for end in range(len(whole), 0, -3)][::-1]
    return GROUP.join(groups) + (f".{rest}" if places else "")


def _split(digits: str, places: int) -> tuple[str, str]:
    padded = digits.rjust(places + 1, "0")
    return padded[:-places], padded[-places:]


def _sign(count: int, *, signed: bool) -> str:
    if count < 0:
        return MINUS
    return "+" if signed and count else ""
