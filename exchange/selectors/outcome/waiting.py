"""Sessions that stand still until their host decides: since when, and from when staff may step in.

The specification knows no end but a winner, so nobody can void a session: what is owed follows from
the outcome that is named, and until then balances and tokens stay as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from exchange import clock
from exchange.engines import outcome
from exchange.models import Market, Session, User
from exchange.selectors.outcome import configs
from exchange.selectors.outcome.rounds import next_round, pending_choice

WINNER, ROUND = "winner", "round"
# So long a host has to decide before staff may do it for them.
GRACE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a session waits for: its `winner`, or who goes in a `round`."""

    kind: str
    since: datetime

    @property
    def until(self) -> datetime:
        """When staff may decide in the host's place."""
        return self.since + GRACE

    @property
    def is_overdue(self) -> bool:
        """Whether they may by now."""
        return clock.now() >= self.until


def waiting(session: Session) -> Waiting | None:
    """Return what a session waits for from its host, or None where its clock goes on by itself."""
    status = session.market.status
    if status == Market.Status.ENDED and session.ended_at is not None:
        return Waiting(WINNER, session.ended_at)
    if status != Market.Status.RUNNING or session.started_ms is None:
        return None
    config = configs.config_of(session.market.config)
    if not config.mr_enabled:
        return None
    state = outcome.MarketState.from_mapping(session.market.live.state)
    coming = next_round(config, state)
    if coming is None or not pending_choice(config, state, clock.now_ms() - session.started_ms):
        return None
    return Waiting(ROUND, clock.at_ms(session.started_ms + coming.at_ms))


def of_host(host: User) -> Sequence[tuple[Session, Waiting]]:
    """Return this host's sessions that wait for a decision, the longest first."""
    standing = (Market.Status.RUNNING, Market.Status.ENDED)
    rows = Session.objects.select_related("market__live").filter(
        host=host, market__status__in=standing
    )
    found = [(row, waits) for row in rows if (waits := waiting(row)) is not None]
    return sorted(found, key=lambda pair: pair[1].since)
