from fractions import Fraction
from math import isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.engines.outcome.amm import Amm
from exchange.engines.outcome.config import Config
from exchange.engines.outcome.parameters import Value
from exchange.engines.outcome.potential import Curve, pool
from exchange.engines.outcome.schedule import Rates
from tests.engine.outcome.scene import TOKEN

RATE, PICO = 10**9, 10**12
HALF = 1_666_666_666


def _amm(mu: int = 1, nu: int = 1, kappa: int = 0, **values: Value) -> Amm:
    config = Config.parse(values)
    amm = Amm(config, [0] * 6, [HALF] * 6, range(3), 0)
    amm.set_time(Rates(mu * RATE, nu * RATE, kappa, 10**8), 3 * 10**8)
    return amm


@given(st.integers(1, 10**9), st.integers(0, 10**22), st.sampled_from([0, 10**5, 2 * 10**8]))
def test_cash_of_a_pool_is_monotone_and_depth_is_cash_and_subsidy(
    depth: int, energy: int, gamma: int
) -> None:
    curve = Curve.of(depth, gamma)
    cash, deep = pool(curve, energy)
    subsidy = max(Fraction(0), depth * 10**6 - Fraction(gamma, RATE) * cash)

    assert pool(curve, 0) == (0, depth * 10**6)
    assert pool(curve, energy + 1)[0] >= cash >= 0
    assert abs(deep - cash - subsidy) <= 2


def test_a_pool_whose_subsidy_is_spent_holds_nothing_but_cash() -> None:
    curve = Curve.of(10**6, 5 * 10**8)
    energy = 10**15

    cash, depth = pool(curve, energy)

    assert cash == depth == isqrt((energy * 5 * 10**8 - 10**12 * RATE) * PICO // (5 * 10**8))
    assert cash * 5 * 10**8 >= 10**12 * RATE


def test_a_purchase_costs_the_core_and_convexity() -> None:
    amm = _amm(kappa=10**4)

    deal = amm.charge(0, amm.here(0), 100 * TOKEN)

    assert (deal.core, deal.amount, deal.premium) == (51_186_186, 51_286_186, 100_000)


@pytest.mark.parametrize(("mu", "nu"), [(1, 1), (1, 2), (2, 1), (1, 9)])
def test_asymmetry_is_the_weighted_average_where_that_is_dearer(mu: int, nu: int) -> None:
    amm = _amm(mu, nu)
    here = amm.here(0)

    deal = amm.charge(0, here, 500 * TOKEN)

    p0, p1 = Fraction(amm.raw(0, here), PICO), Fraction(amm.raw(0, deal.after), PICO)
    average = 500 * TOKEN * (mu * p0 + nu * p1) / (mu + nu)
    assert deal.amount == max(deal.core, -(-average.numerator // average.denominator))
    back = amm.payout(0, deal.after, 500 * TOKEN)
    low = 500 * TOKEN * (mu * p0 + nu * p1) / (mu + nu)
    assert back.amount == min(back.core, low.numerator // low.denominator)
    assert back.core <= deal.core


def test_a_purchase_beyond_the_cap_pays_the_penalty() -> None:
    plain, capped = _amm(p_max="0.99"), _amm(p_max="0.6")
    free = plain.charge(0, plain.here(0), 1_500 * TOKEN)

    dear = capped.charge(0, capped.here(0), 1_500 * TOKEN)

    p1 = capped.raw(0, dear.after)
    assert p1 > 6 * 10**11
    exact = Fraction(free.amount) * Fraction(p1, 6 * 10**11) ** 2
    assert 0 <= dear.amount - exact < 1
    assert dear.core == free.core


def test_a_sale_never_brings_more_than_the_cap_and_shrinks_below_the_floor() -> None:
    amm = _amm(p_max="0.6", p_min="0.499999999999")
    amm.go(0, amm.charge(0, amm.here(0), 1_500 * TOKEN).after)
    amm.go(0, amm.charge(1, amm.here(0), 3_000 * TOKEN).after)

    high = amm.payout(1, amm.here(0), 100 * TOKEN)
    low = amm.payout(0, amm.here(0), 1_500 * TOKEN)

    assert high.amount == 60 * TOKEN
    p1 = amm.raw(0, low.after)
    assert p1 < 499_999_999_999
    fair = _amm(p_max="0.6", p_min="0.000000000001")
    fair.go(0, amm.here(0))
    whole = fair.payout(0, fair.here(0), 1_500 * TOKEN).amount
    exact = Fraction(whole) * Fraction(p1, 499_999_999_999) ** 2
    assert 0 <= exact - low.amount < 1


def test_a_moving_coupling_opens_a_spread_around_its_reference() -> None:
    amm = _amm()
    amm.go(0, amm.charge(0, amm.here(0), 2_000 * TOKEN).after)
    amm.z_ref = 10**8
    here = amm.here(0)

    ask, bid = amm.ask(0, here), amm.bid(0, here)

    assert ask > bid
    assert amm.raw(0, here) in {ask, bid}
    charge = amm.charge(0, here, 100 * TOKEN)
    amm.go(0, charge.after)
    assert amm.payout(0, amm.here(0), 100 * TOKEN).amount < charge.amount


@given(st.lists(st.integers(1, 10**5), min_size=1, max_size=6))
def test_the_core_does_not_depend_on_the_way(lots: list[int]) -> None:
    amm = _amm()
    start = amm.potential(amm.z)
    pieces = 0
    for number, lot in enumerate(lots):
        token = number % 6
        here = amm.here(token >> 1)
        deal = amm.charge(token, here, lot * 10**4)
        pieces += amm.flow(here, deal.after, amm.z)
        amm.go(token >> 1, deal.after)

    assert amm.potential(amm.z) - start == pieces
    whole = _amm()
    whole.supply = amm.supply.copy()
    whole.reprice()
    assert whole.potential(whole.z) == amm.potential(amm.z)


def test_a_purchase_raises_its_own_price_and_lowers_all_others() -> None:
    amm = _amm()
    before = [amm.published(token) for token in range(6)]

    amm.go(1, amm.charge(2, amm.here(1), 300 * TOKEN).after)

    after = [amm.published(token) for token in range(6)]
    changes = [now - was for was, now in zip(before, after, strict=True)]
    assert changes[2] > 0
    assert all(change < 0 for token, change in enumerate(changes) if token != 2)
