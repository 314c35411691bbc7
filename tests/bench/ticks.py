"""T4: ticks of a session with their commit: orders that wait in the log, over a book that rests."""

import time
from random import Random

from exchange import clock
from exchange.models import Command, Participant, Session
from exchange.services.batch import Request
from exchange.services.outcome import tick
from tests import factories

PLAYERS = 64
OUTCOMES = 10
LIMIT_CENTS = range(35, 50)


def session() -> Session:
    """Return a running session whose clock is ours, with people who have plenty."""
    made = factories.running_session(
        outcomes=OUTCOMES,
        starting_balance="1000000",
        total_duration_ms=str(7 * 24 * 3_600_000),
        zeta_start="0.05",
    )
    for _ in range(PLAYERS):
        factories.joined(made)
    return made


class Table:
    """A session at which orders are laid without a caller's wait, and ticks are timed."""

    def __init__(self, seed: int) -> None:
        self.session, self.random, self.second = session(), Random(seed), 0
        self.players: list[Participant] = list(self.session.participants.all())

    def rest(self, count: int) -> None:
        """Leave so many limit orders in the book, every other one open to auto-fills."""
        self._lay(count, limits=True)
        self.ticked()

    def took_ms(self, orders: int) -> float:
        """Return what a tick with so many market orders takes, commit included."""
        self._lay(orders, limits=False)
        return self.ticked()

    def ticked(self) -> float:
        """Take the tick that is due and return its milliseconds."""
        self.second += 2
        with clock.shifted(self.second):
            began = time.perf_counter()
            taken = tick.advance(self.session.market_id)
        assert taken == 1
        return 1_000 * (time.perf_counter() - began)

    def _lay(self, count: int, *, limits: bool) -> None:
        now = clock.at_ms(clock.now_ms() + 1_000 * self.second)
        rows = []
        for number in range(count):
            asked = Request("order", self._payload(number, limits=limits), factories.key())
            rows.append(
                Command(
                    market_id=self.session.market_id,
                    user_id=self.random.choice(self.players).user_id,
                    kind="order",
                    key=asked.key,
                    payload=asked.payload,
                    request_hash=asked.digest,
                    created_at=now,
                )
            )
        Command.objects.bulk_create(rows)

    def _payload(self, number: int, *, limits: bool) -> dict[str, object]:
        payload: dict[str, object] = {
            "side": "buy",
            "outcome": self.random.randrange(OUTCOMES),
            "token": self.random.randrange(2),
            "size_micro": self.random.randrange(1, 30) * 10**6,
        }
        if limits:
            payload["price_micro"] = self.random.choice(LIMIT_CENTS) * 10_000
            payload["auto_fill"] = number % 2 == 0
        return payload
