"""How far a report may go, whoever wrote it. The market has tighter caps of its own."""

from exchange.engines.rounding import clamp
from exchange.engines.units import PICO

DELTA_MAX_PICO = 3 * PICO // 10


def delta(delta_pico: int) -> tuple[int, bool]:
    """Return the change held inside +-30 %, and whether it had to be."""
    held = clamp(delta_pico, -DELTA_MAX_PICO, DELTA_MAX_PICO)
    return held, held != delta_pico
