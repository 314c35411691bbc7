"""The surcharge on opening legs and the parts of a purchase, each rounded for the pool."""

from exchange.engines.rounding import clamp, div_ceil, div_floor, root_ceil
from exchange.engines.units import RATE
from exchange.engines.variable.book import Book
from exchange.engines.variable.config import Config

BUYS = 1
SELLS = -1
DAY_S = 86_400

# Digits for the root in the staleness part: 32 beyond a rate's eight.
FINE = 10**32


def surcharge(book: Book, side: int) -> int:
    """Return the surcharge rate of opening legs on one side, worked out once per oracle event.

    Units:   1e-8.
    Rounds:  up.
    Source:  specification, section 10.
    """
    rate = book.surcharges.get(side)
    if rate is None:
        late_s = max(0, book.now_s - book.last_oracle_s - book.config.interval_s)
        rate = surcharge_e8(book.config, book.f, book.target, side=side, late_s=late_s)
        book.surcharges[side] = rate
    return rate


def surcharge_e8(config: Config, f_pico: int, target_pico: int, *, side: int, late_s: int) -> int:
    """Return the surcharge for a lag of F behind T and an oracle that is `late_s` overdue."""
    stale = _stale_fine(config, late_s)
    lag = config.lag_gamma_e8 * side * (target_pico - f_pico) - config.lag_free_e8 * f_pico
    total = stale * f_pico + max(0, lag) * FINE
    return clamp(div_ceil(total, f_pico * FINE), 0, config.fee_max_e8 - config.fee_e8)


def _stale_fine(config: Config, late_s: int) -> int:
    if late_s <= 0:
        return 0
    # eta * sigma * sqrt(late/day) as one root, in 1e-40; the two rates bring 1e-32 under the root
    scale = FINE * FINE * RATE * RATE
    square = (config.stale_eta_e8 * config.sigma_ref_e8) ** 2 * late_s * scale
    root = root_ceil(div_ceil(square, DAY_S * RATE**4))
    return min(root, config.stale_cap_e8 * FINE)


def purchase_parts(amount: int, fee_e8: int, surcharge_rate: int) -> tuple[int, int, int]:
    """Return base fee, surcharge and what is left for shares out of a gross amount.

    Units:   micro-USDC.
    Rounds:  both fees up.
    """
    base = div_ceil(amount * fee_e8, RATE)
    extra = div_ceil(amount * surcharge_rate, RATE)
    return base, extra, amount - base - extra


def purchase_fees(cost: int, fee_e8: int, surcharge_rate: int) -> tuple[int, int]:
    """Return base fee and surcharge on top of what the shares of a purchase cost.

    Units:   micro-USDC.
    Rounds:  both up, each from the exact gross amount cost / (1 - fee - surcharge).
    """
    rest = RATE - fee_e8 - surcharge_rate
    return div_ceil(cost * fee_e8, rest), div_ceil(cost * surcharge_rate, rest)


def amount_within(net_max: int, fee_e8: int, surcharge_rate: int) -> int:
    """Return the largest gross amount that leaves at most `net_max` for shares.

    Units:   micro-USDC.
    """
    rest = RATE - fee_e8 - surcharge_rate
    amount = div_floor(net_max * RATE, rest) + 3
    while purchase_parts(amount, fee_e8, surcharge_rate)[2] > net_max:
        amount -= 1
    return amount
