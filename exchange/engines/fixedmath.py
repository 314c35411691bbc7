"""Powers of one half at any real exponent: the only irrational function of the engines."""

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

from exchange.engines.rounding import div_ceil

FRACTION_DIGITS = 60
FRACTION = 10**FRACTION_DIGITS

# Twenty digits more than the result has, so that only the rounding at the end shows.
_WIDE = Context(prec=FRACTION_DIGITS + 20, rounding=ROUND_HALF_EVEN)
_LN2 = _WIDE.ln(Decimal(2))
_UP = Context(prec=FRACTION_DIGITS + 20, rounding=ROUND_CEILING)


def half_power(elapsed: int, half_life: int) -> int:
    """Return 2**(-elapsed/half_life) as a count of 10**-60.

    Rounds:  up, once, so that 1 - result never exceeds the exact decay; whole half-lives up to 60
             are exact.
    Raises:  nothing; the caller has checked elapsed >= 0 and half_life > 0.
    Keeps:   0 < result <= FRACTION, and result < FRACTION whenever elapsed > 0 and the decay
             shows in 60 digits.
    """
    halvings, rest = divmod(elapsed, half_life)
    mantissa = FRACTION if rest == 0 else _exp_part(rest, half_life)
    return div_ceil(mantissa, 1 << min(halvings, 4 * FRACTION_DIGITS))


@lru_cache(maxsize=4096)  # markets beat every few seconds: few powers, and each of them often
def _exp_part(rest: int, half_life: int) -> int:
    exponent = _WIDE.divide(_WIDE.multiply(_LN2, Decimal(-rest)), Decimal(half_life))
    scaled = _WIDE.scaleb(_WIDE.exp(exponent), FRACTION_DIGITS)
    return int(_UP.to_integral_value(scaled))
