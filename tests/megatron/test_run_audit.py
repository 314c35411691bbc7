"""run.py check looks packages up among known vulnerabilities, and says when it could not."""

import importlib.util
import json
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOUND = {"name": "django", "version": "5.2.19", "vulns": []}
BAD = {"name": "django", "version": "5.2.1", "vulns": [{"id": "PYSEC-2026-1"}]}
SKIPPED = {"name": "web3", "skip_reason": "not found"}


@pytest.fixture(scope="module")
def run() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_py", ROOT / "run.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize(
    ("rows", "is_sound", "words"),
    [
        ([SOUND], True, ""),
        ([SOUND, BAD], False, "django 5.2.1: PYSEC-2026-1"),
        ([SOUND, SKIPPED], True, "1 of 2 packages could not be looked up"),
        ([SKIPPED, SKIPPED], True, "NOTHING WAS AUDITED"),
        ([SKIPPED, BAD], False, "PYSEC-2026-1"),
        (None, True, "NOTHING WAS AUDITED"),
    ],
)
def test_vulnerable_packages_fail_and_silence_is_loud(  # noqa: PLR0917 (fixtures and a row)
    run: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    rows: list[dict[str, Any]] | None,
    is_sound: bool,
    words: str,
) -> None:
    answer = "" if rows is None else json.dumps({"dependencies": rows})
    asked: list[list[str]] = []

    def audited(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, answer, "")

    monkeypatch.setattr(run.subprocess, "run", audited)
    assert run.packages_are_sound() is is_sound
    assert words in capsys.readouterr().out
    assert all(str(run.LAYERS / f"{name}.txt") in asked[0] for name in run.LOCKS)
