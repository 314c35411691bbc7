import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from exchange import golden

FILE = Path(__file__).parent / "variable-market.json"
CONTENT: dict[str, Any] = json.loads(FILE.read_text())
CASES = {case["id"]: case for case in CONTENT["cases"]}

LONG = [
    "A01", "A02", "A03", "A05", "A06", "A07", "A08", "A09", "A10", "A11", "A12",
    "B01", "B02", "B03", "B04", "B05", "B07",
    "C04", "C05", "C09", "C10",
    "D03", "D06", "D07",
    "F01",
    "G02", "G07", "G09", "G10",
    "H02", "H03", "H05", "H06",
]  # fmt: skip


def test_the_long_cases_are_these() -> None:
    assert [key for key, case in CASES.items() if not golden.left_out(case)] == LONG


@pytest.mark.parametrize("key", LONG)
def test_a_case_agrees_to_the_last_digit(key: str) -> None:
    assert golden.run(CASES[key], CONTENT["defaults"]) == []


def test_every_other_figure_would_be_noticed() -> None:
    case = json.loads(json.dumps(CASES["B03"]))
    case["steps"][2]["result"]["close"]["net"] = "99.002498"
    case["final"]["treasury"] = "0.099751"
    case["final"]["users"]["x"]["cash"] = "99999.002498"

    paths = [difference.path for difference in golden.run(case, CONTENT["defaults"])]

    assert paths == ["steps[2].sell.close.net", "final.treasury", "final.x.cash"]


def test_the_other_code_of_a_refusal_would_be_noticed() -> None:
    case = json.loads(json.dumps(CASES["F01"]))
    case["steps"][1]["reject"] = "impact_cap"

    differences = golden.run(case, CONTENT["defaults"])

    assert [(d.expected, d.got) for d in differences] == [("impact_cap", "band")]


def test_command_counts_the_cases_it_chose() -> None:
    out = StringIO()

    call_command("golden", str(FILE), only="long", stdout=out)

    assert out.getvalue().splitlines()[-1] == "33 of 33"
    assert "left out E09: " in out.getvalue()


def test_command_fails_when_a_case_does() -> None:
    out = StringIO()

    with pytest.raises(CommandError):
        call_command("golden", str(FILE), stdout=out)

    assert out.getvalue().splitlines()[-1] == "33 of 52"
