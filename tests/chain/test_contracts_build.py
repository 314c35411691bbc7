from pathlib import Path

import pytest

from chain import contracts
from chain.contracts import NAMES, artifact
from chain.contracts.build import compiled

HERE = Path(contracts.__file__).parent


@pytest.mark.parametrize("name", NAMES)
def test_recompiling_gives_the_committed_bytes(name: str) -> None:
    assert compiled(name) == (HERE / f"{name}.json").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_artifacts_carry_code_and_interface(name: str) -> None:
    found = artifact(name)

    assert found.name == name
    assert len(found.bytecode) > 500
    assert {part["type"] for part in found.abi} & {"function"}


def test_sources_and_artifacts_are_the_named_ones() -> None:
    sources = sorted(path.stem for path in HERE.glob("*.vy"))
    artifacts = sorted(path.stem for path in HERE.glob("*.json"))

    assert sources == artifacts == sorted(NAMES)
