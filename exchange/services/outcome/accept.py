"""Take orders into a session's log, many callers at once; its next tick settles them.

The same carrier as for every market, insert only. A key that is there already gets what is there:
the place in the log while it waits, and the answer once a tick has settled it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db import connection, transaction

from exchange import clock
from exchange.errors import Conflict, MegatronError, Unprocessable
from exchange.models import Command, Market, Session
from exchange.selectors.outcome import configs
from exchange.selectors.raw import Raw, ask
from exchange.services import commands
from exchange.services.batch import Request
from exchange.services.outcome.batch import engine_command

# Numbers go by arrival, which is the order of the log; rows go in by key, for two processes that
# hold the same keys in another order would wait for each other.
INSERT = """
    WITH asked AS MATERIALIZED (
      SELECT nextval(pg_get_serial_sequence('exchange_command', 'id')) AS id, n.*
        FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bytea[], %s::jsonb[])
             AS n (user_id, kind, key, request_hash, payload))
    INSERT INTO exchange_command
           (id, market_id, created_at, user_id, kind, key, request_hash, payload)
    SELECT id, %s, %s, user_id, kind, key, request_hash, payload FROM asked
     ORDER BY user_id, key
    ON CONFLICT (market_id, user_id, key) DO NOTHING
    RETURNING id, user_id, key"""
FIND = """
    SELECT id, user_id, key, request_hash, seq, batch_seq, accepted, result,
           floor(extract(epoch FROM created_at) * 1000)::bigint
      FROM exchange_command
     WHERE market_id = %s AND key = ANY(%s::text[])
       AND (user_id = ANY(%s::bigint[]) OR user_id IS NULL)"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A command that is in the log; `result` is its answer once its tick was taken.

    `tick` is the number that it is expected in, `tick_ms` that tick's end, since the epoch.
    """

    id: int
    key: str
    tick: int
    tick_ms: int
    replayed: bool = False
    seq: int | None = None
    batch_seq: int | None = None
    accepted: bool | None = None
    result: dict[str, Any] | None = None


def submit(
    *,
    session: Session,
    kind: str,
    payload: Mapping[str, Any],
    key: str,
    user_id: int | None = None,
) -> Accepted:
    """Take one command into the log and return its place there, after the commit.

    A command of the house has no user; its key is made unique by the session.
    Raises:  Conflict key_reused, Unavailable, and whatever `request_of` does.
    """
    request = request_of(session=session, kind=kind, payload=payload, key=key, user_id=user_id)
    taken: Taken = commands.combine(session.market_id, request, _insert)
    return _accepted(session, taken)


def submit_all(session: Session, requests: Sequence[Request]) -> list[Accepted | MegatronError]:
    """Take what `request_of` made for one session into the log together, in one commit.

    Returns one answer per request, in order; of two with one key the second is a replay.
    Raises:  Django's database errors: nothing was taken, and the same keys may be sent again.
    """
    return [
        taken if isinstance(taken, MegatronError) else _accepted(session, taken)
        for taken in _insert(session.market_id, list(requests))
    ]


def request_of(
    *,
    session: Session,
    kind: str,
    payload: Mapping[str, Any],
    key: str,
    user_id: int | None = None,
) -> Request:
    """Return a command that may go into the log now.

    Raises:  Malformed; Unprocessable frozen before the start, and after the end for what is no
             cancellation, unless the key is taken: an answer that got lost can be asked for again.
    """
    commands.check_key(key)
    market = session.market
    open_to = OPEN if user_id is None or kind == "cancel" else RUNNING
    is_open = session.started_ms is not None and market.status in open_to
    if not is_open and not is_taken(session, key, user_id):
        raise Unprocessable(
            f"this session is {market.status}", code="frozen", fields={"status": market.status}
        )
    engine_command(kind, payload, 0, user_id, times=(0, 0))  # what it does not know fails here
    return Request(kind, payload, key, user_id)


def is_taken(session: Session, key: str, user_id: int | None) -> bool:
    """Say whether a key's command stands in the log. It has its answer, whatever changed since."""
    rows = Command.objects.filter(market=session.market_id, user=user_id, key=key)
    return rows.exists()


RUNNING = (Market.Status.RUNNING,)
OPEN = (Market.Status.RUNNING, Market.Status.ENDED)
Taken = tuple[tuple[Any, ...], int, bool]


def _accepted(session: Session, taken: Taken) -> Accepted:
    row, at_ms, is_new = taken
    started_ms = session.started_ms or 0
    interval = configs.config_of(session.market.config).batch_ms
    number = (at_ms - started_ms) // interval + 1
    pk, _, key, _, seq, batch_seq, accepted, result = row
    return Accepted(
        id=pk,
        key=key,
        tick=number,
        tick_ms=started_ms + number * interval,
        replayed=not is_new,
        seq=seq,
        batch_seq=batch_seq,
        accepted=accepted,
        result=json.loads(result) if isinstance(result, str) else result,
    )


def _insert(market_id: int, requests: list[Request]) -> list[Taken | MegatronError]:
    """Insert what is new in one statement and look up the rest. Return one answer per request."""
    at_ms = clock.now_ms()
    with transaction.atomic(durable=True), connection.wrap_database_errors:
        connection.ensure_connection()
        raw = cast("Raw", connection.connection)
        first: dict[tuple[int | None, str], Request] = {}
        for request in requests:
            first.setdefault((request.user_id, request.key), request)
        inserted = ask(
            raw,
            INSERT,
            [r.user_id for r in first.values()],
            [r.kind for r in first.values()],
            [r.key for r in first.values()],
            [r.digest for r in first.values()],
            [json.dumps(r.payload) for r in first.values()],
            market_id,
            clock.at_ms(at_ms),
        ).fetchall()
        new = {(user, key): pk for pk, user, key in inserted}
        old = _stored(raw, market_id, [r for name, r in first.items() if name not in new])
    return [_answer(r, first, new, old, at_ms) for r in requests]


def _stored(
    raw: Raw, market_id: int, requests: Sequence[Request]
) -> dict[tuple[int | None, str], tuple[Any, ...]]:
    if not requests:
        return {}
    users = sorted({r.user_id for r in requests if r.user_id is not None})
    rows = ask(raw, FIND, market_id, [r.key for r in requests], users)
    return {(row[1], row[2]): row for row in rows}


def _answer(
    request: Request,
    first: Mapping[tuple[int | None, str], Request],
    new: Mapping[tuple[int | None, str], int],
    old: Mapping[tuple[int | None, str], tuple[Any, ...]],
    at_ms: int,
) -> Taken | MegatronError:
    name = (request.user_id, request.key)
    if name in new:
        if first[name].digest != request.digest:
            return _reused(request)
        row = (new[name], *name, request.digest, None, None, None, None)
        return row, at_ms, first[name] is request
    *row_, then_ms = old[name]
    if bytes(row_[3]) != request.digest:
        return _reused(request)
    return tuple(row_), then_ms, False


def _reused(request: Request) -> Conflict:
    return Conflict(
        f"the key {request.key!r} was used for another request",
        code="key_reused",
        fields={"key": request.key},
    )
