"""The pure scores of a report card, against figures worked out by hand."""

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exchange.engines.units import PICO, RATE
from oracle.core import card, outcomes
from oracle.core.card import Claim
from oracle.core.outcomes import Point, Released

HALF, SURE = RATE // 2, RATE


def claim(sign: int, truth: int | None, confidence_e8: int = HALF, **sizes: Any) -> Claim:
    return Claim(sign=sign, confidence_e8=confidence_e8, truth_sign=truth, **sizes)


def test_only_directions_with_a_verdict_are_judged() -> None:
    made = card.score([claim(1, 1), claim(1, -1), claim(0, 1), claim(1, None), claim(1, 0)])
    assert (made.claims, made.verdicts, made.judged, made.hits) == (5, 4, 2, 1)
    assert made.hit_e8 == HALF


def test_a_neutral_label_proves_a_direction_wrong() -> None:
    made = card.score([claim(1, 0), claim(0, 0)], zero_is_a_verdict=True)
    assert (made.judged, made.hits, made.agreed) == (1, 0, 1)


def test_nothing_judged_is_no_figure() -> None:
    made = card.score([])
    assert (made.hit_e8, made.brier_e8, made.error_pico, made.low_e8) == (None,) * 4
    assert [one.count for one in made.bins] == [0] * 10


def test_brier_by_hand() -> None:
    made = card.score([claim(1, 1, 80_000_000), claim(-1, 1, 60_000_000)])
    # the mean of a squared fifth and three squared fifths
    assert made.brier_e8 == 20_000_000


def test_the_usual_direction_is_what_to_beat() -> None:
    made = card.score([claim(1, 1), claim(-1, 1), claim(1, 1), claim(-1, -1)])
    assert (made.hit_e8, made.usual_e8) == (75_000_000, 75_000_000)


def test_a_sure_claim_has_its_error_as_crps() -> None:
    made = card.score([claim(1, 1, SURE, delta_pico=3 * PICO, truth_pico=PICO)])
    assert made.crps_pico == made.error_pico == 2 * PICO


def test_a_claim_of_nothing_has_the_truth_as_crps() -> None:
    made = card.score([claim(0, -1, SURE, delta_pico=0, truth_pico=-PICO)])
    assert made.crps_pico == made.zero_pico == PICO


def test_crps_of_a_doubtful_claim_by_hand() -> None:
    # |X - y| is 1 or 1, so 1 on average; two draws differ by 2 half of the time, of which half goes
    assert card.crps_e8(2 * PICO, HALF, PICO) == PICO * RATE**2 // 2


def test_bins_hold_everything_judged() -> None:
    made = card.score([claim(1, 1, 0), claim(1, -1, SURE), claim(1, 1, 95_000_000)])
    assert [(one.count, one.hits) for one in made.bins] == [(1, 1), *[(0, 0)] * 8, (2, 1)]
    assert made.bins[9].confidence_sum_e8 == 195_000_000


def test_an_interval_as_it_is_printed_in_books() -> None:
    low, high = card.interval(8, 10)
    assert (round(low / RATE, 3), round(high / RATE, 3)) == (0.490, 0.943)
    assert card.interval(0, 5)[0] == 0
    assert card.interval(5, 5)[1] == RATE


@given(st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share(case: tuple[int, int]) -> None:
    hits, count = case
    low, high = card.interval(hits, count)
    assert 0 <= low <= Fraction(hits * RATE, count) <= high <= RATE


sizes = st.integers(-(10**11), 10**11)


@given(sizes, st.integers(0, RATE), sizes)
def test_crps_is_a_distance_and_has_no_side(delta: int, confidence: int, truth: int) -> None:
    here = card.crps_e8(delta, confidence, truth)
    assert here >= 0
    assert here == card.crps_e8(-delta, confidence, -truth)


NUMBERS = [
    Released(released_s=10, observed_s=5, level_pico=2 * PICO),
    Released(released_s=20, observed_s=5, level_pico=9 * PICO),
    Released(released_s=30, observed_s=15, level_pico=3 * PICO),
    Released(released_s=40, observed_s=25, level_pico=4 * PICO),
]


def test_the_next_number_is_new_and_no_revision() -> None:
    assert outcomes.next_change(NUMBERS, 12, 2 * PICO) == PICO // 2
    assert outcomes.next_change(NUMBERS, 29, 2 * PICO) == PICO // 2


def test_a_number_out_at_that_very_moment_was_known() -> None:
    assert outcomes.next_change(NUMBERS, 30, 2 * PICO) == PICO


def test_without_a_later_number_there_is_no_outcome() -> None:
    assert outcomes.next_change(NUMBERS, 40, PICO) is None
    assert outcomes.next_change([], 1, PICO) is None


PATH = [
    Point(at_s=0, before_pico=10 * PICO, after_pico=11 * PICO),
    Point(at_s=10, before_pico=11 * PICO, after_pico=22 * PICO),
    Point(at_s=20, before_pico=22 * PICO, after_pico=33 * PICO),
]


def test_f_s_own_move_leaves_the_report_s_out() -> None:
    assert outcomes.own_change(PATH, 0, 10) == PICO
    assert outcomes.own_change(PATH, 0, 19) == PICO
    assert outcomes.own_change(PATH, 1, 10) == PICO // 2


def test_half_a_horizon_is_no_outcome() -> None:
    assert outcomes.own_change(PATH, 1, 11) is None
    assert outcomes.own_change(PATH, 0, 20) == 2 * PICO
