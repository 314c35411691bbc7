from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exchange.engines.variable import curve
from exchange.engines.variable.curve import PRICE

PRICES = st.integers(10**10, 10**17)
SLOPES = st.integers(0, 10**20)
SHARES = st.integers(1, 10**15)
MONEY = st.integers(0, 10**12)


def exact_cost(price: int, k: int, shares: int) -> Fraction:
    quantity = Fraction(shares, 10**9)
    start = Fraction(price, 10**27)
    return start * quantity + Fraction(k, 10**18) * quantity * quantity / 2


@given(PRICES, SLOPES, SHARES)
def test_cost_is_the_exact_area_rounded_up(p0: int, k: int, shares: int) -> None:
    price = p0 * PRICE

    cost = Fraction(curve.cost(price, k, shares), 10**6)

    assert 0 <= cost - exact_cost(price, k, shares) < Fraction(1, 10**6)


@given(PRICES, SLOPES, MONEY)
def test_money_buys_the_most_shares_it_can(p0: int, k: int, money: int) -> None:
    price = p0 * PRICE

    shares = curve.shares_for(price, k, money)

    budget = Fraction(money, 10**6)
    assert exact_cost(price, k, shares) <= budget < exact_cost(price, k, shares + 1)


@given(PRICES, SLOPES, MONEY)
def test_a_target_takes_the_fewest_shares_it_can(p0: int, k: int, money: int) -> None:
    price = p0 * PRICE
    shares = curve.shares_for_sale(price, k, money)
    assume(shares is not None)
    assert shares is not None

    assert curve.proceeds(price, k, shares) >= money
    assert shares == 0 or curve.proceeds(price, k, shares - 1) < money


@given(PRICES, SLOPES, SHARES)
def test_selling_back_never_pays_more_than_was_paid(p0: int, k: int, shares: int) -> None:
    price = p0 * PRICE

    back = curve.proceeds(price + k * shares, k, shares)

    assert back <= curve.cost(price, k, shares)


def test_a_target_beyond_the_end_of_the_curve_has_no_answer() -> None:
    price, k = 10 * 10**27, 10**18
    deepest = 50 * 10**6

    assert curve.shares_for_sale(price, k, deepest) == 10 * 10**9
    assert curve.shares_for_sale(price, k, deepest + 1) is None


def test_a_curve_that_ends_within_one_quantum_reaches_no_target() -> None:
    assert curve.shares_for_sale(4 * 10**30, 8 * 10**30, 1) is None


@pytest.mark.parametrize(("held", "most"), [(5, 37_500_000), (10, 50_000_000), (99, 50_000_000)])
def test_a_sale_reaches_at_most_the_top_of_the_parabola(held: int, most: int) -> None:
    assert curve.sale_max(10 * 10**27, 10**18, held * 10**9) == most


def test_a_flat_curve_needs_no_special_case() -> None:
    price = 10 * 10**27

    assert curve.shares_for(price, 0, 333_333_333) == 33_333_333_300
    assert curve.shares_for_sale(price, 0, 50_000_000) == 5 * 10**9
    assert curve.sale_max(price, 0, 5 * 10**9) == 50_000_000


@given(PRICES, SLOPES, SHARES)
def test_worst_case_is_the_negative_value_of_the_short_side(p0: int, k: int, shares: int) -> None:
    assert curve.worst_exact(p0, k, shares) == -curve.value_exact(p0, k, -shares)
