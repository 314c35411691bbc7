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

COUNT = 52


def test_all_cases_are_there() -> None:
    assert len(CASES) == len(CONTENT["cases"]) == COUNT


@pytest.mark.parametrize("key", list(CASES))
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


def test_command_counts_the_cases() -> None:
    out = StringIO()

    call_command("golden", str(FILE), stdout=out)

    assert out.getvalue().splitlines()[-1] == "52 of 52"


def test_command_fails_when_a_case_does(tmp_path: Path) -> None:
    out, content = StringIO(), json.loads(FILE.read_text())
    content["cases"] = [dict(CASES["E02"], final=dict(CASES["E02"]["final"], X="7"))]
    changed = tmp_path / "cases.json"
    changed.write_text(json.dumps(content))

    with pytest.raises(CommandError):
        call_command("golden", str(changed), stdout=out)

    assert out.getvalue().splitlines()[-1] == "0 of 1"
