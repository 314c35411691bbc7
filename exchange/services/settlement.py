"""One transaction per batch: lock, load, run the engine, check, write, commit.

A market's waiting commands and those handed in by the caller are settled together under the row
lock of the market. Killed before the commit nothing happened; killed after it, a retry with the
same key finds the answer in the command log.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from django.db import IntegrityError, connection, transaction
from psycopg.errors import CheckViolation

from exchange import clock
from exchange.engines import variable
from exchange.engines.engine import EngineBug
from exchange.errors import Conflict, InvariantBroken, MegatronError, Unavailable, Unprocessable
from exchange.models import MarketEvent
from exchange.selectors.raw import Raw
from exchange.services import batch_load, batch_write, locks, metrics, outbox
from exchange.services.batch import Batch, Receipt, Request, Row
from exchange.services.batch_frontier import ContendedError

Answer = Receipt | MegatronError
ATTEMPTS_MAX = 8

Done = TypeVar("Done")


def drain(
    market_id: int, requests: Sequence[Request] = (), *, first: Callable[[], object] | None = None
) -> list[Answer]:
    """Settle `requests` and whatever waits in the log; return one answer per request, in order.

    `first` is done in the same transaction, under the market's lock and before anybody's money is
    read: what it frees can be spent by the requests, or nothing of both happens.

    Raises:  InvariantBroken after halting the market; database errors as they are (nothing is
             kept, and the same keys may be sent again).
    Locks:   the market's live row, then the cash accounts of the users concerned, by id; of those
             whom it comes upon, at once or after starting anew.
    Keeps:   every invariant of the engine, checked before the write.
    """
    return guarded(market_id, lambda: _attempts(market_id, requests, first))


def guarded(market_id: int, work: Callable[[], Done]) -> Done:
    """Do the work of one batch; halt the market where its books do not add up. Tell of the news.

    Raises:  InvariantBroken after halting the market; else whatever `work` does.
    """
    try:
        with metrics.BATCH_SECONDS.time():
            done = work()
    except (EngineBug, IntegrityError) as bug:
        if isinstance(bug, IntegrityError) and not isinstance(bug.__cause__, CheckViolation):
            raise  # two writers met in an index: nothing is wrong with the books
        halt(market_id, rule="invariant", detail=str(bug))
        raise InvariantBroken(
            "the market was halted because its books did not add up",
            fields={"market_id": market_id},
        ) from bug
    outbox.bell.ring()
    return done


def halt(market_id: int, *, rule: str, detail: str) -> None:
    """Stop a market by rule, publicly. Nobody can do this by hand.

    Locks:   the market's live row.
    """
    with transaction.atomic():
        live = locks.live_state(market_id)
        if live.halt_rule:
            return
        live.halt_rule, live.halt_since = rule, clock.now()
        live.save(update_fields=["halt_rule", "halt_since"])
        MarketEvent.objects.create(
            market_id=market_id, kind="halt", rule=rule, detail={"detail": detail[:500]}
        )
    metrics.HALTS.labels(rule).inc()


def _attempts(
    market_id: int, requests: Sequence[Request], first: Callable[[], object] | None
) -> list[Answer]:
    """Settle, anew with whomever an attempt came upon while another settlement held them."""
    also: frozenset[int] = frozenset()
    for _ in range(ATTEMPTS_MAX):
        try:
            # the settlement speaks to psycopg itself; its errors become Django's on the way out
            with transaction.atomic(durable=True), connection.wrap_database_errors:
                if first is not None:
                    locks.live_state(market_id)
                    first()
                return _settle(market_id, requests, also)
        except ContendedError as met:
            also |= met.users
    raise Unavailable("the market is busy; ask again with the same key", code="busy")


def _settle(market_id: int, requests: Sequence[Request], also: frozenset[int]) -> list[Answer]:
    connection.ensure_connection()
    raw = cast("Raw", connection.connection)
    batch = batch_load.load(raw, market_id, requests, also)
    answers: dict[int, Answer] = {}
    twins: dict[int, Request] = {}
    fresh = _fresh(batch, requests, answers, twins)
    if batch.halt_rule:
        return [answers.get(id(r)) or _halted(batch) for r in requests]
    batch.requests += fresh
    if batch.requests:
        metrics.BATCH_COMMANDS.observe(len(batch.requests))
        receipts = batch_write.write(raw, batch, _run(batch))
        answers.update(zip(map(id, batch.requests), receipts, strict=True))
    return [answers[id(twins.get(id(r), r))] for r in requests]


def _run(batch: Batch) -> variable.Settlement:
    commands = [
        batch_load.command(request, batch.command_seq + n)
        for n, request in enumerate(batch.requests, start=1)
    ]
    batch.frontier.know(r.payload["ref"] for r in batch.requests if r.kind == "cancel")
    settlement = variable.apply(
        batch.config,
        batch.state,
        batch.traders,
        batch.providers,
        commands,
        batch.now_s,
        frontier=batch.frontier,
    )
    variable.check_invariants(batch.config, batch.state, settlement.state, settlement)
    return settlement


def _fresh(
    batch: Batch,
    requests: Sequence[Request],
    answers: dict[int, Answer],
    twins: dict[int, Request],
) -> list[Request]:
    """Return what is new; answer what was settled before; pair up what repeats a key."""
    settled = {(row[0], row[1]): row for row in batch.answered if row[5] is not None}
    first = {(r.user_id, r.key): r for r in batch.requests}
    fresh: list[Request] = []
    for request in requests:
        name = (request.user_id, request.key)
        if row := settled.get(name):
            same = bytes(row[2]) == request.digest
            answers[id(request)] = _replay(row) if same else _reused(request)
        elif twin := first.get(name):
            twins[id(request)] = twin
            if twin.digest != request.digest:
                twins.pop(id(request))
                answers[id(request)] = _reused(request)
        else:
            first[name] = request
            fresh.append(request)
    return fresh


def _replay(row: Row) -> Receipt:
    return batch_load.receipt(row)


def _reused(request: Request) -> Conflict:
    return Conflict(
        f"the key {request.key!r} was used for another request",
        code="key_reused",
        fields={"key": request.key},
    )


def _halted(batch: Batch) -> Unprocessable:
    return Unprocessable(
        f"this market is halted by the rule {batch.halt_rule!r}",
        code="market_halted",
        fields={"rule": batch.halt_rule},
    )
