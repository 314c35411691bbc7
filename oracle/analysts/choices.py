"""Which runtime this host found fastest for each kind of network: what a benchmark wrote down.

`manage.py bench readers` writes it beside the models. It is believed on the machine and under the
libraries it was measured with, and nowhere else.
"""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from django.conf import settings

FILE = "runtimes.json"
LIBRARIES = ("torch", "transformers", "onnx", "onnxruntime")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The fastest runtime of one kind, when that was measured, and each one's milliseconds."""

    runtime: str
    measured_at: str
    ms: Mapping[str, float]

    def told(self) -> str:
        """Return it in words."""
        figures = ", ".join(f"{name} {ms:.0f} ms" for name, ms in sorted(self.ms.items()))
        return f"{self.runtime}, measured {self.measured_at[:10]}: {figures}"


def path() -> Path:
    """Return where the choices of hosts lie."""
    return Path(settings.ORACLE_MODELS_DIR) / FILE


def chosen(kind: str, machine: str) -> Choice | None:
    """Return what was found fastest here; nothing where it was not measured, or elsewhere."""
    try:
        row = _rows(path(), path().stat().st_mtime_ns)[_here(machine)][kind]
        return Choice(
            runtime=str(row["runtime"]), measured_at=str(row["measured_at"]), ms=row["ms"]
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write(found: Mapping[str, Choice], machine: str) -> None:
    """Keep what was found on this host, beside what others found."""
    try:
        rows = dict(_rows(path(), path().stat().st_mtime_ns))
    except (OSError, ValueError, TypeError):
        rows = {}
    rows[_here(machine)] = {kind: asdict(one) for kind, one in found.items()}
    path().parent.mkdir(parents=True, exist_ok=True)
    fresh = path().with_suffix(".new")
    fresh.write_text(json.dumps(rows, indent=2, sort_keys=True) + "\n")
    fresh.replace(path())


def _here(machine: str) -> str:
    return "|".join((platform.node(), machine, *map(_version, LIBRARIES)))


@lru_cache(maxsize=4)
def _rows(place: Path, _stamp: int) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = json.loads(place.read_text())
    return rows


@lru_cache
def _version(library: str) -> str:
    try:
        return installed(library)
    except PackageNotFoundError:
        return "absent"
