"""The conditions on a leg that opens or enlarges a short, and the largest size that meets them."""

from typing import NamedTuple

from exchange.engines.engine import Number, Refusal
from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.units import RATE
from exchange.engines.variable import curve
from exchange.engines.variable.account import Account
from exchange.engines.variable.book import Book
from exchange.engines.variable.curve import PRICE, TWICE, worst_exact
from exchange.engines.variable.limits import SHARES_MAX

# a price of 1e-27 times nano shares, over this, is micro-USDC
MICRO_OF_VALUE = PRICE * 10**15


class ShortLeg(NamedTuple):
    """An opening leg on trial: what it brings along the curve and what the trader adds to it."""

    shares_nano: int
    value_micro: int
    fee_micro: int
    surcharge_micro: int
    margin_micro: int


def leg_of(book: Book, account: Account, shares: int, extra_e8: int) -> ShortLeg:
    """Return the figures of an opening leg, its margin measured on the state after it.

    Rounds:  proceeds down; fees and margin up.
    Source:  specification, section 11.
    """
    config = book.config
    value = curve.proceeds(book.price, book.k, shares)
    close_out = max(
        book.p0 * PRICE + book.k * book.long,
        book.f * PRICE + book.k * (book.short + shares),
    )
    whole = shares - min(account.shares, 0)
    needed = div_ceil((RATE + config.im_e8) * whole * close_out, RATE * MICRO_OF_VALUE)
    margin = max(div_ceil(config.m_open_e8 * value, RATE), needed - account.escrow - value)
    return ShortLeg(
        shares,
        value,
        div_ceil(value * config.fee_e8, RATE),
        div_ceil(value * extra_e8, RATE),
        margin,
    )


def require_short(
    book: Book, account: Account, leg: ShortLeg, extra_e8: int, *, banded: bool
) -> None:
    """Refuse a leg that would leave the market outside the limits on new shorts.

    Rounds:  never; both sides of each comparison are exact.
    Raises:  Refusal with the figure, its limit, and the largest size that passes.
    Source:  specification, section 11, in the order of its table.
    """
    least = book.config.min_open_micro
    if leg.shares_nano <= 0 or leg.value_micro < max(least, 1):
        raise Refusal("too_small", value_micro=leg.value_micro, value_min_micro=least)
    broken = _broken(book, account, leg, banded=banded)
    if broken is not None:
        code, figures = broken
        if not book.answers:
            raise Refusal(code)
        most = short_max(book, account, extra_e8, account.cash, banded=banded)
        raise Refusal(code, **figures, shares_max_nano=most)


Broken = tuple[str, dict[str, Number]] | None


def _broken(book: Book, account: Account, leg: ShortLeg, *, banded: bool) -> Broken:
    return (
        _slope_broken(book, leg.shares_nano)
        or _capital_broken(book, account, leg)
        or (_band_broken(book, leg.shares_nano) if banded else None)
    )


def _slope_broken(book: Book, shares: int) -> Broken:
    config, k, price = book.config, book.k, book.price
    short = book.short + shares
    if k * shares * RATE > config.impact_cap_e8 * price:
        impact = div_ceil(k * shares * RATE, price)
        return "impact_cap", {"impact_e8": impact, "impact_max_e8": config.impact_cap_e8}
    lowest = book.p0 * PRICE - k * short
    if lowest < config.p_min_pico * PRICE:
        figures: dict[str, Number] = {
            "price_pico": div_floor(lowest, PRICE),
            "price_min_pico": config.p_min_pico,
        }
        return "price_floor", figures
    interest = config.theta_e8 * book.f * PRICE
    if k * short * RATE > interest:
        most = div_floor(interest, RATE * k)
        return "oi_cap_short", {"short_nano": short, "short_max_nano": most}
    return None


def _capital_broken(book: Book, account: Account, leg: ShortLeg) -> Broken:
    config, shares = book.config, leg.shares_nano
    after = book.price - book.k * shares
    # opening a short leaves E as it is, but for the dust and the surcharge that it adds
    exact = shares * (book.price + after)
    equity = book.equity_exact + exact + (leg.surcharge_micro - leg.value_micro) * TWICE
    worst = worst_exact(book.p0, book.k, book.short + shares)
    allowed = config.phi_short_e8 * equity
    if worst * RATE > allowed:
        return "capital_short", _money(worst * RATE, allowed)
    kept = 2 * config.kappa_keep_e8 * book.long * after
    if kept > (equity - worst) * RATE:
        return "capital_long_cover", _money(kept, (equity - worst) * RATE)
    if config.acct_cap_e8 is not None:
        held = 2 * (shares - min(account.shares, 0)) * after * RATE
        share = div_floor(config.acct_cap_e8 * allowed, RATE)
        if held > share:
            return "account_cap", _money(held, share)
    return None


def _money(needed: int, allowed: int) -> dict[str, Number]:
    scale = RATE * TWICE
    return {"needed_micro": div_ceil(needed, scale), "needed_max_micro": div_floor(allowed, scale)}


def _band_broken(book: Book, shares: int) -> Broken:
    band = book.config.band_e8
    after = book.price - book.k * shares
    if band is None or after * RATE >= book.f * PRICE * (RATE - band):
        return None
    least = div_ceil(book.f * (RATE - band), RATE)
    return "band", {"market_pico": div_floor(after, PRICE), "market_min_pico": least}


def short_max(
    book: Book, account: Account, extra_e8: int, cash: int, *, banded: bool = True
) -> int:
    """Return the largest opening leg that passes now, fees and margin paid out of `cash`.

    Units:   nano shares; zero where nothing passes.
    Rounds:  down. Found by halving: each condition holds from zero up to some size, or is met
             again only beyond another's limit; the result itself always passes.
    """

    def fits(shares: int) -> bool:
        leg = leg_of(book, account, shares, extra_e8)
        paid = leg.margin_micro + leg.fee_micro + leg.surcharge_micro
        return paid <= cash and _broken(book, account, leg, banded=banded) is None

    low, high = 0, _short_bound(book)
    while low < high:
        middle = div_ceil(low + high, 2)
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    value = curve.proceeds(book.price, book.k, low)
    return low if value >= max(book.config.min_open_micro, 1) else 0


def _short_bound(book: Book) -> int:
    """Return a size that no leg can exceed: the whole capital for shorts at the lowest price."""
    room = book.p0 - book.config.p_min_pico
    by_floor = div_floor(room * PRICE, book.k) - book.short if book.k else SHARES_MAX
    lowest = 2 * PRICE * book.config.p_min_pico
    by_capital = div_floor(max(book.equity_exact, 0), lowest) + 1
    return max(0, min(by_floor, by_capital))
