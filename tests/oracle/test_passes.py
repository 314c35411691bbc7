"""What stands beside a text never shows in its answer, whatever runs the network."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from oracle.analysts import here, nets, onnx_nets, passes, runtimes, weights
from tests.fakes import tiny_models

WORDS = tiny_models.SPEECH.split()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Iterator[Path]:
    settings.ORACLE_MODELS_DIR = str(tmp_path)
    (tmp_path / "classifier").mkdir()
    tiny_models.classifier(tmp_path / "classifier")
    with nets.using(here.Here()):
        yield tmp_path


def texts(seed: int, count: int) -> list[str]:
    random = Random(seed)
    return [" ".join(random.choices(WORDS, k=random.randint(1, 40))) for _ in range(count)]


@pytest.mark.parametrize("runtime", runtimes.CHOICES[1:])
def test_an_answer_is_the_same_alone_and_in_any_company(settings: Any, runtime: str) -> None:
    settings.ORACLE_RUNTIME = runtime
    nets.look()
    asked = texts(1, 23)
    _, together = nets.read("classifier", asked)
    assert [nets.read("classifier", [text])[1][0] for text in asked] == together
    shuffled = Random(2).sample(asked, len(asked))
    answers = dict(zip(asked, together, strict=True))
    _, again = nets.read("classifier", shuffled + shuffled[:5])
    assert again == [answers[text] for text in shuffled + shuffled[:5]]


def test_each_runtime_is_a_version_of_its_own(settings: Any) -> None:
    versions = set()
    for runtime in runtimes.CHOICES[1:]:
        settings.ORACLE_RUNTIME = runtime
        assert here.runtime_of("classifier") == runtime
        nets.look()
        (row,) = nets.read("classifier", ["output surged"])[1]
        assert sum(row) == pytest.approx(10**6, abs=2)
        versions.add(nets.version("classifier"))
    assert len(versions) == len(runtimes.CHOICES) - 1


def test_a_model_without_an_export_runs_in_torch(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ORACLE_RUNTIME = "onnx-int8"
    monkeypatch.setattr(onnx_nets, "DIFFERENCE_MAX", -1.0)
    nets.look()
    assert here.runtime_of("classifier") == runtimes.TORCH_INT8
    assert weights.fingerprint("classifier", runtimes.TORCH_INT8) == nets.version("classifier")
    assert nets.read("classifier", ["output surged"])[1]


class Leaky:
    """A network in which a row's answer depends on the row before it."""

    keeps_rows_apart = False

    def __init__(self) -> None:
        self.shapes: list[tuple[int, int]] = []

    def logits(self, ids: list[list[int]], mask: list[list[int]]) -> list[list[float]]:
        self.shapes.append((len(ids), len(ids[0])))
        return [[float(sum(sum(row) for row in ids))] for _ in mask]


def test_rows_that_leak_are_found_and_read_one_by_one() -> None:
    leaky = Leaky()
    assert not passes.rows_are_apart(leaky, 100)
    leaky.shapes.clear()
    found = passes.answers(leaky, [[1, 2], [3], [1, 2]], pad=0, longest=64)
    assert found == [[3.0], [3.0], [3.0]]
    assert sorted(leaky.shapes) == [(1, 1), (1, 2)]


def test_passes_have_a_fixed_shape_where_rows_keep_apart() -> None:
    leaky = Leaky()
    leaky.keeps_rows_apart = True
    passes.answers(leaky, [[1] * n for n in (1, 15, 16, 17, 50)], pad=0, longest=50)
    assert set(leaky.shapes) == {(4, 16), (4, 32), (4, 50)}
