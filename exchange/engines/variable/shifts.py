"""The only ways the curve moves: a shift within what the providers can pay, and recentring."""

from exchange.engines.fixedmath import FRACTION, half_power
from exchange.engines.rounding import div_ceil, div_floor, div_trunc
from exchange.engines.variable.book import Book
from exchange.engines.variable.curve import PRICE
from exchange.engines.variable.results import RECENTRING, Shift

SOLVENCY = "solvency"
FLOOR = "floor"


def shift(book: Book, delta: int, reason: str, seq: int | None) -> tuple[int, str]:
    """Move P0 by `delta` or by as much of it as is allowed; return that and the clamp that fired.

    Units:   pico.
    Rounds:  the upward room down, the floor for P0 up.
    Keeps:   Phi >= 0, and P0 - k*X >= p_min: what is booked can be paid, and stays positive.
             `clamped` lasts while the curve still owes a rise that the providers cannot pay: a
             shift of nothing, or of less than there is room for, does not end it, so that nobody
             deposits into a debt that is not booked yet.
    Source:  specification, section 8.
    """
    wanted, was_clamped = delta, book.clamped
    book.clamped = False
    fired = ""
    if delta > 0 and book.long > 0:
        room = div_floor(max(book.free_exact, 0), 2 * PRICE * book.long)
        if delta > room:
            delta, fired, book.clamped = room, SOLVENCY, True
    elif delta < 0:
        lowest = book.config.p_min_pico + div_ceil(book.k * book.short, PRICE)
        delta = max(delta, min(0, lowest - book.p0))
        fired = FLOOR if delta != wanted else ""
    if delta:
        book.p0 += delta
        book.shifts.append(Shift(seq, reason, delta, book.long - book.short))
    if was_clamped and not book.clamped:
        book.clamped = _owes(book)
    return delta, fired


def _owes(book: Book) -> bool:
    """Return whether the way up to F is longer than the providers' free capital reaches."""
    gap = book.f * PRICE - book.price
    return gap > 0 and book.long > 0 and gap * 2 * book.long > max(book.free_exact, 0)


def recentre(book: Book) -> None:
    """Close the part of the gap F - M that the time since the last batch is worth.

    Rounds:  toward zero, so that the gap never changes its sign.
    Source:  specification, section 8.
    """
    elapsed = book.now_s - book.since_s
    half_life = book.config.half_life_s
    if elapsed <= 0 or half_life == 0:
        return
    gap = book.f * PRICE - book.price
    decay = FRACTION - half_power(elapsed, half_life)
    shift(book, div_trunc(decay * gap, FRACTION * PRICE), RECENTRING, None)
