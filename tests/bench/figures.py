"""The line a benchmark prints, and the arithmetic behind its figures."""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

DIGITS = 4
# A run whose limit itself moved more than this between rounds says little about anything.
LIMIT_SPREAD_MAX = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure of a benchmark, and the limit it is held against where there is one."""

    measure: str
    case: str
    value: float
    unit: str
    rounds: int
    limit: float | None = None

    def to_mapping(self) -> dict[str, str | float | None]:
        """Return the figure as it is printed, with the ratio of value to limit."""
        return {
            "measure": self.measure,
            "case": self.case,
            "value": rounded(self.value),
            "unit": self.unit,
            "limit": None if self.limit is None else rounded(self.limit),
            "ratio": rounded(self.value / self.limit) if self.limit else None,
            "rounds": self.rounds,
        }


def line(bench: str, measures: Iterable[Measure]) -> str:
    """Return one benchmark's results as one line of JSON."""
    return json.dumps({"bench": bench, "results": [m.to_mapping() for m in measures]})


class Rounds:
    """What each round measured, by name; a figure is the median over the rounds."""

    def __init__(self, suffix: str = "") -> None:
        self.suffix = suffix
        self._values: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, name: str, value: float) -> None:
        """Note one round's figure."""
        self._values[name].append(value)

    def median(self, name: str) -> float:
        """Return the median over the rounds."""
        return median(self._values[name])

    def measure(
        self, measure: str, case: str, name: str, unit: str, limit: str | None = None
    ) -> Measure:
        """Return the figure `name`, held against the figure `limit`."""
        if limit is not None:
            self._warn(limit)
        return Measure(
            measure=measure,
            case=f"{case}{self.suffix}",
            value=self.median(name),
            unit=unit,
            rounds=len(self._values[name]),
            limit=None if limit is None else self.median(limit),
        )

    def _warn(self, name: str) -> None:
        spread = max(self._values[name]) / max(min(self._values[name]), 1e-9)
        if spread > LIMIT_SPREAD_MAX:
            say(f"not to be quoted: {name} itself varied {spread:.1f} times between rounds")


def percentile(samples: Sequence[float], share: float) -> float:
    """Return the smallest sample that at least `share` of all samples do not exceed."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def rounded(value: float) -> float:
    """Return four significant digits."""
    return float(f"{value:.{DIGITS}g}")


def say(words: str) -> None:
    """Tell whoever watches; standard output belongs to the one line."""
    sys.stderr.write(f"{words}\n")
