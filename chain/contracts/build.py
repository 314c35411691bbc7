"""Compiles our contracts with the pinned Vyper; the result is committed beside the sources."""

import json
from pathlib import Path

import vyper

from chain.contracts import NAMES

HERE = Path(__file__).parent


def compiled(name: str) -> str:
    """Return the artifact of `name` as the text that is committed."""
    source = (HERE / f"{name}.vy").read_text()
    # Without metadata the bytes depend on the source and the compiler alone, not on where it lay.
    parts = vyper.compile_code(
        source, output_formats=["abi", "bytecode"], no_bytecode_metadata=True
    )
    artifact = {
        "name": name,
        "compiler": f"vyper {vyper.__version__.partition('+')[0]}",
        "abi": parts["abi"],
        "bytecode": parts["bytecode"],
    }
    return json.dumps(artifact, indent=1) + "\n"


def build() -> None:
    """Write every artifact anew."""
    for name in NAMES:
        (HERE / f"{name}.json").write_text(compiled(name))


if __name__ == "__main__":
    build()
