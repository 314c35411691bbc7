"""The reader of words: direction, symmetry, and how often it agrees with people."""

import csv
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.engines.units import RATE
from oracle.analysts import finance_words, lexicon
from oracle.analysts.base import Brief, Story, Variable
from oracle.analysts.lexicon import Lexicon
from oracle.core.quorum import Seat
from oracle.core.reports import NOTE_QUIET
from tests.oracle.shared_data import shared

SEAT = Seat(name="words", reader="lexicon", sources=("wire",))
LABELS = {"positive": 1, "neutral": 0, "negative": -1}
SWAPS = {
    word: other
    for a, b in [*finance_words.pairs(), *((g, b) for g, b, _ in finance_words.verdicts())]
    for word, other in ((a, b), (b, a))
}
PLAIN = ("sales", "profit", "output", "the", "company", "said", "shares", "of", "costs", "today")


def variable(polarity: int = 1, **words: tuple[str, ...]) -> Variable:
    return Variable(
        question="?",
        polarity=polarity,
        rise_words=words.get("rise", ()),
        fall_words=words.get("fall", ()),
        keywords=words.get("keywords", ()),
        mapping=None,
        mapping_confidence_e8=0,
    )


def brief(about: Variable, *titles: str) -> Brief:
    stories = tuple(
        Story(cluster=n, title=title, text="", weight_e8=RATE)
        for n, title in enumerate(titles, start=1)
    )
    return Brief(
        variable=about,
        stories=stories,
        number=None,
        fundamental_pico=10**13,
        floor_e8=40_000_000,
        as_of=datetime(2024, 1, 1, tzinfo=UTC),
    )


def mirrored(text: str) -> str:
    return " ".join(SWAPS.get(word, word) for word in text.split())


def test_good_news_lifts_and_bad_news_lowers() -> None:
    assert lexicon.direction("Profit rose and sales were strong", variable())[0] == 1
    assert lexicon.direction("Profit fell and sales were weak", variable())[0] == -1


def test_polarity_turns_the_sign() -> None:
    assert lexicon.direction("Profit rose and sales were strong", variable(-1))[0] == -1


def test_without_polarity_only_the_markets_words_count() -> None:
    assert lexicon.direction("Profit rose and sales were strong", variable(0)) == (0, 0)


def test_more_of_a_burden_is_bad_news() -> None:
    assert lexicon.tone("Costs rose sharply") < 0 < lexicon.tone("Losses narrowed sharply")


def test_the_markets_words_decide_before_the_tone() -> None:
    about = variable(rise=("unemployment UP",), fall=("unemployment DOWN",))
    sign, confidence_e8 = lexicon.direction("Good news as unemployment falls", about)
    assert (sign, confidence_e8) == (-1, 60_000_000)


def test_the_nearest_movement_belongs_to_the_subject() -> None:
    about = variable(rise=("inflation UP",), fall=("inflation DOWN",))
    assert lexicon.direction("Wages rise as inflation falls again", about)[0] == -1
    assert lexicon.direction("Rising inflation squeezes the poor", about)[0] == 1


def test_a_plain_phrase_must_stand_there_as_whole_words() -> None:
    about = variable(0, rise=("job cuts",))
    assert lexicon.direction("Thousands of job cuts announced", about)[0] == 1
    assert lexicon.direction("A job cutsomer", about)[0] == 0


def test_words_on_both_sides_cancel() -> None:
    about = variable(rise=("heatwave",), fall=("rain",))
    assert lexicon.direction("After the heatwave, rain", about) == (0, 0)


def test_neutral_text_says_nothing() -> None:
    assert lexicon.direction("The board meets on Tuesday in Helsinki", variable()) == (0, 0)


def test_a_keyword_must_be_a_whole_word() -> None:
    about = variable(keywords=("inflation",))
    report = Lexicon().read(SEAT, brief(about, "Disinflationary talk", "Inflation, again"))
    assert [mark.keyword for mark in report.marks] == [False, True]


def test_no_stories_is_a_report_of_zero() -> None:
    report = Lexicon().read(SEAT, brief(variable()))
    assert (report.delta_pico, report.notes) == (0, (NOTE_QUIET,))


def test_it_says_the_same_twice() -> None:
    given_brief = brief(variable(), "Sales jumped", "Costs surged", "Shares slid on warning")
    assert Lexicon().read(SEAT, given_brief) == Lexicon().read(SEAT, given_brief)


def test_every_word_of_the_lists_has_one_mirror() -> None:
    pairs = [*finance_words.pairs(), *((g, b) for g, b, _ in finance_words.verdicts())]
    words = [word for pair in pairs for word in pair]
    assert [word for word, count in Counter(words).items() if count > 1] == []
    assert set(words).isdisjoint(finance_words.SILENT.split())


@given(st.lists(st.sampled_from([*sorted(SWAPS), *PLAIN]), min_size=1, max_size=14))
def test_mirrored_text_gives_the_mirrored_report(words: list[str]) -> None:
    text = " ".join(words)
    burdens = finance_words.BURDENS.split()
    if any(SWAPS.get(word, word) in burdens or word in burdens for word in words if word in SWAPS):
        return  # a word that is itself a burden changes what the words around it mean
    here = Lexicon().read(SEAT, brief(variable(), text))
    there = Lexicon().read(SEAT, brief(variable(), mirrored(text)))
    assert here.delta_pico == -there.delta_pico
    assert here.confidence_e8 == there.confidence_e8


def test_it_agrees_with_people_well_above_the_majority(capsys: pytest.CaptureFixture[str]) -> None:
    with shared("headline-sentiment-dev.csv").open(newline="") as lines:
        rows = [(row["Sentence"], LABELS[row["Sentiment"]]) for row in csv.DictReader(lines)]
    said = [(lexicon.direction(text, variable())[0], label) for text, label in rows]

    agreed = sum(a == b for a, b in said) / len(said)
    majority = Counter(label for _, label in said).most_common(1)[0][1] / len(said)
    signs = [(a, b) for a, b in said if a and b]
    signed = sum(a == b for a, b in signs) / len(signs)

    with capsys.disabled():
        figures = f"agrees {agreed:.1%}, majority {majority:.1%}, sign right {signed:.1%}"
        print(f"\nlexicon on {len(said)} headlines: {figures}")  # noqa: T201
    assert agreed > majority + 0.10
    assert signed > 0.85
