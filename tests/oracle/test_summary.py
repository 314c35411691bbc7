"""A model's own sentence: shown as text, labelled, and only if nothing in it is made up."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from oracle.analysts import generator, nets, summary
from oracle.services.replay import replay
from tests.oracle import world
from tests.oracle.test_model_process import Slow

READ = ["Prices rose 2.3% in March, said the office. Two of 14 regions saw them fall."]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Prices rose by 2.3% in March.", "Prices rose by 2.3% in March."),
        ("  Prices  rose\n in March. And more. ", "Prices rose in March."),
        ("Two regions saw prices fall.", "Two regions saw prices fall."),
        ("Prices rose by 2.4% in March.", ""),
        ("Prices rose by 23% in March.", ""),
        ("Prices doubled in March.", ""),
        ("Three regions saw prices fall.", ""),
        ("Prices rose; see http://evil.example/x now.", ""),
        ("Prices rose, says evil.com today.", ""),
        ("Prices rose <b>a lot</b> in March.", ""),
        ("Prices rose [a lot](x) in March.", ""),
        ("Prices rose &lt;a lot in March.", ""),
        ("Prices rose @everyone in March.", ""),
        ("Prices rose \u202ea lot in March.", ""),
        ("Yes.", ""),
        ("", ""),
        ("Prices " * 60, ""),
    ],
)
def test_keeps_what_the_stories_bear_out(written: str, kept: str) -> None:
    assert summary.kept(written, READ) == kept


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("You read news about one question.", False),
        ("Here SAY, in one short sentence, what it is.", False),
        ("Prices say in one short word: up.", True),
    ],
)
def test_the_prompt_is_not_said_again(written: str, shown: bool) -> None:
    asked = generator.prompt(generator.SUMMARY)
    assert bool(summary.kept(written, ["one"], asked)) == shown


@given(st.text(max_size=400))
def test_whatever_was_written_is_plain_and_bounded(written: str) -> None:
    shown = summary.kept(written, READ)
    assert len(shown) <= summary.CHARACTERS_MAX
    assert not set("<>[]{}`|\\") & set(shown)
    assert "://" not in shown
    assert summary.numbers_of(shown) <= summary.numbers_of(READ[0])


class Writing(Slow):
    """A text model that is sure of a rise and writes what it is told to."""

    said = ""

    def facts(self) -> Any:
        return {"generator-tiny": nets.Fact(version="g1")}

    def score(self, name: str, version: str, prompt: str, answers: Any) -> list[int]:
        return [0 if "nothing" not in prompt else -1, *[-5_000_000] * (len(answers) - 1)]

    def write(self, name: str, version: str, prompt: str, tokens_max: int) -> str:
        assert prompt.endswith("Sentence:\n")
        return self.said


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "shown"),
    [("Orders rose & output surged.", "Orders rose &amp; output surged."), ("Up 12 points.", "")],
)
def test_it_is_shown_as_text_and_labelled(
    tmp_path: Path, settings: Any, client: Client, said: str, shown: str
) -> None:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    titles = (f"Widgets: {world.GOOD}", "Widgets gain as demand soared strongly")
    world.archive(tmp_path, "wire", *(world.news(title) for title in titles))
    writing = Writing()
    writing.said = said
    with nets.using(writing):
        run = world.run(
            world.oracle_market(
                panel=[{"seat": "size", "reader": "generator", "sources": ["wire"]}],
                keywords=["widgets"],
                rise_words=["output UP", "demand UP"],
            )
        )
        assert run.reports.get().notes[0] == "stage 2"
        assert replay(run).is_identical
    page = client.get(f"/oracle/runs/{run.public_id}/").content.decode()
    assert ("written by a machine" in page) == bool(shown)
    assert shown in page
