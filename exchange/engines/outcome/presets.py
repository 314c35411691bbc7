"""The four modes of impact: own impact is tuned by the depth of the pools, cross impact by zeta."""

from collections.abc import Mapping
from dataclasses import dataclass

from exchange.engines.outcome.parameters import RATIO
from exchange.engines.outcome.scales import RATE
from exchange.engines.rounding import div_floor
from exchange.engines.units import MICRO, format_fixed

_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Mode:
    """How much of the fund makes depth, and how close the coupling comes to a full share."""

    depth_percent: int
    coupling_percent: int


HIGH_OWN_LOW_CROSS = "high_own_low_cross"
LOW_OWN_HIGH_CROSS = "low_own_high_cross"
HIGH_OWN_HIGH_CROSS = "high_own_high_cross"
LOW_OWN_LOW_CROSS = "low_own_low_cross"

MODES: Mapping[str, Mode] = {
    HIGH_OWN_LOW_CROSS: Mode(depth_percent=40, coupling_percent=5),
    LOW_OWN_HIGH_CROSS: Mode(depth_percent=100, coupling_percent=95),
    HIGH_OWN_HIGH_CROSS: Mode(depth_percent=40, coupling_percent=95),
    LOW_OWN_LOW_CROSS: Mode(depth_percent=100, coupling_percent=5),
}


def preset(mode: str, *, n_outcomes: int, z_micro: int) -> dict[str, str]:
    """Return the parameters of a mode as text for `Config.parse`, for a market of this size.

    A coupling of 100 % would be zeta = 1/N, beyond which more has no effect.

    Rounds:  both down.
    Raises:  KeyError for a name that is not in MODES.
    """
    chosen = MODES[mode]
    q0 = div_floor(z_micro * chosen.depth_percent, 2 * n_outcomes * _PERCENT)
    zeta = div_floor(RATE * chosen.coupling_percent, n_outcomes * _PERCENT)
    return {
        "n_outcomes": str(n_outcomes),
        "z": format_fixed(z_micro, len(str(MICRO)) - 1),
        "q0": format_fixed(q0, len(str(MICRO)) - 1),
        "zeta_start": format_fixed(zeta, RATIO),
    }
