"""The line of `manage.py bench` is one JSON object of the agreed shape; no time is asserted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from megatron.management.commands.bench import NAMES
from tests.bench.__main__ import NAMES as WRITTEN
from tests.bench.figures import Rounds, line, percentile

FIELDS = ["measure", "case", "value", "unit", "limit", "ratio", "rounds"]
MEASURES = {
    "settlement": {"T1", "T2", "T3", "L1"},
    "fanout": {"R1", "R2"},
    "charts": {"C1"},
    "engines": {"T5"},
    "outcome": {"T4", "T6"},
    "session": {"S1"},
    "oracle": {"O1"},
    "pages": {"S2"},
    "readers": {"O2"},
    "deposits": {"D1", "D2", "D5", "D6"},
    "withdrawals": {"D3", "D4"},
}


@pytest.mark.parametrize(
    "name",
    [
        "engines",
        pytest.param("outcome", marks=pytest.mark.nightly),
        pytest.param("session", marks=pytest.mark.nightly),
        pytest.param("charts", marks=pytest.mark.nightly),
        pytest.param("fanout", marks=pytest.mark.nightly),
        pytest.param("settlement", marks=pytest.mark.nightly),
        pytest.param("pages", marks=pytest.mark.nightly),
        pytest.param("oracle", marks=pytest.mark.nightly),
        pytest.param("readers", marks=pytest.mark.nightly),
        pytest.param("deposits", marks=pytest.mark.nightly),
        pytest.param("withdrawals", marks=pytest.mark.nightly),
    ],
)
def test_prints_one_line_of_the_agreed_shape(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "bench", name, "--size", "tiny"],
        cwd=settings.BASE_DIR,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
        capture_output=True,
        check=False,
        text=True,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    (printed,) = done.stdout.splitlines()
    said = json.loads(printed)
    assert list(said) == ["bench", "results"]
    assert said["bench"] == name
    assert {figure["measure"] for figure in said["results"]} == MEASURES[name]
    for figure in said["results"]:
        assert list(figure) == FIELDS
        assert isinstance(figure["value"], float)
        assert figure["value"] >= 0
        assert figure["rounds"] >= 3
        assert figure["limit"] is not None or figure["ratio"] is None


def test_every_benchmark_can_be_asked_for() -> None:
    assert sorted(NAMES) == WRITTEN == sorted(MEASURES)


def test_a_figure_is_the_median_of_its_rounds_against_that_of_the_limit() -> None:
    found = Rounds(", disk")
    for value, limit in ((3.0, 10.0), (1.0, 12.0), (2.0, 11.0)):
        found.add("ours", value)
        found.add("theirs", limit)

    said = json.loads(line("b", [found.measure("T9", "case", "ours", "ms", "theirs")]))

    (figure,) = said["results"]
    assert figure == {
        "measure": "T9",
        "case": "case, disk",
        "value": 2.0,
        "unit": "ms",
        "limit": 11.0,
        "ratio": 0.1818,
        "rounds": 3,
    }


def test_a_limit_that_moves_is_pointed_out(capsys: pytest.CaptureFixture[str]) -> None:
    found = Rounds()
    for limit in (1.0, 2.1):
        found.add("ours", 1.0)
        found.add("theirs", limit)

    found.measure("T9", "case", "ours", "ms", "theirs")

    assert "theirs itself varied 2.1 times" in capsys.readouterr().err


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 3), (0.99, 4)])
def test_percentile_is_one_of_the_samples(share: float, expected: float) -> None:
    assert percentile([4, 1, 3, 2], share) == expected


def test_the_limit_is_read_beside_its_module() -> None:
    folder = Path(__file__).parent
    assert {path.name for path in folder.glob("*.sql")} == {
        "limit_keys.sql",
        "limit_tables.sql",
        "limit_trade.sql",
    }
