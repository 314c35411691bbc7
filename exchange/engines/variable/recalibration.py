"""A new slope for the curve at an unchanged price, paid for by the providers."""

from exchange.engines.engine import Refusal
from exchange.engines.rounding import clamp, div_ceil, div_even, div_floor
from exchange.engines.units import RATE
from exchange.engines.variable import frontier as fr
from exchange.engines.variable.book import Book
from exchange.engines.variable.commands import Recalibrate
from exchange.engines.variable.config import Config
from exchange.engines.variable.curve import PRICE, TWICE
from exchange.engines.variable.liquidation import below_maintenance
from exchange.engines.variable.results import Applied
from exchange.engines.variable.state import ACTIVE, MarketState, Trader

# the slope may move by a tenth in a day
DAY_STEP = 10


def recalibrate(book: Book, command: Recalibrate) -> Applied:
    """Turn the curve about its present price to another slope.

    Rounds:  P0 down.
    Raises:  Refusal; what the longs may claim and what shorts must keep come first.
    Source:  specification, section 19.
    """
    if book.status != ACTIVE:
        raise Refusal("not_active", status=book.status)
    if command.k_atto < 0:
        raise Refusal("args", reason="a slope may not be negative")
    before, old = book.equity_exact, (book.p0, book.k)
    supply = book.long - book.short
    book.p0, book.k = (
        div_floor(book.price - command.k_atto * supply, PRICE),
        command.k_atto,
    )
    try:
        _require_sound(book)
    except Refusal:
        book.p0, book.k = old
        raise
    book.revalued += book.equity_exact - before
    return Applied("recalibrate", {"k_atto": book.k, "p0_pico": book.p0})


def _require_sound(book: Book) -> None:
    config = book.config
    kept = 2 * config.kappa_keep_e8 * book.long * book.price
    free = book.free_exact
    if free * RATE < kept or free < 0:
        raise Refusal(
            "free_capital",
            free_micro=div_floor(free, TWICE),
            free_min_micro=div_ceil(kept, RATE * TWICE),
        )
    lowest = book.p0 * PRICE - book.k * book.short
    if lowest < config.p_min_pico * PRICE:
        raise Refusal(
            "price_floor",
            price_pico=div_floor(lowest, PRICE),
            price_min_pico=config.p_min_pico,
        )
    entry = book.indexes[fr.SHORTS].head()
    if entry is not None:
        short = entry[1]
        assert isinstance(short, Trader)
        if below_maintenance(book, short.escrow_micro, -short.shares_nano):
            raise Refusal("would_liquidate", position=short.position_id)


def daily_slope(config: Config, state: MarketState) -> int:
    """Return the slope that a day's recalibration would aim at: depth*F*F/E, at most 10% away.

    Units:   1e-18.
    Rounds:  the goal half to even, the bounds toward the present slope.
    Source:  specification, section 19.
    """
    equity = state.equity_exact
    if equity <= 0 or state.k_atto == 0:
        return state.k_atto
    goal = div_even(config.depth_e8 * state.f_pico * state.f_pico * TWICE, RATE * equity)
    step = div_floor(state.k_atto, DAY_STEP)
    return clamp(goal, state.k_atto - step, state.k_atto + step)
