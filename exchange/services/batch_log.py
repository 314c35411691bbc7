"""Write a batch's commands into the log of their market: those that waited there, and new ones."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from exchange import clock
from exchange.selectors.raw import Raw, ask
from exchange.services.batch import Request

INSERT_COMMANDS = """
    INSERT INTO exchange_command (market_id, batch_seq, settled_s, created_at, seq, user_id, kind,
                                  key, request_hash, payload, accepted, result, barred)
    SELECT %s, %s, %s, %s, n.* FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[],
           %s::bytea[], %s::jsonb[], %s::bool[], %s::jsonb[], %s::jsonb[]) AS n
    RETURNING seq, id"""
UPDATE_COMMANDS = """
    UPDATE exchange_command c
       SET batch_seq = %s, settled_s = %s, seq = n.seq, accepted = n.accepted, result = n.result,
           barred = n.barred
      FROM unnest(%s::bigint[], %s::bigint[], %s::bool[], %s::jsonb[], %s::jsonb[])
           AS n(id, seq, accepted, result, barred)
     WHERE c.id = n.id"""


class Logged(Protocol):
    """A batch of either engine, as far as the log concerns it."""

    market_id: int
    command_seq: int
    batch_seq: int
    requests: list[Request]
    waiting: int

    @property
    def now_s(self) -> int:
        """The market's clock in seconds since the epoch."""
        ...


def write(
    raw: Raw, batch: Logged, results: Sequence[Mapping[str, Any]], whose: str | None = None
) -> Any:
    """Write the answers into the log; return a cursor over (seq, id) of what is new there, if any.

    `whose` is kept beside the first command: whose opens were barred.
    """
    seqs = range(batch.command_seq + 1, batch.command_seq + 1 + len(batch.requests))
    rows = list(zip(seqs, batch.requests, results, strict=True))
    late, new = rows[: batch.waiting], rows[batch.waiting :]
    barred = {batch.command_seq + 1: whose}
    if late:
        ask(
            raw,
            UPDATE_COMMANDS,
            batch.batch_seq,
            batch.now_s,
            [request.id for _, request, _ in late],
            [seq for seq, _, _ in late],
            ["code" not in result for _, _, result in late],
            [json.dumps(result) for _, _, result in late],
            [barred.get(seq) for seq, _, _ in late],
        )
    if not new:
        return None
    return ask(
        raw,
        INSERT_COMMANDS,
        batch.market_id,
        batch.batch_seq,
        batch.now_s,
        clock.now(),
        [seq for seq, _, _ in new],
        [request.user_id for _, request, _ in new],
        [request.kind for _, request, _ in new],
        [request.key for _, request, _ in new],
        [request.digest for _, request, _ in new],
        [json.dumps(request.payload) for _, request, _ in new],
        ["code" not in result for _, _, result in new],
        [json.dumps(result) for _, _, result in new],
        [barred.get(seq) for seq, _, _ in new],
    )
