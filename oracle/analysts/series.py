"""A reader of published numbers: the newest one that was out by now, as a level against F."""

from oracle.analysts.base import Brief
from oracle.core import bounds, levels
from oracle.core.quorum import Seat
from oracle.core.reports import LEVEL, NOTE_CLAMPED, Report

RULES = 1


class Series:
    """The reader of numbers. None is seen before its release: the brief is made as of a moment."""

    name = "series"
    version = f"series-{RULES}"

    def can_run(self) -> bool:
        """Return that it can: a straight line needs nothing."""
        return True

    def read(self, seat: Seat, brief: Brief) -> Report | None:
        """Return where the number puts the price; nothing without a number or a sensible level."""
        number, mapping = brief.number, brief.variable.mapping
        if number is None or mapping is None or number.released_at > brief.as_of:
            return None
        level_pico = mapping.level_pico(number.value_pico)
        if level_pico <= 0:
            return None
        change_pico = levels.change_pico(level_pico, brief.fundamental_pico)
        delta_pico, held = bounds.delta(change_pico)
        confidence_e8 = brief.variable.mapping_confidence_e8
        return Report(
            seat=seat.name,
            reader=self.name,
            sources=seat.sources,
            kind=LEVEL,
            delta_pico=delta_pico,
            confidence_e8=confidence_e8,
            stated_e8=confidence_e8,
            level_pico=level_pico,
            notes=(NOTE_CLAMPED,) if held else (),
        )
