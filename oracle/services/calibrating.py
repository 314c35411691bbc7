"""Learn what readers' confidence is worth, from claims whose outcome was known by then.

Pooled is what one reader in one version claimed under one version of a market's specification, and
nothing else: other words, other weights or another market make another confidence. Many claims
share one outcome (every run until the next number; every run of one horizon), so an outcome weighs
as one however many claims it judged, and is what is counted.
"""

import importlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from exchange.engines.units import RATE
from oracle.core import calibration, outcomes
from oracle.core.calibration import Points
from oracle.models import Calibration, OracleSpec, Schedule
from oracle.services import lived, numbers
from oracle.services.hashing import sha256_hex
from oracle.services.steps import Step, label_of, path_of

HORIZON_S = 86_400
REFIT = timedelta(days=7)
# Below this many outcomes isotonic steps follow single cases; a line on the log odds does not.
ISOTONIC_MIN = 1_000
GRID = tuple(RATE * n // 100 for n in range(101))
# Points are kept to a hundredth of a per cent: what lies below is the fit's own noise.
GRAIN_E8 = RATE // 10_000
STEEPNESS_MAX = 20.0
EDGE = 1e-3
BEGINNING_DAYS = 20 * 365

Method = Calibration.Method
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Label:
    """One claim of a direction, whether it came true, and by which outcome."""

    stated_e8: int
    hit: bool
    outcome: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What was learnt, from how many outcomes and claims."""

    method: str
    labels: int
    claims: int
    points: Points


def labels_of(
    spec: OracleSpec,
    steps: Sequence[Step],
    known: Sequence[outcomes.Released],
    until: datetime,
    horizon_s: int,
) -> dict[Key, list[Label]]:
    """Return the labels of each reader and version that could be known at `until`.

    In a market without a published number a person's word counts before F's own later move, and
    their "no change" proves a direction wrong.

    Keeps:   steps and numbers after `until` change nothing, whether they are handed in or not.
    """
    until_s = int(until.timestamp())
    past = [step for step in steps if step.at <= until]
    path = path_of(past)
    out = [one for one in known if one.released_s <= until_s]
    found: dict[Key, list[Label]] = {}
    for place, step in enumerate(past):
        at_s = path[place].at_s
        said = None if spec.kind == OracleSpec.Kind.LEVEL else label_of(step, until)
        if spec.kind == OracleSpec.Kind.LEVEL:
            number = outcomes.next_number(out, at_s)
            outcome = number.observed_s if number else 0
            truth = outcomes.next_change(out, at_s, step.before_pico)
        elif said is not None:
            # a person's word is an outcome of its own, and shares no number with a horizon
            outcome, truth = -step.run, said
        else:
            outcome = at_s // horizon_s
            truth = outcomes.own_change(path, place, horizon_s)
        if truth is None or (truth == 0 and said is None):
            continue
        for report in step.reports:
            if report.delta_pico:
                key = (report.reader, step.versions.get(report.reader, ""))
                hit = (report.delta_pico > 0) == (truth > 0) and truth != 0
                found.setdefault(key, []).append(Label(report.stated_e8, hit, outcome))
    return found


def fit(labels: Sequence[Label]) -> Fitted:
    """Return what the labels teach: nothing below 50 outcomes, a line up to 1,000, then steps."""
    shared = Counter(label.outcome for label in labels)
    count = len(shared)
    if count < calibration.LABELS_MIN:
        method, points = Method.IDENTITY, calibration.IDENTITY
    else:
        weights = [1 / shared[label.outcome] for label in labels]
        isotonic = count >= ISOTONIC_MIN
        method = Method.ISOTONIC if isotonic else Method.PLATT
        curve = (_isotonic if isotonic else _platt)(labels, weights)
        points = tuple(
            (at, round(share * RATE / GRAIN_E8) * GRAIN_E8)
            for at, share in zip(GRID, curve, strict=True)
        )
    return Fitted(method=method, labels=count, claims=len(labels), points=points)


def refit_due(now: datetime) -> int:
    """Learn anew for every market that did not for a week; return for how many."""
    due = [
        row.spec
        for row in Schedule.objects.select_related("spec").order_by("market_id")
        if not Calibration.objects.filter(
            spec=row.spec, known_until__gt=now - REFIT, known_until__lte=now
        ).exists()
    ]
    return sum(bool(refit(spec, now)) for spec in due)


def refit(spec: OracleSpec, now: datetime, horizon_s: int = HORIZON_S) -> list[Calibration]:
    """Keep what each reader's claims teach by `now`; a run names the row that it used.

    Keeps:   a row is never changed; runs made before it keep theirs.
    """
    steps = lived.steps(spec, now - timedelta(days=BEGINNING_DAYS), now)
    if not steps:
        return []
    known = numbers.released(spec, steps[0].at, now)
    found = labels_of(spec, steps, known, now, horizon_s)
    newest = dict(steps[-1].versions)
    return [
        kept
        for reader, version in sorted(newest.items())
        if (kept := _kept(spec, reader, version, fit(found.get((reader, version), [])), now))
    ]


def points_of(row: Calibration) -> Points:
    """Return a row's points, checked against the hash it was stored under.

    Raises:  ValueError where they were changed.
    """
    if _sha256(row.method, row.points) != row.sha256:
        raise ValueError(f"calibration {row.pk} is not what was stored")
    points: Points = row.points
    return points


def in_force(spec: OracleSpec, at: datetime, versions: Mapping[str, str]) -> dict[str, int]:
    """Return the key of the calibration of each reader as of a moment; none is the identity."""
    rows = Calibration.objects.filter(
        spec=spec, reader__in=versions, reader_version__in=versions.values(), known_until__lte=at
    )
    newest = rows.order_by("reader", "reader_version", "-known_until", "-id").distinct(
        "reader", "reader_version"
    )
    seen = newest.values_list("reader", "reader_version", "method", "pk")
    return {
        reader: pk
        for reader, version, method, pk in seen
        if versions[reader] == version and method != Method.IDENTITY
    }


def _kept(
    spec: OracleSpec, reader: str, version: str, fitted: Fitted, now: datetime
) -> Calibration | None:
    points = [list(point) for point in fitted.points]
    try:
        with transaction.atomic():
            return Calibration.objects.create(
                market_id=spec.market_id,
                spec=spec,
                reader=reader,
                reader_version=version,
                method=fitted.method,
                labels=fitted.labels,
                claims=fitted.claims,
                points=points,
                known_until=now,
                sha256=_sha256(fitted.method, points),
            )
    except IntegrityError:
        return None  # somebody learnt the same at the same instant


def _sha256(method: str, points: Any) -> str:
    return sha256_hex([method, [list(point) for point in points]])


def _platt(labels: Sequence[Label], weights: Sequence[float]) -> list[float]:
    """Fit a line on the log odds, its targets drawn in as Platt's are; it never falls."""
    total = sum(weights)
    good = sum(w for w, label in zip(weights, labels, strict=True) if label.hit)
    high, low = (good + 1) / (good + 2), 1 / (total - good + 2)
    rows, targets, shares = [], [], []
    for label, weight in zip(labels, weights, strict=True):
        target = high if label.hit else low
        for came, share in ((1, target), (0, 1 - target)):
            rows.append([_log_odds(label.stated_e8 / RATE)])
            targets.append(came)
            shares.append(weight * share)
    library = importlib.import_module("sklearn.linear_model")
    line = library.LogisticRegression(C=1e6, tol=1e-10, max_iter=1_000)
    line.fit(rows, targets, sample_weight=shares)
    slope, base = float(line.coef_[0][0]), float(line.intercept_[0])
    if slope <= 0:
        # More confidence did not mean more truth: every claim is worth what all were worth.
        return [(good + 1) / (total + 2)] * len(GRID)
    return [_share(slope * _log_odds(at / RATE) + base) for at in GRID]


def _isotonic(labels: Sequence[Label], weights: Sequence[float]) -> list[float]:
    library = importlib.import_module("sklearn.isotonic")
    steps = library.IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    stated = [label.stated_e8 / RATE for label in labels]
    steps.fit(stated, [float(label.hit) for label in labels], sample_weight=list(weights))
    return [float(share) for share in steps.predict([at / RATE for at in GRID])]


def _log_odds(share: float) -> float:
    held = min(1 - EDGE, max(EDGE, share))
    return math.log(held / (1 - held))


def _share(odds: float) -> float:
    return 1 / (1 + math.exp(-max(-STEEPNESS_MAX, min(STEEPNESS_MAX, odds))))
