"""Which files of a model are right: the catalogue's sums, else those of the lock file.

The lock file lies beside the models, so that it can be copied to other hosts before they fetch.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

from oracle.analysts import weights
from oracle.analysts.weights import Model

LOCK = "lock.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One revision of a repository, and the SHA-256 of each of its files that we take."""

    repository: str
    revision: str
    sha256: Mapping[str, str]


class LockBroken(Exception):
    """The lock file is there and says nothing that can be understood."""


def lock_path() -> Path:
    """Return where the lock file lies, or would lie."""
    return Path(settings.ORACLE_MODELS_DIR) / LOCK


def pin_of(name: str, model: Model) -> Pin | None:
    """Return what is known to be right of a model; nothing where nobody has said so.

    Raises:  LockBroken.
    """
    if model.sha256:
        return Pin(repository=model.repository, revision=model.revision, sha256=model.sha256)
    said = _lock().get(name)
    return said if said and said.repository == model.repository else None


def pin(name: str, made: Pin) -> None:
    """Keep from now on to these files. Raises LockBroken."""
    rows = {key: asdict(one) for key, one in (_lock() | {name: made}).items()}
    path = lock_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(rows, indent=2, sort_keys=True) + "\n")
    fresh.replace(path)


def unlike(name: str, model: Model, sums: Mapping[str, str]) -> list[str]:
    """Return the files that are not what they were said to be. Raises LockBroken."""
    right = pin_of(name, model)
    if right is None:
        return []
    return sorted(file for file, sum_ in right.sha256.items() if sums.get(file) != sum_)


def sums_of(name: str) -> dict[str, str]:
    """Return the sums that a model's manifest names; none where there is no manifest."""
    try:
        said = json.loads((weights.folder(name) / weights.MANIFEST).read_text())["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {str(file): str(sum_) for file, sum_ in said.items()}


def _lock() -> dict[str, Pin]:
    try:
        said = json.loads(lock_path().read_text())
        return {name: Pin(**row) for name, row in said.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise LockBroken(f"{lock_path()} is no lock file") from error
