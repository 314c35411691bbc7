"""Good and bad mirror images give mirror reports, neutral news gives 0: through whole runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from exchange import clock
from exchange.engines.units import PICO
from exchange.models import Market
from oracle.analysts import nets
from oracle.analysts.lexicon import Lexicon
from oracle.analysts.nets import Fact, Pair
from oracle.models import Calibration, Run
from oracle.services import calibrating, terms
from oracle.services.calibrating import Label
from tests.oracle import world
from tests.oracle.test_model_process import Slow

pytestmark = pytest.mark.django_db
PANEL = [
    {"seat": "tone", "reader": "classifier", "sources": ["wire"]},
    {"seat": "words", "reader": "lexicon", "sources": ["wire"]},
    {"seat": "size", "reader": "generator", "sources": ["wire"]},
    {"seat": "sense", "reader": "nli", "sources": ["wire"]},
]
NEUTRAL = "A meeting about widgets was held on Tuesday"


class Even(Slow):
    """Networks without a liking: what they say of good news mirrors what they say of bad."""

    def facts(self) -> Mapping[str, Fact]:
        labels = ("negative", "positive")
        return {
            "classifier": Fact(version="c", labels=labels),
            "generator-tiny": Fact(version="g"),
            "nli": Fact(version="n", labels=("contradiction", "entailment")),
        }

    def read(self, name: str, version: str, pairs: Sequence[Pair]) -> list[list[int]]:
        leans = [
            tone(text) * (-1 if other and other.endswith("falls.") else 1) for text, other in pairs
        ]
        return [[500_000 - 400_000 * lean, 500_000 + 400_000 * lean] for lean in leans]

    def score(self, name: str, version: str, prompt: str, answers: Sequence[str]) -> list[int]:
        if answers[0] != "rise":
            return [-n * 300_000 for n in range(len(answers))]
        lean = tone(prompt) * 1_500_000
        return [lean - 2_000_000, -lean - 2_000_000, -1_900_000]


def tone(text: str) -> int:
    return ("surged" in text) - ("plunged" in text)


def run(folder: Path, *titles: str, learnt: bool = False) -> tuple[Run, Market]:
    world.archive(folder, "wire", *(world.news(f"Widgets: {title}") for title in titles))
    market = world.oracle_market(panel=PANEL, keywords=["widgets"], quorum=1)
    if learnt:
        for reader, version in (("classifier", "classifier-1-c"), ("lexicon", None)):
            _teach(market, reader, version)
    with nets.using(Even()):
        return world.run(market), market


def _teach(market: Market, reader: str, version: str | None) -> None:
    labels = [Label(70_000_000, n % 3 > 0, outcome=n) for n in range(90)]
    row = calibrating._kept(
        world.spec(market),
        reader,
        version or Lexicon().version,
        calibrating.fit(labels),
        clock.now(),
    )
    assert isinstance(row, Calibration)
    assert terms.spec_sha256(row.spec)


@pytest.mark.parametrize("learnt", [False, True])
@pytest.mark.parametrize("count", [1, 3])
def test_mirror_images_give_mirror_reports(
    tmp_path: Path, settings: Any, count: int, learnt: bool
) -> None:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    subjects = ("Output", "Orders of the north", "Demand for steel")[:count]
    up, rising = run(tmp_path, *(f"{one} surged" for one in subjects), learnt=learnt)
    down, falling = run(tmp_path, *(f"{one} plunged" for one in subjects), learnt=learnt)
    for good, bad in zip(up.reports.order_by("seat"), down.reports.order_by("seat"), strict=True):
        assert good.delta_pico == -bad.delta_pico > 0
        assert (good.confidence_e8, good.stated_e8) == (bad.confidence_e8, bad.stated_e8)
        assert (good.impact, good.notes) == (bad.impact, bad.notes)
    moved_up, moved_down = (
        world.fundamental(one) - int(done.outcome["fundamental_before_pico"])
        for one, done in ((rising, up), (falling, down))
    )
    assert moved_up > 0 > moved_down
    assert abs(moved_up + moved_down) <= PICO // 10**9  # each is rounded to its own side


def test_neutral_news_is_a_report_of_zero(tmp_path: Path, settings: Any) -> None:
    settings.ORACLE_ARCHIVE_DIRS = [tmp_path]
    done, market = run(tmp_path, NEUTRAL, f"{NEUTRAL} again")
    assert done.state == Run.State.APPLIED
    assert [row.delta_pico for row in done.reports.all()] == [0, 0, 0, 0]
    assert done.outcome["fundamental_before_pico"] == done.outcome["fundamental_pico"]
    again = world.run(market)
    assert [row.delta_pico for row in again.reports.all()] == [0]
