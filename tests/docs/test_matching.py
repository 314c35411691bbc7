import difflib
import re

import pytest

from exchange.engines.variable.parameters import PARAMETERS
from tests.docs import document
from tests.docs.scenarios import SCENARIOS

TEXT = document.PATH.read_text()
BLOCKS = dict(document.blocks(TEXT))
# formulas stand in fences; what follows a letter is a name, like P0
FENCE = re.compile(r"```.*?```", re.DOTALL)
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_page_says_what_the_engine_does(name: str) -> None:
    computed, written = SCENARIOS[name](), BLOCKS.get(name, "")

    lines = difflib.unified_diff(
        written.splitlines(), computed.splitlines(), "docs/MATCHING.md", "the engine", lineterm=""
    )
    told = "\n".join(lines)
    if told:
        pytest.fail(f"{told}\n\nwrite it anew: python -m tests.docs", pytrace=False)


def test_every_block_has_one_scenario() -> None:
    names = [name for name, _ in document.blocks(TEXT)]

    assert sorted(names) == sorted(SCENARIOS)
    assert TEXT.count("<!-- scenario:") == TEXT.count("<!-- end -->") == len(names)


def test_no_figure_in_the_prose_is_without_a_source() -> None:
    known = {word for body in BLOCKS.values() for word in NUMBER.findall(body)}
    for parameter in PARAMETERS:
        known.update(NUMBER.findall(str(parameter.default)))
    prose = FENCE.sub("", document.prose(TEXT))
    lines = [re.sub(r"^\d+\. ", "", line) for line in prose.splitlines()]

    strays = {word for line in lines for word in NUMBER.findall(line)} - known
    assert not strays


def test_writing_the_page_anew_changes_nothing() -> None:
    assert (
        document.filled_in(TEXT, {name: scenario() for name, scenario in SCENARIOS.items()}) == TEXT
    )
