"""The headline price D and the window of traded value that weighs it; nothing executes at D."""

from exchange.engines.rounding import clamp, div_even
from exchange.engines.units import RATE
from exchange.engines.variable.config import Config
from exchange.engines.variable.curve import PRICE
from exchange.engines.variable.state import Window


def display(config: Config, price: int, f_pico: int, volume_micro: int) -> tuple[int, int]:
    """Return D and the weight w of the market price in it.

    Units:   price in 1e-27; D in pico, w in 1e-8.
    Rounds:  both half to even; D is taken of the exact weight.
    Source:  specification, section 15.
    """
    base = volume_micro + config.v0_micro
    weight = config.w_base_e8 * base + config.w_span_e8 * volume_micro
    weight = clamp(weight, config.w_lo_e8 * base, config.w_hi_e8 * base)
    whole = RATE * base
    blend = weight * price + (whole - weight) * f_pico * PRICE
    return div_even(blend, whole * PRICE), div_even(weight, base)


def volume(window: Window) -> int:
    """Return the value traded inside the window."""
    return sum(micro for _, micro in window)


def slide(window: Window, since_s: int) -> Window:
    """Return the window without what was traded at `since_s` or before."""
    if not window or window[0][0] > since_s:
        return window
    return tuple(pair for pair in window if pair[0] > since_s)


def extended(window: Window, at_s: int, traded_micro: int) -> Window:
    """Return the window with what was traded at `at_s`, one pair per second."""
    if traded_micro == 0:
        return window
    if window and window[-1][0] == at_s:
        return (*window[:-1], (at_s, window[-1][1] + traded_micro))
    return (*window, (at_s, traded_micro))
