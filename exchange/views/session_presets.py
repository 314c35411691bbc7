"""The presets of sessions as the set-up form shows them: the four modes as drawn lines."""

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.engines.units import MICRO
from exchange.services.sessions import presets
from exchange.views import session_shapes as shapes

PRESETS, QUICK = presets.PRESETS, presets.QUICK


@dataclass(frozen=True, slots=True)
class ModeCard:
    """A mode of impact as two lines: what buying one outcome does to it, and to the others.

    All modes share both scales, so that they can be compared.
    """

    name: str
    label: str
    words: str
    own: str
    cross: str
    own_pico: int
    cross_pico: int


# The own price rises from this height; the others fall from below it.
OWN_Y, GAP_Y = 130, 16


def mode_cards(n_outcomes: int, z_micro: int) -> list[ModeCard]:
    """Return the modes as they would act in a session of this size."""
    found = presets.mode_impacts(n_outcomes, z_micro)
    own = max(mode.impact.own_pico[-1] - mode.impact.own_pico[0] for mode in found)
    cross = max(mode.impact.cross_pico[0] - mode.impact.cross_pico[-1] for mode in found)
    return [
        ModeCard(
            mode.name,
            mode.label,
            mode.words,
            _course(mode.impact.own_pico, OWN_Y, -OWN_Y, own),
            _course(mode.impact.cross_pico, OWN_Y + GAP_Y, shapes.HEIGHT - OWN_Y - GAP_Y, -cross),
            mode.impact.own_pico[-1] - mode.impact.own_pico[0],
            mode.impact.cross_pico[-1] - mode.impact.cross_pico[0],
        )
        for mode in found
    ]


def _course(prices: Sequence[int], zero: int, room: int, most: int) -> str:
    """Draw how a price moves away from where it began: `most` fills the room from `zero` on."""
    last = len(prices) - 1
    return " ".join(
        f"{shapes.WIDTH * n // last},{zero + room * (price - prices[0]) // (most or 1)}"
        for n, price in enumerate(prices)
    )


FUND_DEFAULT_MICRO = 10_000 * MICRO
