"""Divisions and square roots that say which way they round; no other module divides barely."""

from math import isqrt


def div_floor(numerator: int, denominator: int) -> int:
    """Return the quotient rounded down; denominator > 0."""
    return numerator // denominator


def div_ceil(numerator: int, denominator: int) -> int:
    """Return the quotient rounded up; denominator > 0."""
    return -(-numerator // denominator)


def div_trunc(numerator: int, denominator: int) -> int:
    """Return the quotient rounded toward zero; denominator > 0."""
    return numerator // denominator if numerator >= 0 else -(-numerator // denominator)


def div_even(numerator: int, denominator: int) -> int:
    """Return the quotient rounded to nearest, a half to the even side; denominator > 0."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def root_floor(value: int) -> int:
    """Return the square root rounded down; value >= 0."""
    return isqrt(value)


def root_ceil(value: int) -> int:
    """Return the square root rounded up; value >= 0."""
    return isqrt(value - 1) + 1 if value > 0 else 0


def clamp(value: int, low: int, high: int) -> int:
    """Return `value` held inside low..high; low <= high."""
    return low if value < low else min(value, high)
