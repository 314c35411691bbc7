"""The linter of proposals: each fault is named beside its field, and good words pass."""

from dataclasses import replace
from typing import Any

import pytest

from liquidity.core.specification import Draft, lint
from tests.liquidity import proposals


def draft(**changes: Any) -> Draft:
    brief = proposals.brief()
    read: dict[str, Any] = {
        name: tuple(given) if isinstance(given, list) else given for name, given in brief.items()
    }
    return replace(Draft(**proposals.words(), **read), **changes)


def test_good_words_pass() -> None:
    assert lint(draft()) == []


def test_every_fault_of_an_empty_draft_is_told_in_order() -> None:
    empty = Draft(name="", slug="", ticker="", unit="", question="", summary="", rules="", topic="")

    fields = list(dict.fromkeys(finding.field for finding in lint(empty)))

    assert fields == [
        "name",
        "slug",
        "ticker",
        "unit",
        "question",
        "summary",
        "rules",
        "topic",
        "queries",
        "rise_words",
        "fall_words",
        "sources",
    ]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": "x" * 81}, "name", "The name is 81 characters long; 3 to 80 are needed."),
        ({"name": "Gas\u200bgas Europe"}, "name", "characters that cannot be seen"),
        ({"slug": "Natural_Gas"}, "slug", "small letters, digits and hyphens"),
        ({"slug": "-gas"}, "slug", "small letters, digits and hyphens"),
        ({"slug": "requests"}, "slug", "one of the site's own"),
        ({"ticker": "gas"}, "ticker", "capital letters and digits"),
        ({"ticker": "7GAS"}, "ticker", "capital letters and digits"),
        ({"unit": "USDC"}, "unit", "says per what"),
        ({"unit": "  "}, "unit", "The unit is missing."),
        ({"question": "Natural gas is dearer."}, "question", "ends with a question mark"),
        ({"question": "Does the figure go up?"}, "question", "names the variable"),
        ({"rules": "The higher the better, " * 8}, "rules", "what happens when a source dies"),
        ({"kind": "vibes"}, "kind", "delta, for news, or level"),
        ({"kind": "level"}, "sources", "needs its series"),
        ({"queries": ()}, "queries", "1 to 10 searches are needed; these are 0."),
        (
            {"queries": tuple(f"natural gas {n}" for n in range(11))},
            "queries",
            "these are 11",
        ),
        ({"queries": ("natural gas", "Natural, Gas")}, "queries", "twice"),
        ({"queries": ("natural gas", "oil")}, "queries", "would find almost anything"),
        ({"queries": ("natural gas", "the market")}, "queries", "would find almost anything"),
        ({"queries": ("football scores",)}, "queries", "No search has a word of"),
        ({"queries": ("natural gas " + "x" * 100,)}, "queries", "longer than 100"),
        ({"rise_words": ()}, "rise_words", "At least one word or phrase that means a rise"),
        ({"fall_words": ("cheaper", "Dearer")}, "fall_words", "“Dearer” cannot mean a rise"),
        ({"rise_words": ("x" * 61,)}, "rise_words", "At most 60 phrases"),
    ],
)
def test_names_the_fault(changes: dict[str, Any], field: str, words: str) -> None:
    found = lint(draft(**changes))

    assert [(f.field, words in f.sentence) for f in found if words in f.sentence] == [(field, True)]


def test_a_published_number_needs_no_words_of_direction() -> None:
    level = draft(
        kind="level",
        rise_words=(),
        fall_words=(),
        sources="The series TTF-M1 of the exchange's daily settlement file.",
    )

    assert lint(level) == []
