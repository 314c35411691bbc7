"""The reader of numbers: a level against F, from its release on, within bounds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oracle.analysts import registry
from oracle.analysts.base import Brief, Number, Variable
from oracle.analysts.series import Series
from oracle.core.levels import LevelMapping
from oracle.core.quorum import Seat
from oracle.core.reports import LEVEL, NOTE_CLAMPED

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
SEAT = Seat(name="number", reader="series", sources=("office",))
PICO = 10**12

VARIABLE = Variable(
    question="?",
    polarity=1,
    rise_words=(),
    fall_words=(),
    keywords=(),
    mapping=LevelMapping(slope_pico=4 * PICO),
    mapping_confidence_e8=90_000_000,
)
NUMBER = Number(value_pico=5 * PICO // 2, observed_at=NOON - timedelta(days=9), released_at=NOON)
BRIEF = Brief(
    variable=VARIABLE,
    stories=(),
    number=NUMBER,
    fundamental_pico=8 * PICO,
    floor_e8=40_000_000,
    as_of=NOON,
)


def test_a_number_is_a_level_against_f() -> None:
    report = Series().read(SEAT, BRIEF)
    assert report is not None
    assert (report.kind, report.level_pico, report.delta_pico) == (LEVEL, 10 * PICO, PICO // 4)
    assert (report.confidence_e8, report.notes) == (90_000_000, ())


def test_it_says_the_same_of_a_level_above_and_below() -> None:
    above = Series().read(SEAT, replace(BRIEF, fundamental_pico=9 * PICO))
    below = Series().read(SEAT, replace(BRIEF, fundamental_pico=11 * PICO))
    assert above is not None
    assert below is not None
    assert above.delta_pico == 111_111_111_111
    assert below.delta_pico == -90_909_090_909


def test_what_is_not_released_yet_is_not_there() -> None:
    early = replace(BRIEF, as_of=NOON - timedelta(seconds=1))
    assert Series().read(SEAT, early) is None
    assert Series().read(SEAT, BRIEF) is not None


@pytest.mark.parametrize(
    "brief",
    [
        replace(BRIEF, number=None),
        replace(BRIEF, variable=replace(VARIABLE, mapping=None)),
        replace(BRIEF, number=replace(NUMBER, value_pico=0)),
        replace(BRIEF, number=replace(NUMBER, value_pico=-PICO)),
    ],
)
def test_without_a_sensible_level_it_has_no_say(brief: Brief) -> None:
    assert Series().read(SEAT, brief) is None


def test_a_level_far_off_is_held_at_the_bound() -> None:
    report = Series().read(SEAT, replace(BRIEF, fundamental_pico=PICO))
    assert report is not None
    assert (report.delta_pico, report.notes) == (300_000_000_000, (NOTE_CLAMPED,))


def test_the_registry_lists_what_can_run(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.ORACLE_MODELS_DIR = str(tmp_path)
    assert sorted(registry.available()) == ["forecaster", "lexicon", "series"]
    monkeypatch.setattr(Series, "can_run", lambda _: False)
    assert sorted(registry.available()) == ["forecaster", "lexicon"]
    assert "series" in registry.names()
