"""What a stated confidence is worth: a line through points that the past gave."""

from collections.abc import Sequence
from dataclasses import replace

from exchange.engines.rounding import clamp, div_floor
from exchange.engines.units import RATE
from oracle.core.reports import NOTE_CALIBRATED, NOTE_UNSURE, Report
from oracle.core.scoring import QUIET_E8

LABELS_MIN = 50
Points = Sequence[Sequence[int]]
IDENTITY: Points = ((0, 0), (RATE, RATE))


def shown_e8(points: Points, stated_e8: int) -> int:
    """Return what a stated confidence is worth.

    Units:   1e-8 in and out; points in rising order of what is stated.
    Rounds:  down between two points.
    Keeps:   0 <= answer <= 1e8; the identity returns what was stated.
    """
    assert points
    before = points[0]
    if stated_e8 <= before[0]:
        return clamp(before[1], 0, RATE)
    for after in points[1:]:
        if stated_e8 <= after[0]:
            rise = (after[1] - before[1]) * (stated_e8 - before[0])
            return clamp(before[1] + div_floor(rise, after[0] - before[0]), 0, RATE)
        before = after
    return clamp(before[1], 0, RATE)


def calibrated(report: Report, points: Points, floor_e8: int) -> Report:
    """Return the report with the confidence that its own past bears out.

    A claim that is worth less than the floor would not be counted: it is no news instead, and says
    so. A report of no change claims nothing and stays.
    """
    if not report.delta_pico:
        return report
    worth_e8 = shown_e8(points, report.stated_e8)
    if worth_e8 < floor_e8:
        return replace(
            report,
            delta_pico=0,
            confidence_e8=max(QUIET_E8, floor_e8),
            notes=(*report.notes, NOTE_UNSURE),
        )
    if worth_e8 == report.stated_e8:
        return report
    return replace(report, confidence_e8=worth_e8, notes=(*report.notes, NOTE_CALIBRATED))
