from fractions import Fraction
from math import ceil, floor, trunc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.engines import rounding

NUMERATORS = st.integers(-(10**40), 10**40)
DENOMINATORS = st.integers(1, 10**30)


@given(NUMERATORS, DENOMINATORS)
def test_each_division_rounds_its_own_way(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)

    assert rounding.div_floor(numerator, denominator) == floor(exact)
    assert rounding.div_ceil(numerator, denominator) == ceil(exact)
    assert rounding.div_trunc(numerator, denominator) == trunc(exact)
    assert rounding.div_even(numerator, denominator) == round(exact)


@pytest.mark.parametrize(
    ("numerator", "rounded"), [(1, 0), (3, 2), (5, 2), (-1, 0), (-3, -2), (-5, -2)]
)
def test_a_half_goes_to_the_even_side(numerator: int, rounded: int) -> None:
    assert rounding.div_even(numerator, 2) == rounded


@given(st.integers(0, 10**60))
def test_roots_enclose_the_exact_root(value: int) -> None:
    low, high = rounding.root_floor(value), rounding.root_ceil(value)

    assert low * low <= value <= high * high
    assert high - low == (0 if low * low == value else 1)


@pytest.mark.parametrize(("value", "held"), [(1, 2), (2, 2), (3, 3), (4, 4), (5, 4)])
def test_clamp_holds_a_value_inside(value: int, held: int) -> None:
    assert rounding.clamp(value, 2, 4) == held
