"""T4: a session's tick from its lock to its commit, with every feature on and a book that is kept.

Orders come in through the service and wait in the log; only the tick itself is timed.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db import connection

from exchange import clock
from exchange.models import OutcomeOrder, Session
from exchange.services.outcome import orders, tick
from exchange.services.sessions import lobby
from tests.bench import place, seats
from tests.bench.cpu import Meter
from tests.bench.figures import Measure, Rounds, percentile, say
from tests.bench.place import name

ORDERS, ORDERS_MANY = 200, 2_000
RESTING = 400
INTERVAL_MS = 100
# Senders of orders and cancels; what they do is not timed.
HANDS = 8
OPEN = ("open", "partial")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is measured."""

    rounds: int
    people: int
    ticks: int
    ticks_many: int
    orders: int = ORDERS
    many: int = ORDERS_MANY
    resting: int = RESTING


PACES = {
    "tiny": Pace(rounds=3, people=8, ticks=1, ticks_many=1, orders=10, many=20, resting=10),
    "quick": Pace(rounds=3, people=128, ticks=6, ticks_many=1),
    "full": Pace(rounds=3, people=512, ticks=30, ticks_many=2),
}


def measures(size: str) -> list[Measure]:
    """Return the milliseconds of a tick in play money and in real, and its processor time."""
    pace, found = PACES[size], Rounds()
    meter = Meter()
    kinds = {"play": Session.Money.PLAY, "real": Session.Money.REAL}
    stages = {word: _Stage(money, pace, meter) for word, money in kinds.items()}
    place.refresh_statistics()
    for number in range(pace.rounds):
        say(f"outcome: ticks, round {number + 1} of {pace.rounds}")
        for word, stage in stages.items():
            stage.round(found, word)
    place.require_clean_books()
    return _told(found, pace, list(stages), has_meter=meter.works)


def _told(found: Rounds, pace: Pace, words: Sequence[str], *, has_meter: bool) -> list[Measure]:
    parts = ["p50", "p99", "CPU of Python"] + ["CPU of PostgreSQL"] * has_meter
    figures = []
    for word in words:
        for count in (pace.orders, pace.many):
            case = f"{count:,} orders over {pace.resting} resting, {word} money"
            figures += [
                found.measure("T4", f"{case}, {part}", f"{word} {count} {part}", "ms")
                for part in parts
            ]
    return figures


class _Stage:
    """One session with people and a book, and nobody else who keeps its time."""

    def __init__(self, money: str, pace: Pace, meter: Meter) -> None:
        say(f"outcome: {pace.people} people in a session for {money} money")
        self.pace, self.meter = pace, meter
        self.session = seats.opened(money=money, batch_ms=INTERVAL_MS)
        seats.joined(self.session, pace.people)
        lobby.session_start(host=self.session.host, session=self.session)
        self.people = {row.user_id: row for row in seats.seated(self.session)}
        self.mind = seats.Mind(self.session, list(self.people))
        self.mind.look()
        self._send(self.mind.buys(4 * pace.people))
        self._advance()
        self._keep_book()

    def round(self, found: Rounds, word: str) -> None:
        """Take some ticks of each size, each over a book that was filled up again before."""
        pace = self.pace
        for count, ticks in ((pace.orders, pace.ticks), (pace.many, pace.ticks_many)):
            times, python_s, server_s = [], 0.0, 0.0
            for _ in range(ticks):
                self._send(self.mind.asks(count))
                self._wait()
                server, python = self.meter.seconds(), time.process_time()
                began = time.perf_counter()
                taken = tick.advance(self.session.market_id)
                times.append(1e3 * (time.perf_counter() - began))
                python_s += time.process_time() - python
                server_s += self.meter.seconds() - server
                assert taken, "nothing was due"
                self._keep_book()
            name_ = f"{word} {count}"
            found.add(f"{name_} p50", percentile(times, 0.50))
            found.add(f"{name_} p99", percentile(times, 0.99))
            found.add(f"{name_} CPU of Python", 1e3 * python_s / ticks)
            found.add(f"{name_} CPU of PostgreSQL", 1e3 * server_s / ticks)

    def _keep_book(self) -> None:
        """Bring the number of resting orders to what is wanted."""
        self.mind.look()
        for _ in range(5):
            open_ = OutcomeOrder.objects.filter(
                market_id=self.session.market_id, status__in=OPEN, joined__gt=0
            )
            rows = list(open_.order_by("ref").values_list("ref", "user_id"))
            missing = self.pace.resting - len(rows)
            if missing == 0:
                return
            if missing > 0:
                self._send(self.mind.rests(missing))
            else:
                self._cancel(rows[:-missing])
            self._advance()
            self.mind.look()

    def _send(self, asks: Sequence[seats.Ask]) -> None:
        def send(ask: seats.Ask) -> None:
            orders.order_place(participant=self.people[ask.user], key=name(), **ask.to_mapping())

        _by_many(send, asks)

    def _cancel(self, rows: Sequence[tuple[int, int]]) -> None:
        def cancel(row: tuple[int, int]) -> None:
            orders.order_cancel(participant=self.people[row[1]], ref=row[0], key=name())

        _by_many(cancel, rows)

    def _advance(self) -> None:
        self._wait()
        tick.advance(self.session.market_id)

    def _wait(self) -> None:
        """Wait for the end of the tick that takes what came last."""
        started_ms = self.session.started_ms or 0
        rest = INTERVAL_MS - (clock.now_ms() - started_ms) % INTERVAL_MS
        time.sleep((rest + 1) / 1e3)


def _by_many(work: Callable[[Any], None], items: Sequence[Any]) -> None:
    """Do the work for every item, by several hands, as web requests do."""

    def done(item: Any) -> None:
        try:
            work(item)
        finally:
            connection.close()

    connection.close()
    with ThreadPoolExecutor(HANDS) as hands:
        list(hands.map(done, items))
