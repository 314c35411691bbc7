"""Any tick of a session again: prices, book and trades as they stood."""

from dataclasses import dataclass

from exchange.models import OutcomeFill, OutcomeTick, Session
from exchange.selectors.outcome import access, configs, series
from exchange.selectors.outcome.book import TokenBook, book_then, of_rows


@dataclass(frozen=True, slots=True)
class Moment:
    """A session at a tick. `tick` is what was kept of the newest batch up to it, if any.

    `fills` are those of this very tick.
    """

    number: int
    tick: OutcomeTick | None
    book: list[TokenBook]
    fills: list[OutcomeFill]


def moment(session: Session, number: int) -> Moment:
    """Return a session as it stood at a tick; before the first one nothing rests."""
    tick = access.tick(session, number)
    if tick is None:
        count = configs.config_of(session.market.config).n_outcomes
        return Moment(number, None, of_rows([], dict.fromkeys(range(count), 0), mints=True), [])
    fills = series.fills_of_tick(session, tick.seq) if tick.number == number else []
    return Moment(number, tick, book_then(session, tick), fills)
