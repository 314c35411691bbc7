"""Take one tick of a session's clock: one transaction, from the lock to the commit.

Orders wait in the log from their arrival; nothing but a tick settles them. Whoever calls, the tick
has its number from the clock of the session, and a number is taken once.
"""

from typing import cast

from django.db import connection, transaction

from exchange import clock
from exchange.engines import outcome
from exchange.errors import Unavailable
from exchange.selectors.raw import Raw
from exchange.services import metrics
from exchange.services.batch_frontier import ContendedError
from exchange.services.outcome import load, write
from exchange.services.outcome.batch import Batch, engine_command
from exchange.services.settlement import ATTEMPTS_MAX, guarded

# A clock that was away for long catches up in so many ticks at a time; others wait as well.
TICKS_MAX = 50


def advance(market_id: int) -> int:
    """Take whatever ticks of a session are due now; return how many left a trace.

    Raises:  InvariantBroken after halting the session; Unavailable, Django's database errors.
    """
    taken = 0
    while taken < TICKS_MAX and guarded(market_id, lambda: _attempts(market_id)):
        taken += 1
    return taken


def _attempts(market_id: int) -> bool:
    also: frozenset[int] = frozenset()
    for _ in range(ATTEMPTS_MAX):
        try:
            with transaction.atomic(durable=True), connection.wrap_database_errors:
                return _tick(market_id, also)
        except ContendedError as met:
            also |= met.users
    raise Unavailable("the session is busy; its clock comes back", code="busy")


def _tick(market_id: int, also: frozenset[int]) -> bool:
    connection.ensure_connection()
    raw = cast("Raw", connection.connection)
    batch = load.load(raw, market_id, lambda started_ms: clock.now_ms() - started_ms, also)
    if batch is None:
        return False
    metrics.BATCH_COMMANDS.observe(len(batch.requests))
    write.write(raw, batch, settled(batch))
    return True


def settled(batch: Batch) -> outcome.Settlement:
    """Return what the engine makes of a batch, its promises checked."""
    commands = [
        engine_command(
            request.kind,
            request.payload,
            batch.command_seq + n,
            request.user_id,
            times=(arrived_ms, batch.t_ms),
        )
        for n, (request, arrived_ms) in enumerate(
            zip(batch.requests, batch.arrived_ms, strict=True), start=1
        )
    ]
    done = outcome.apply(
        batch.config, batch.state, batch.traders, commands, batch.t_ms, frontier=batch.frontier
    )
    outcome.check_invariants(batch.config, batch.state, done.state, done)
    return done
