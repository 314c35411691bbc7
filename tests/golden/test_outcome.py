import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from exchange import golden

FILE = Path(__file__).parent / "outcome.json"
CONTENT: dict[str, Any] = json.loads(FILE.read_text())
CASES = {case["id"]: case for case in CONTENT["cases"]}

REFUSALS = Path(__file__).parent / "outcome-refusals.json"

COUNT = 34


def test_all_cases_are_there() -> None:
    assert len(CASES) == len(CONTENT["cases"]) == COUNT


@pytest.mark.parametrize("key", list(CASES))
def test_a_case_agrees_to_the_last_digit(key: str) -> None:
    assert golden.run(CASES[key], CONTENT["defaults"]) == []


@pytest.mark.parametrize("name", ["cash", "tokens", "accounts", "amm_supply", "open_orders"])
def test_a_final_figure_that_differs_is_noticed(name: str) -> None:
    case = json.loads(json.dumps(CASES["G33"]))
    case["final"][name] = [{"id": "o99"}]

    (difference,) = golden.run(case, CONTENT["defaults"])

    assert (difference.case, difference.path) == ("G33", f"final.{name}")


@pytest.mark.parametrize(
    "name", ["backing", "worst_case_redemption", "prices", "prices12", "fills", "orders"]
)
def test_a_figure_of_a_tick_that_differs_is_noticed(name: str) -> None:
    case = json.loads(json.dumps(CASES["G48"]))
    expect = case["steps"][1]["expect"]
    expect[name] = "9" if isinstance(expect[name], str) else expect[name][:-1]

    differences = golden.run(case, CONTENT["defaults"])

    assert [d.path for d in differences] == [f"steps[1].tick.{name}"]


def test_the_order_in_which_orders_are_reported_does_not_matter() -> None:
    case = json.loads(json.dumps(CASES["G48"]))
    case["steps"][0]["expect"]["orders"].reverse()

    assert golden.run(case, CONTENT["defaults"]) == []


@pytest.mark.parametrize("size", ["-5", "0", "0.0000001"])
def test_a_size_that_is_no_amount_is_the_engine_s_to_refuse(size: str) -> None:
    case = json.loads(json.dumps(CASES["G06"]))
    case["steps"][0]["messages"][0]["size"] = size
    case["steps"][0]["expect"] = {"orders": [{"id": "o01", "reason": "BAD_SIZE"}], "fills": []}

    paths = {difference.path.split(".")[0] for difference in golden.run(case, CONTENT["defaults"])}

    assert paths == {"final"}


def test_an_elimination_that_is_refused_is_a_difference() -> None:
    case = json.loads(json.dumps(CASES["G62"]))
    case["steps"][1]["outcomes"] = [0, 0]

    paths = [difference.path for difference in golden.run(case, CONTENT["defaults"])]

    assert "steps[1].eliminate.base_energy" in paths


def test_the_command_prints_each_difference_and_fails(tmp_path: Path) -> None:
    case = json.loads(json.dumps(CASES["G66"]))
    case["steps"][-1]["expect"]["paid"]["carol"] = "1.000000"
    file = tmp_path / "cases.json"
    file.write_text(json.dumps({**CONTENT, "cases": [CASES["G01"], case]}))
    out = StringIO()

    with pytest.raises(CommandError) as raised:
        call_command("golden", str(file), stdout=out)

    assert raised.value.returncode == 1
    assert out.getvalue().splitlines() == [
        "G66 steps[1].finalize.paid.carol: expected 1.000000, got None",
        "1 of 2",
    ]


def test_the_command_counts_the_cases() -> None:
    out = StringIO()

    call_command("golden", str(FILE), stdout=out)

    assert out.getvalue() == f"{COUNT} of {COUNT}\n"


def test_the_command_counts_the_cases_of_each_refusal_too() -> None:
    out = StringIO()

    call_command("golden", str(REFUSALS), stdout=out)

    assert out.getvalue() == "4 of 4\n"
    both = FILE.read_text() + REFUSALS.read_text()
    named = set(re.findall(r'"reason": "(\w+)"', both))
    assert named == {
        "INSUFFICIENT_FUNDS", "INSUFFICIENT_TOKENS", "FROZEN", "INACTIVE_OUTCOME", "BAD_SIZE",
        "BAD_PRICE", "SLIPPAGE", "ABOVE_PAR", "NO_LIQUIDITY",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("told", "is_right"),
    [
        ("0.0000001", True),
        ("0.000000", True),
        ("0.000001", True),
        ("0.000002", False),
        ("0.0000002", False),
        ("1", False),
    ],
)
def test_a_size_too_fine_for_money_is_told_as_written_or_rounded(told: str, is_right: bool) -> None:
    content = json.loads(REFUSALS.read_text())
    case = next(case for case in content["cases"] if case["id"] == "G-tiny")
    case["steps"][0]["expect"]["orders"][0]["remaining"] = told

    assert (golden.run(case, content["defaults"]) == []) == is_right
