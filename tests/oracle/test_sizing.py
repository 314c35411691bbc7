"""Stage 2: from the shares of the allowed answers to a change and a confidence."""

from hypothesis import given
from hypothesis import strategies as st

from exchange.engines.units import PICO, RATE
from oracle.core.sizing import BUCKETS_PICO, sized

EVEN = [166_667] * 6
share = st.integers(0, 10**6)


def test_a_certain_answer_is_that_answer() -> None:
    made = sized([10**6, 0, 0], [0, 0, 0, 10**6, 0, 0])
    assert (made.sign, made.delta_pico, made.confidence_e8) == (1, PICO // 50, RATE)


def test_the_size_is_what_may_be_expected() -> None:
    # half of 1 % and half of 5 %
    assert sized([10**6, 0, 0], [0, 0, 500_000, 0, 500_000, 0]).delta_pico == 3 * PICO // 100


def test_confidence_is_the_lead_over_the_next() -> None:
    assert sized([500_000, 300_000, 200_000], EVEN).confidence_e8 == 20_000_000


def test_no_change_and_a_tie_are_no_direction() -> None:
    for directions in ([1, 0, 10**6], [400_000, 400_000, 200_000], [0, 0, 0]):
        assert sized(directions, EVEN).delta_pico == 0


@given(share, share, share, st.lists(share, min_size=6, max_size=6))
def test_a_mirrored_answer_is_the_mirrored_change(
    rise: int, fall: int, still: int, sizes: list[int]
) -> None:
    here, there = sized([rise, fall, still], sizes), sized([fall, rise, still], sizes)
    assert (here.sign, here.delta_pico) == (-there.sign, -there.delta_pico)
    assert here.confidence_e8 == there.confidence_e8
    assert abs(here.delta_pico) <= BUCKETS_PICO[-1]
    assert 0 <= here.confidence_e8 <= RATE
