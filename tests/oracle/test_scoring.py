"""Stage 1: impact and the small report."""

from hypothesis import given
from hypothesis import strategies as st

from exchange.engines.units import RATE
from oracle.core import bounds, scoring
from oracle.core.reports import NOTE_FEW, NOTE_NEUTRAL, NOTE_QUIET, NOTE_UNSURE, Mark
from oracle.core.voices import Teller

FLOOR = 40_000_000

marks = st.lists(
    st.builds(
        Mark,
        cluster=st.integers(1, 9),
        sign=st.sampled_from((-1, 0, 1)),
        confidence_e8=st.integers(0, RATE),
        keyword=st.booleans(),
    ),
    max_size=25,
)


def mark(sign: int, percent: int, *, keyword: bool = False) -> Mark:
    return Mark(cluster=1, sign=sign, confidence_e8=percent * 10**6, keyword=keyword)


def mirror(given_marks: list[Mark]) -> list[Mark]:
    return [
        Mark(cluster=m.cluster, sign=-m.sign, confidence_e8=m.confidence_e8, keyword=m.keyword)
        for m in given_marks
    ]


def test_impact_is_half_the_mean_confidence() -> None:
    assert scoring.impact([mark(1, 80), mark(-1, 60)]) == 35


def test_unanimity_needs_two() -> None:
    assert scoring.impact([mark(1, 80)]) == 40
    assert scoring.impact([mark(1, 80), mark(1, 80)]) == 70


def test_a_neutral_mark_breaks_unanimity() -> None:
    assert scoring.impact([mark(1, 80), mark(1, 80), mark(0, 80)]) == 40


def test_a_keyword_counts_once_and_the_score_is_capped() -> None:
    assert scoring.impact([mark(-1, 90, keyword=True), mark(-1, 90, keyword=True)]) == 100
    assert scoring.impact([mark(-1, 50, keyword=True)]) == 50


def test_nothing_has_no_impact() -> None:
    assert scoring.impact([]) == 0


def test_one_sure_mark_moves_1_2_percent() -> None:
    opinion = scoring.small([mark(1, 80)], floor_e8=FLOOR)
    assert (opinion.delta_pico, opinion.confidence_e8) == (12_000_000_000, 80_000_000)


def test_disagreement_weighs_by_confidence() -> None:
    opinion = scoring.small([mark(1, 90), mark(-1, 60)], floor_e8=FLOOR)
    assert (opinion.delta_pico, opinion.confidence_e8) == (2_400_000_000, 75_000_000)


def test_nothing_new_is_a_zero_that_counts() -> None:
    opinion = scoring.small([], floor_e8=FLOOR)
    assert (opinion.delta_pico, opinion.confidence_e8, opinion.notes) == (
        0,
        50_000_000,
        (NOTE_QUIET,),
    )
    assert scoring.small([], floor_e8=60_000_000).confidence_e8 == 60_000_000


def test_a_tie_is_neutral() -> None:
    opinion = scoring.small([mark(1, 70), mark(-1, 70)], floor_e8=FLOOR)
    assert (opinion.delta_pico, opinion.notes) == (0, (NOTE_NEUTRAL,))


def test_below_the_floor_is_no_news() -> None:
    assert scoring.small([mark(1, 39)], floor_e8=FLOOR).notes == (NOTE_UNSURE,)
    assert scoring.small([mark(1, 40)], floor_e8=FLOOR).delta_pico == 12_000_000_000


@given(marks)
def test_mirrored_marks_give_the_mirrored_report(given_marks: list[Mark]) -> None:
    here = scoring.small(given_marks, floor_e8=FLOOR)
    there = scoring.small(mirror(given_marks), floor_e8=FLOOR)
    assert here.delta_pico == -there.delta_pico
    assert (here.confidence_e8, here.notes) == (there.confidence_e8, there.notes)
    assert scoring.impact(given_marks) == scoring.impact(mirror(given_marks))


@given(marks)
def test_the_report_stays_small_and_its_confidence_counts(given_marks: list[Mark]) -> None:
    opinion = scoring.small(given_marks, floor_e8=FLOOR)
    assert abs(opinion.delta_pico) <= scoring.SMALL_PICO
    assert FLOOR <= opinion.confidence_e8 <= RATE
    assert 0 <= scoring.impact(given_marks) <= 100


def told(publisher: str, *sources: str) -> Teller:
    return Teller(publisher=publisher, sources=sources)


def test_one_opinion_among_neutral_stories_is_a_small_part() -> None:
    news = [mark(1, 100), *[mark(0, 0)] * 24]
    assert scoring.small(news, floor_e8=FLOOR).delta_pico == scoring.SMALL_PICO // 25


def test_many_stories_of_one_publisher_are_one_voice() -> None:
    flood = [mark(1, 90)] * 25 + [mark(0, 0)]
    tellers = [told("loud.example", "wire")] * 25 + [told("calm.example", "wire")]
    assert scoring.small(flood, tellers, floor_e8=FLOOR).delta_pico == scoring.SMALL_PICO // 2


def test_a_source_without_news_says_no_change() -> None:
    quiet = {"a": RATE, "b": RATE, "c": RATE}
    one, both = [told("x", "a")], [told("x", "a"), told("y", "b")]
    assert scoring.small([mark(1, 90)], one, quiet, floor_e8=FLOOR).notes == (NOTE_FEW,)
    opinion = scoring.small([mark(1, 90)] * 2, both, quiet, floor_e8=FLOOR)
    assert opinion.delta_pico == scoring.SMALL_PICO * 66_666_666 // RATE


def test_a_story_that_every_source_has_is_each_one_s_word() -> None:
    agency = [told("agency.example", "a", "b", "c")]
    quiet = {"a": RATE, "b": RATE, "c": RATE}
    opinion = scoring.small([mark(-1, 90)], agency, quiet, floor_e8=FLOOR)
    assert opinion.delta_pico == -scoring.SMALL_PICO


@given(marks, st.lists(st.sampled_from("abc"), min_size=25, max_size=25))
def test_voices_mirror_and_a_minority_is_never_heard(given_marks: list[Mark], who: str) -> None:
    tellers = [told(one, one) for one in who[: len(given_marks)]]
    here, there = (
        scoring.small(one, tellers, {"silent": 3 * RATE}, floor_e8=FLOOR)
        for one in (given_marks, mirror(given_marks))
    )
    assert here.delta_pico == -there.delta_pico
    assert abs(here.delta_pico) <= scoring.SMALL_PICO // 2
    more = scoring.small(given_marks, tellers, {"silent": 4 * RATE}, floor_e8=FLOOR)
    assert more.delta_pico == 0


def test_a_weight_scales_confidence_down() -> None:
    assert scoring.weighted(mark(1, 80), RATE // 2).confidence_e8 == 40_000_000


def test_bounds_hold_both_ways() -> None:
    assert bounds.delta(300_000_000_000) == (300_000_000_000, False)
    assert bounds.delta(300_000_000_001) == (300_000_000_000, True)
    assert bounds.delta(-(10**18)) == (-300_000_000_000, True)
