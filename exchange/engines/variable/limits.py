"""The conditions on a leg that opens or enlarges a long, and the largest size that meets them."""

from typing import NamedTuple

from exchange.engines.engine import Refusal
from exchange.engines.rounding import div_ceil, div_floor, root_floor
from exchange.engines.units import RATE
from exchange.engines.variable.account import Account
from exchange.engines.variable.book import Book
from exchange.engines.variable.curve import PRICE, TWICE, cost, shares_for
from exchange.engines.variable.fees import (
    BUYS,
    amount_within,
    purchase_fees,
    surcharge,
)
from exchange.engines.variable.state import ACTIVE, WINDING

# What no rule bounds is bounded by the column that keeps it: nano shares in a bigint.
SHARES_MAX = 2**63 - 1


def require_open_for_trading(book: Book) -> None:
    """Refuse a trade in a market that is being funded, settled or cancelled."""
    if book.status not in (ACTIVE, WINDING):
        raise Refusal("not_active", status=book.status)


def require_opens_allowed(book: Book, account: Account) -> None:
    """Refuse an opening leg where only closing is possible, whatever its size."""
    if book.status != ACTIVE:
        raise Refusal("closed_only", reason=book.status)
    if account.barred:
        raise Refusal("closed_only", reason="barred")
    age_s = book.now_s - book.last_oracle_s
    if age_s > book.config.max_stale_s:
        raise Refusal("oracle_stale", age_s=age_s, age_max_s=book.config.max_stale_s)


class Leg(NamedTuple):
    """An opening leg on trial: its shares, all the trader pays, and the part the pool keeps."""

    shares_nano: int
    gross_micro: int
    pool_micro: int


def require_long(book: Book, account: Account, leg: Leg, *, banded: bool = True) -> None:
    """Refuse a leg that would leave the market outside the limits on new longs.

    Rounds:  never; both sides of each comparison are exact.
    Raises:  Refusal with the figure, its limit, and the largest size that passes.
    Source:  specification, section 11, in the order of its table.
    """
    least = book.config.min_open_micro
    if leg.shares_nano <= 0 or leg.gross_micro < least:
        raise Refusal("too_small", value_micro=leg.gross_micro, value_min_micro=least)
    price = book.price
    after = price + book.k * leg.shares_nano
    _require_slope(book, account, leg, price)
    _require_capital(book, account, leg, after)
    band = book.config.band_e8
    if banded and band is not None and after * RATE > book.f * PRICE * (RATE + band):
        most = div_floor(book.f * (RATE + band), RATE)
        raise _too_large(
            book, account, "band", market_pico=div_ceil(after, PRICE), market_max_pico=most
        )


def _require_slope(book: Book, account: Account, leg: Leg, price: int) -> None:
    config, k = book.config, book.k
    step, long = k * leg.shares_nano, book.long + leg.shares_nano
    if step * RATE > config.impact_cap_e8 * price:
        impact = div_ceil(step * RATE, price)
        raise _too_large(
            book, account, "impact_cap", impact_e8=impact, impact_max_e8=config.impact_cap_e8
        )
    interest = config.theta_e8 * book.f * PRICE
    if k * long * RATE > interest or long > SHARES_MAX:
        most = min(SHARES_MAX, div_floor(interest, RATE * k)) if k else SHARES_MAX
        raise _too_large(book, account, "oi_cap_long", long_nano=long, long_max_nano=most)


