from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.engines.variable import Config, display
from exchange.engines.variable.display import extended, slide, volume
from tests.engine.scene import USDC

CONFIG = Config.parse({})
M, F = 12 * 10**27, 10 * 10**12


@pytest.mark.parametrize(
    ("micro", "weight"),
    [(0, 20_000_000), (100 * USDC, 26_818_182), (1000 * USDC, 57_500_000), (10**20, 95_000_000)],
)
def test_weight_grows_with_volume_up_to_its_end(micro: int, weight: int) -> None:
    assert display(CONFIG, M, F, micro)[1] == weight


@given(st.integers(0, 10**15), st.integers(10**22, 10**32), st.integers(10**9, 10**17))
def test_headline_is_the_exact_blend_rounded_once(micro: int, price: int, f_pico: int) -> None:
    part = Fraction(micro, micro + 1000 * USDC)
    weight = min(Fraction(1, 5) + Fraction(3, 4) * part, Fraction(19, 20))
    exact = weight * Fraction(price, 10**15) + (1 - weight) * f_pico

    assert display(CONFIG, price, f_pico, micro)[0] == round(exact)


def test_window_drops_what_is_as_old_as_its_length() -> None:
    window = ((1, 10), (2, 20), (3, 30))

    assert slide(window, 0) == window
    assert slide(window, 1) == ((2, 20), (3, 30))
    assert slide(window, 3) == ()


def test_window_keeps_one_pair_per_second() -> None:
    window = extended(extended(extended((), 5, 1), 5, 2), 6, 3)

    assert window == ((5, 3), (6, 3))
    assert volume(window) == 6
    assert extended(window, 9, 0) is window
