"""Our contracts: the committed ABI and bytecode of each, read without a compiler."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

NAMES = ("TestUSD", "Disperse", "Sweeper")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """What is needed to deploy a contract and to talk to it."""

    name: str
    abi: tuple[dict[str, Any], ...]
    bytecode: bytes


@cache
def artifact(name: str) -> Artifact:
    """Return the committed artifact of `name`."""
    parts = json.loads((Path(__file__).parent / f"{name}.json").read_text())
    return Artifact(
        name=name,
        abi=tuple(parts["abi"]),
        bytecode=bytes.fromhex(parts["bytecode"].removeprefix("0x")),
    )
