"""Recompute a finished run from what was stored, and say whether every bit is the same."""

from dataclasses import dataclass

from oracle.analysts.registry import available
from oracle.models import Run
from oracle.services import reading, terms
from oracle.services.hashing import sha256_hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Both hashes of both computations, and what differs in the versions behind them."""

    stored_sha256: str
    replayed_sha256: str
    inputs_match: bool
    version_changes: tuple[str, ...]

    @property
    def is_identical(self) -> bool:
        """Whether the reports are the same, bit for bit, from the very same inputs."""
        return self.inputs_match and self.stored_sha256 == self.replayed_sha256


def replay(run: Run) -> Replay:
    """Return how a new reading of the stored evidence compares with the stored reading.

    Raises:  EvidenceChanged where a stored text is not what was hashed.
    """
    away = run.detail.get("away", ())
    made = reading.reports_from(run.spec, run.inputs, run.sources, away).made
    return Replay(
        stored_sha256=run.reports_sha256,
        replayed_sha256=reading.reports_sha256(made),
        inputs_match=sha256_hex([run.inputs, run.versions]) == run.inputs_sha256,
        version_changes=tuple(_changes(run)),
    )


def _changes(run: Run) -> list[str]:
    readers = available()
    changes = [
        f"{name}: {version} then, {readers[name].version if name in readers else 'absent'} now"
        for name, version in sorted(run.versions.get("readers", {}).items())
        if name not in readers or readers[name].version != version
    ]
    if run.versions.get("spec") != terms.spec_sha256(run.spec):
        changes.append("the specification's text differs")
    if run.versions.get("code") != reading.CODE_VERSION:
        changes.append(f"code {run.versions.get('code')} then, {reading.CODE_VERSION} now")
    return changes
