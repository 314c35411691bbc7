"""How near two markets are, and what is too near."""

import pytest

from liquidity.core.duplicates import (
    NEAR_E8,
    SAME_E8,
    Match,
    Subject,
    matches,
    similarity,
    too_near,
)

GAS = Subject(
    label="Natural gas in Europe",
    name="Natural gas in Europe",
    question="Is natural gas getting dearer in Europe?",
)
HOW = "It follows storage levels and not what a household pays."


def subject(name: str, question: str = "") -> Subject:
    return Subject(label=name, name=name, question=question or f"Does {name} rise?")


@pytest.mark.parametrize(
    "name",
    ["natural gas in europe", "Natural   Gas, in EUROPE!", "Natural gas in Europe"],
)
def test_case_and_punctuation_make_no_difference(name: str) -> None:
    assert similarity(GAS, subject(name, GAS.question)) == 10**8


def test_another_inflection_is_still_near() -> None:
    other = subject("European natural gas", "Are natural gas prices rising in Europe?")

    assert similarity(GAS, other) >= NEAR_E8


@pytest.mark.parametrize("name", ["Attention to football", "Rain in Lima", "Bicycle sales"])
def test_other_subjects_are_not(name: str) -> None:
    assert matches(GAS, [subject(name)]) == []


def test_is_symmetric_and_names_the_nearest_first() -> None:
    near = subject("Natural gas in Asia", "Is natural gas getting dearer in Asia?")

    assert similarity(GAS, near) == similarity(near, GAS)
    assert [m.label for m in matches(GAS, [near, GAS])] == [GAS.label, near.label]


@pytest.mark.parametrize(
    ("similarity_e8", "differs", "refused"),
    [
        (SAME_E8, HOW, True),
        (SAME_E8 - 1, HOW, False),
        (NEAR_E8, "", True),
        (NEAR_E8, "it is other", True),
        (NEAR_E8, HOW, False),
    ],
)
def test_near_needs_a_reason_and_the_same_has_none(
    similarity_e8: int, differs: str, *, refused: bool
) -> None:
    found = [Match(label="x", similarity_e8=similarity_e8)]

    assert too_near(found, differs) is refused


def test_nothing_near_needs_no_reason() -> None:
    assert not too_near([], "")