def _require_capital(book: Book, account: Account, leg: Leg, after: int) -> None:
    config = book.config
    # a purchase leaves Phi as it is, but for the dust and the surcharge that it adds
    curve_value = leg.shares_nano * (book.price + after)
    free = book.free_exact + leg.pool_micro * TWICE - curve_value
    needed = 2 * config.kappa_open_e8 * (book.long + leg.shares_nano) * after
    if needed > free * RATE:
        raise _too_large(
            book,
            account,
            "capital_long",
            needed_micro=div_ceil(needed, RATE * TWICE),
            free_micro=div_floor(free, TWICE),
        )
    if config.acct_cap_e8 is None:
        return
    held = 2 * config.kappa_open_e8 * (account.shares + leg.shares_nano) * after
    if held > config.acct_cap_e8 * free:
        scale = config.kappa_open_e8 * TWICE
        raise _too_large(
            book,
            account,
            "account_cap",
            held_micro=div_ceil(held, scale),
            held_max_micro=div_floor(config.acct_cap_e8 * free, scale),
        )


def _too_large(book: Book, account: Account, code: str, **figures: int) -> Refusal:
    if not book.answers:
        return Refusal(code)
    shares, amount = long_max(book, account)
    return Refusal(code, **figures, shares_max_nano=shares, amount_max_micro=amount)


def long_max(book: Book, account: Account) -> tuple[int, int]:
    """Return the largest opening leg that passes now, as shares and as a gross amount.

    Units:   nano shares, micro-USDC; two zeros where nothing passes.
    Rounds:  down; capital counts without the surcharge that the leg itself would bring.
    """
    shares = min(_slope_room(book), _capital_room(book, account))
    if shares <= 0:
        return 0, 0
    fee, extra = book.config.fee_e8, surcharge(book, BUYS)
    price, k = book.price, book.k
    beyond = div_ceil((shares + 1) * (2 * price + k * (shares + 1)), TWICE)
    amount = min(account.cash, amount_within(beyond - 1, fee, extra))
    shares = min(shares, _affordable(book, account.cash, fee, extra))
    least = book.config.min_open_micro
    value = cost(price, k, shares)
    gross = value + sum(purchase_fees(value, fee, extra))
    return shares if gross >= least else 0, amount if amount >= least else 0


def _slope_room(book: Book) -> int:
    """Return the shares that the impact cap, the open-interest cap and the band leave."""
    config, k, price = book.config, book.k, book.price
    fundamental = book.f * PRICE
    band = config.band_e8
    ceiling = price * RATE if band is None else fundamental * (RATE + band)
    if k == 0:
        return SHARES_MAX - book.long if ceiling >= price * RATE else 0
    impact = div_floor(config.impact_cap_e8 * price, RATE * k)
    interest = div_floor(config.theta_e8 * fundamental, RATE * k) - book.long
    room = min(impact, interest, SHARES_MAX - book.long)
    return room if band is None else min(room, div_floor(ceiling - price * RATE, RATE * k))


def _capital_room(book: Book, account: Account) -> int:
    """Return the shares that the capital rules leave, from the quadratic in the leg's size."""
    config = book.config
    free = max(book.free_exact, 0)
    capital = div_floor(free * RATE, 2 * config.kappa_open_e8)
    room = _solve(book, book.long, capital)
    if config.acct_cap_e8 is None:
        return room
    share = div_floor(free * config.acct_cap_e8, 2 * config.kappa_open_e8)
    return min(room, _solve(book, account.shares, share))


def _solve(book: Book, base: int, capital: int) -> int:
    """Return the largest q with (base + q) * (M + k*q) <= capital, 0 where none is."""
    price, k = book.price, book.k
    rest = capital - base * price
    if rest <= 0:
        return 0
    if k == 0:
        return div_floor(rest, price)
    middle = price + k * base
    return div_floor(root_floor(middle * middle + 4 * k * rest) - middle, 2 * k)


def _affordable(book: Book, cash: int, fee: int, extra: int) -> int:
    """Return the most shares whose gross price, asked for by number, fits into `cash`."""
    price, k = book.price, book.k
    value = div_floor(cash * (RATE - fee - extra), RATE)
    # each of the two fees may round up by one, so that this takes at most two steps
    while value + sum(purchase_fees(value, fee, extra)) > cash:
        value -= 1
    return shares_for(price, k, value)
