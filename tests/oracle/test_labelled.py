"""Readers against people's labels: the figures that docs/ORACLE.md publishes."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from oracle.services.labelled import labelled
from tests.oracle.shared_data import shared


def write(path: Path, *rows: tuple[str, str]) -> Path:
    lines = "".join(f'"{sentence}",{label}\n' for sentence, label in rows)
    path.write_text(f"Sentence,Sentiment\n{lines}")
    return path


def test_each_label_is_compared(tmp_path: Path) -> None:
    rows = [
        ("Profits surged to a record", "positive"),
        ("Orders plunged and the firm went bankrupt", "negative"),
        ("Profits surged again", "negative"),
        ("The meeting is on Tuesday", "neutral"),
    ]
    (one,) = labelled(write(tmp_path / "labels.csv", *rows), ["lexicon"])
    assert (one.score.verdicts, one.score.agreed, one.score.judged, one.usual) == (4, 3, 3, 2)


def test_the_lexicon_is_well_above_the_usual_label() -> None:
    (one,) = labelled(shared("headline-sentiment-dev.csv"), ["lexicon"])
    assert 100 * one.score.agreed > 65 * one.score.verdicts
    assert one.score.agreed > one.usual + one.score.verdicts // 10


def test_the_command_prints_a_line(tmp_path: Path) -> None:
    out = StringIO()
    path = write(tmp_path / "labels.csv", ("Profits surged", "positive"))
    call_command("oracle_labels", str(path), reader=["lexicon"], stdout=out)
    assert "100.0 % of 1 labels" in out.getvalue()


@pytest.mark.parametrize("body", ["", "a,b\n1,2\n", "Sentence,Sentiment\nx,great\n"])
def test_another_form_is_refused(tmp_path: Path, body: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(body)
    if body:
        with pytest.raises(CommandError):
            call_command("oracle_labels", str(path))
    with pytest.raises(CommandError):
        call_command("oracle_labels", str(tmp_path / "absent.csv"))
