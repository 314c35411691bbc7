from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.engines.variable import Config, fees

CONFIG = Config.parse({})
F = 10 * 10**12


def rate(target: int, side: int, late_s: int = 0) -> int:
    return fees.surcharge_e8(CONFIG, F, target, side=side, late_s=late_s)


@pytest.mark.parametrize(
    ("target", "side", "expected"),
    [
        (F, 1, 0),
        (F + F // 100, 1, 0),
        (F + F // 100 + 1, 1, 1),
        (F + 3 * F // 100, 1, 2_000_000),
        (F + 3 * F // 100, -1, 0),
        (F - 3 * F // 100, -1, 2_000_000),
        (2 * F, 1, 4_500_000),
    ],
)
def test_the_lag_beyond_the_free_zone_is_charged(target: int, side: int, expected: int) -> None:
    assert rate(target, side) == expected


@pytest.mark.parametrize(
    ("late_s", "expected"),
    [
        (-1, 0),
        (0, 0),
        (1, 10_207),
        (1734, 425_000),
        (2400, 500_000),
        (9600, 1_000_000),
        (86_400, 1_000_000),
    ],
)
def test_an_overdue_oracle_is_charged_by_the_root_of_its_age(late_s: int, expected: int) -> None:
    assert rate(F, 1, late_s) == expected


def test_both_parts_add_before_the_rate_is_rounded() -> None:
    assert rate(F + 2 * F // 100, 1, 1) == 1_010_207


@given(st.integers(0, 10**12), st.integers(0, 4_500_000))
def test_parts_of_an_amount_add_up(amount: int, extra_e8: int) -> None:
    base, extra, net = fees.purchase_parts(amount, CONFIG.fee_e8, extra_e8)

    assert base + extra + net == amount
    assert base == ceil(Fraction(amount * CONFIG.fee_e8, 10**8))
    assert extra == ceil(Fraction(amount * extra_e8, 10**8))


@given(st.integers(0, 10**12), st.integers(0, 4_500_000))
def test_fees_on_a_cost_are_taken_of_the_gross(cost: int, extra_e8: int) -> None:
    gross = Fraction(cost) / (1 - Fraction(CONFIG.fee_e8 + extra_e8, 10**8))

    base, extra = fees.purchase_fees(cost, CONFIG.fee_e8, extra_e8)

    assert base == ceil(gross * CONFIG.fee_e8 / 10**8)
    assert extra == ceil(gross * extra_e8 / 10**8)


@given(st.integers(0, 10**10), st.integers(0, 4_500_000))
def test_the_largest_amount_within_a_net_is_the_largest(net: int, extra_e8: int) -> None:
    amount = fees.amount_within(net, CONFIG.fee_e8, extra_e8)

    assert fees.purchase_parts(amount, CONFIG.fee_e8, extra_e8)[2] <= net
    assert all(
        fees.purchase_parts(amount + more, CONFIG.fee_e8, extra_e8)[2] > net for more in range(3, 6)
    )
