from decimal import Decimal, localcontext
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.engines.fixedmath import FRACTION, half_power


@pytest.mark.parametrize("halvings", [0, 1, 2, 10, 60])
def test_whole_half_lives_are_exact(halvings: int) -> None:
    assert half_power(1800 * halvings, 1800) * 2**halvings == FRACTION


@given(st.integers(0, 10**6), st.integers(1, 10**5))
def test_agrees_with_a_power_taken_in_two_hundred_digits(elapsed: int, half_life: int) -> None:
    with localcontext() as wide:
        wide.prec = 200
        exact = Decimal(2) ** (Decimal(-elapsed) / Decimal(half_life)) * FRACTION

        assert half_power(elapsed, half_life) == max(1, ceil(exact.quantize(Decimal("1e-50"))))


@given(st.integers(1, 10**9), st.integers(1, 10**6))
def test_some_decay_always_shows_and_never_all_of_it(elapsed: int, half_life: int) -> None:
    assert 0 < half_power(elapsed, half_life) < FRACTION


def test_an_age_of_the_world_leaves_the_last_digit() -> None:
    assert half_power(10**12, 1) == 1
