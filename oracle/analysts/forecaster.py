"""A reader of outside programs: what those with a record say now, as one report."""

from oracle.analysts.base import Brief
from oracle.core import bounds, forecasts
from oracle.core.quorum import Seat
from oracle.core.reports import DELTA, NOTE_CLAMPED, NOTE_QUIET, Report
from oracle.core.scoring import QUIET_E8

RULES = 1
NAME = "forecaster"


class Forecaster:
    """One seat for all of them, so that many names of one program are not many votes."""

    name = NAME
    version = f"{NAME}-{RULES}"

    def can_run(self) -> bool:
        """Return that it can: what was handed in lies in the database."""
        return True

    def read(self, seat: Seat, brief: Brief) -> Report | None:
        """Return the weighed change; nothing while nobody with a record says anything."""
        found = forecasts.combined(brief.forecasts)
        if found is None:
            return None
        delta_pico, held = bounds.delta(found[0])
        sure = bool(delta_pico) and found[1] >= brief.floor_e8
        notes = (NOTE_CLAMPED,) if held else ()
        return Report(
            seat=seat.name,
            reader=NAME,
            sources=seat.sources,
            kind=DELTA,
            delta_pico=delta_pico if sure else 0,
            confidence_e8=found[1] if sure else max(QUIET_E8, brief.floor_e8),
            stated_e8=found[1],
            notes=notes if sure else (*notes, NOTE_QUIET),
        )
