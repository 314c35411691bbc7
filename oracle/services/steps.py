"""One run as cards and calibrations judge it, whether it was played or lived."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from oracle.core import outcomes
from oracle.core.reports import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a run said and did. `told` has the sources of each story that it read.

    `labels` are what people said that it meant, as [when, sign], oldest first; `run` is a lived
    one's key. `cost_micro` is what a lived run paid, and what a played one would have paid at most.
    """

    at: datetime
    reports: tuple[Report, ...]
    told: Mapping[int, tuple[str, ...]]
    applied: bool
    before_pico: int
    after_pico: int
    level_pico: int | None
    latency_ms: int
    cost_micro: int = 0
    run: int = 0
    labels: tuple[tuple[datetime, int], ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)


def label_of(step: Step, until: datetime) -> int | None:
    """Return the sign that a person gave a step by then, the newest where there are several."""
    return next((sign for at, sign in reversed(step.labels) if at <= until), None)


def path_of(steps: Sequence[Step]) -> list[outcomes.Point]:
    """Return the way of F through the steps."""
    return [
        outcomes.Point(
            at_s=int(one.at.timestamp()), before_pico=one.before_pico, after_pico=one.after_pico
        )
        for one in steps
    ]
