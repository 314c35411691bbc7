"""Any tick of a session again: prices and trades as stored, the book from the log itself."""

from dataclasses import dataclass

from exchange.engines import outcome
from exchange.models import OutcomeFill, OutcomeTick, Session
from exchange.selectors.outcome import access, book, series
from exchange.services.outcome.replay import walked


@dataclass(frozen=True, slots=True)
class Moment:
    """A session at a tick. `tick` is what was kept of the newest batch up to it, if any.

    `fills` are those of this very tick.
    """

    number: int
    tick: OutcomeTick | None
    state: outcome.MarketState
    book: list[book.TokenBook]
    fills: list[OutcomeFill]


def moment(session: Session, number: int) -> Moment:
    """Return a session as it stood at a tick, settled again from its launch."""
    tick = access.tick(session, number)
    walk = walked(session, tick.seq if tick else 0)
    resting = book.of_orders(walk.orders.values(), walk.state, mints=walk.config.cm_enabled)
    is_own = tick is not None and tick.number == number
    fills = series.fills_of_tick(session, tick.seq) if tick and is_own else []
    return Moment(number, tick, walk.state, resting, fills)
