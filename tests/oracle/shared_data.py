"""Where the real data lies that tests may read and the repository does not carry."""

import os
from pathlib import Path

import pytest

FOLDER = Path(
    os.environ.get("MEGATRON_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
)


def shared(name: str) -> Path:
    """Return the path of a file of real data; skip the test, saying so, where there is none."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{name} is not at hand (MEGATRON_DATA names its folder)")
    return path
