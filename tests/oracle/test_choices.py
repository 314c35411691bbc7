"""Which runtime a network has: as set, as this host measured it, else the usual one."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from oracle.analysts import choices, here, nets, runtimes, weights
from oracle.analysts.choices import Choice
from oracle.services.model_process import unchanged
from tests.fakes import tiny_models

FASTEST = Choice(
    runtime=runtimes.TORCH,
    measured_at="2026-01-02T03:04:05+00:00",
    ms={runtimes.TORCH: 12.0, runtimes.TORCH_INT8: 34.5},
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ORACLE_MODELS_DIR = str(tmp_path)
    settings.ORACLE_RUNTIME = runtimes.AUTO
    return tmp_path


def test_without_a_measurement_it_is_the_usual_one() -> None:
    has_onnx = all(find_spec(one) for one in runtimes.ONNX_LIBRARIES)
    usual = runtimes.ONNX_INT8 if has_onnx else runtimes.TORCH_INT8
    assert runtimes.of("classifier", is_text=False) == usual
    assert runtimes.of("generator-tiny", is_text=True) == runtimes.TORCH_INT8


def test_what_this_host_found_fastest_is_taken(settings: Any) -> None:
    choices.write({"classifier": FASTEST, "generator-tiny": FASTEST}, runtimes.machine())
    assert runtimes.of("classifier", is_text=False) == runtimes.TORCH
    assert runtimes.of("generator-tiny", is_text=True) == runtimes.TORCH
    assert runtimes.of("nli", is_text=False) != runtimes.TORCH
    settings.ORACLE_RUNTIME = runtimes.TORCH_INT8
    assert runtimes.of("classifier", is_text=False) == runtimes.TORCH_INT8
    assert FASTEST.told() == "torch, measured 2026-01-02: torch 12 ms, torch-int8 34 ms"


def test_another_machine_s_figures_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    choices.write({"classifier": FASTEST}, "another+cpu")
    assert choices.chosen("classifier", runtimes.machine()) is None
    choices.write({"classifier": FASTEST}, runtimes.machine())
    assert choices.chosen("classifier", "another+cpu") == FASTEST
    monkeypatch.setattr(choices, "_version", lambda _library: "another version")
    assert choices.chosen("classifier", runtimes.machine()) is None


@pytest.mark.parametrize("body", ["", "[]", "{", '{"a": 1}'])
def test_a_file_that_says_nothing_is_no_choice(body: str) -> None:
    choices.path().write_text(body)
    assert choices.chosen("classifier", runtimes.machine()) is None
    choices.path().unlink()
    choices.write({"classifier": FASTEST}, runtimes.machine())
    assert choices.chosen("classifier", runtimes.machine()) == FASTEST


def test_a_new_measurement_starts_the_readers_anew(folder: Path) -> None:
    (folder / "classifier").mkdir()
    tiny_models.classifier(folder / "classifier")
    same = unchanged()
    assert same()
    choices.write({"classifier": FASTEST}, runtimes.machine())
    assert not same()
    with nets.using(here.Here()):
        fact = nets.fact("classifier")
    assert fact is not None
    assert fact.runtime == runtimes.TORCH
    assert fact.version == weights.fingerprint("classifier", runtimes.TORCH)
