"""What a position is worth if it is closed now, and the market's published health."""

from dataclasses import dataclass

from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.units import RATE
from exchange.engines.variable import curve
from exchange.engines.variable.book import Book
from exchange.engines.variable.config import Config
from exchange.engines.variable.curve import PRICE, TWICE, worst_exact
from exchange.engines.variable.settlement import advance
from exchange.engines.variable.shorts import cover_gross
from exchange.engines.variable.state import MarketState, Trader


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The figures of section 15; None where there is nothing to compare with.

    Coverage is Phi/(L*M), the reserve ratio pool/A, both rounded down; the parts of the two caps
    that longs have used, and of the two that shorts have used, are rounded up.
    """

    coverage_e8: int | None
    reserve_e8: int | None
    interest_used_e8: int
    capital_used_e8: int
    oracle_age_s: int
    clamped: bool
    short_interest_used_e8: int = 0
    short_capital_used_e8: int = 0


def exit_value(config: Config, state: MarketState, trader: Trader, now_s: int) -> int:
    """Return what closing the whole position would pay now, after the base fee.

    A short is worth its escrow less what covering it costs; that may be less than nothing.

    Units:   micro-USDC.
    Rounds:  down.
    Source:  specification, section 15.
    """
    book = Book(config, state, {}, {}, now_s)
    advance(book)
    if trader.shares_nano < 0:
        return trader.escrow_micro - cover_gross(book, -trader.shares_nano)[1]
    value = curve.proceeds(book.price, book.k, trader.shares_nano)
    return value - min(value, div_ceil(value * config.fee_e8, RATE))


def health(config: Config, state: MarketState, now_s: int) -> Health:
    """Return coverage, reserve ratio, use of the caps and the oracle's age."""
    notional = 2 * state.long_nano * state.price_exact
    free = max(state.free_capital_exact, 0)
    interest = config.theta_e8 * state.f_pico * PRICE
    needed = config.kappa_open_e8 * notional
    equity = state.equity_exact
    worst = worst_exact(state.p0_pico, state.k_atto, state.short_nano)
    return Health(
        coverage_e8=div_floor(free * RATE, notional) if notional else None,
        reserve_e8=_ratio(state.pool_micro * TWICE, state.payout_exact),
        interest_used_e8=_used(state.k_atto * state.long_nano * RATE, interest),
        capital_used_e8=_used(needed, free * RATE),
        oracle_age_s=max(0, now_s - state.last_oracle_s),
        clamped=state.clamped,
        short_interest_used_e8=_used(state.k_atto * state.short_nano * RATE, interest),
        short_capital_used_e8=_used(worst * RATE, config.phi_short_e8 * max(equity, 0)),
    )


def _ratio(part: int, whole: int) -> int | None:
    return div_floor(part * RATE, whole) if whole > 0 else None


def _used(part: int, whole: int) -> int:
    if part == 0:
        return 0
    return div_ceil(part * RATE, whole) if whole > 0 else RATE
