"""Write everything a batch changed in one pipeline: a few bulk statements, whatever its size.

Users' legs are booked one by one, the market's own legs netted over the batch, all in one transfer
whose reference is the batch. No statement touches a provider's or a holder's row that the batch
did not change.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from exchange import clock
from exchange.engines import variable
from exchange.models import Market, MarketEvent
from exchange.services import answers, ledger, news
from exchange.services.batch import Batch, Receipt, Request
from exchange.services.batch_load import Raw, ask

INSERT_COMMANDS = """
    INSERT INTO exchange_command (market_id, batch_seq, settled_s, created_at, seq, user_id, kind,
                                  key, request_hash, payload, accepted, result)
    SELECT %s, %s, %s, %s, n.* FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[],
           %s::bytea[], %s::jsonb[], %s::bool[], %s::jsonb[]) AS n
    RETURNING seq, id"""
UPDATE_COMMANDS = """
    UPDATE exchange_command c
       SET batch_seq = %s, settled_s = %s, seq = n.seq, accepted = n.accepted, result = n.result
      FROM unnest(%s::bigint[], %s::bigint[], %s::bool[], %s::jsonb[])
           AS n(id, seq, accepted, result)
     WHERE c.id = n.id"""
INSERT_FILLS = """
    INSERT INTO exchange_fill (market_id, batch_seq, at, command_seq, leg_no, user_id, side, leg,
                               shares_nano, value_micro, fee_micro, surcharge_micro, lp_fee_micro,
                               price_pico, realised_micro, market_pico)
    SELECT %s, %s, %s, n.* FROM unnest(%s::bigint[], %s::smallint[], %s::bigint[], %s::text[],
           %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
           %s::numeric[], %s::bigint[], %s::numeric[]) AS n"""
UPSERT_POSITIONS = """
    INSERT INTO exchange_position
           (market_id, user_id, shares_nano, entry_micro, escrow_micro, realised_micro, opened_s)
    SELECT %s, n.* FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
           %s::bigint[], %s::bigint[]) AS n
    ON CONFLICT (market_id, user_id) DO UPDATE
       SET shares_nano = excluded.shares_nano, entry_micro = excluded.entry_micro,
           escrow_micro = excluded.escrow_micro, realised_micro = excluded.realised_micro,
           opened_s = excluded.opened_s"""
UPSERT_STAKES = """
    INSERT INTO exchange_stake
           (market_id, user_id, units_nano, locked_nano, cohorts, acc_paid, owed, claimed_micro)
    SELECT %s, n.* FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::jsonb[],
           %s::numeric[], %s::numeric[], %s::bigint[]) AS n
    ON CONFLICT (market_id, user_id) DO UPDATE
       SET units_nano = excluded.units_nano, locked_nano = excluded.locked_nano,
           cohorts = excluded.cohorts, acc_paid = excluded.acc_paid, owed = excluded.owed,
           claimed_micro = excluded.claimed_micro"""
INSERT_TICK = """
    INSERT INTO exchange_tick (market_id, seq, at, state_hash, clamped, weight_e8, volume_micro,
        supply_nano, pool_micro, equity_micro, free_capital_micro, market_pico, fundamental_pico,
        display_pico, close_out_pico, market_trades_pico, market_oracle_pico,
        market_recentring_pico, display_trades_pico, display_oracle_pico,
        display_recentring_pico, display_window_pico)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,
            %s)"""
UPSERT_CANDLE = """
    INSERT INTO exchange_candle AS c (market_id, interval_s, bucket_s, open_pico, high_pico,
        low_pico, close_pico, market_pico, fundamental_pico, volume_micro, trades)
    VALUES (%s, 60, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (market_id, interval_s, bucket_s) DO UPDATE
       SET high_pico = greatest(c.high_pico, excluded.high_pico),
           low_pico = least(c.low_pico, excluded.low_pico),
           close_pico = excluded.close_pico, market_pico = excluded.market_pico,
           fundamental_pico = excluded.fundamental_pico,
           volume_micro = c.volume_micro + excluded.volume_micro,
           trades = c.trades + excluded.trades"""
INSERT_ORACLE_MOVE = """
    INSERT INTO exchange_oraclemove (market_id, batch_seq, at, ref, fundamental_before_pico,
        fundamental_pico, target_pico, market_pico, wanted_pico, applied_pico, confidence_e8,
        clamps)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb)"""
INSERT_NEWS = """
    INSERT INTO exchange_outboxevent (market_id, seq, public, private, created_at)
    VALUES (%s, %s, %s::jsonb, %s::jsonb, %s)"""
UPDATE_LIVE = """
    UPDATE exchange_livestate
       SET command_seq = %s, batch_seq = %s, state = %s::jsonb, state_hash = %s,
           last_tick = %s::jsonb, settled_at = %s
     WHERE market_id = %s"""

HOUSE_KINDS = frozenset({"pool", "funding", "lp_fees", "insurance", "treasury"})


def write(raw: Raw, batch: Batch, done: variable.Settlement) -> list[Receipt]:
    """Write the batch and return a receipt per request, in order.

    Keeps:   the entries of the batch's transfer sum to zero; batch_seq has no gap and no repeat.
    """
    batch.batch_seq += 1
    at = clock.at(batch.now_s)
    results = [answers.mapping(result) for result in done.results]
    digest = hashlib.sha256(variable.canonical_bytes(done.state)).digest()
    tick = news.tick(batch.batch_seq, batch.now_s, done)
    transfer = ledger.statements(
        kind="batch",
        ref=f"{batch.market_id}:{batch.batch_seq}",
        market_id=batch.market_id,
        at=at,
        legs=_legs(batch, done.postings),
    )
    with raw.pipeline():
        for statement in transfer:
            ask(raw, statement.sql, *statement.params)
        _write_people(raw, batch, done)
        ids = _write_commands(raw, batch, results)
        _write_fills(raw, batch, done.fills, at)
        _write_prices(raw, batch, done, at, digest)
        _write_oracle_moves(raw, batch, done, at)
        public, private = news.of_batch(batch, done, tick)
        ask(raw, INSERT_NEWS, batch.market_id, batch.batch_seq, public, private, clock.now())
        ask(
            raw,
            UPDATE_LIVE,
            batch.command_seq + len(batch.requests),
            batch.batch_seq,
            json.dumps(done.state.to_mapping()),
            digest,
            json.dumps(tick),
            clock.now(),
            batch.market_id,
        )
    if done.state.status != batch.status:
        _record_status(batch, done.state.status)
    by_seq = dict(ids.fetchall()) if ids else {}
    return [
        _receipt(batch, request, batch.command_seq + n, result, by_seq)
        for n, (request, result) in enumerate(zip(batch.requests, results, strict=True), start=1)
    ]


def _receipt(
    batch: Batch, request: Request, seq: int, result: dict[str, Any], ids: dict[int, int]
) -> Receipt:
    key = request.id if request.id is not None else ids[seq]
    accepted = "code" not in result
    return Receipt(key, seq, batch.batch_seq, request.kind, accepted, result, batch.now_s)


def _legs(batch: Batch, postings: Sequence[variable.Posting]) -> list[ledger.Leg]:
    legs: list[ledger.Leg] = []
    netted: defaultdict[str, int] = defaultdict(int)
    for posting in postings:
        if posting.kind in HOUSE_KINDS:
            netted[posting.kind] += posting.amount_micro
        else:
            assert posting.kind == "cash", posting.kind
            assert posting.owner is not None
            legs.append(ledger.Leg(batch.cash[posting.owner], posting.amount_micro, posting.seq))
    legs += [ledger.Leg(batch.house[kind], amount) for kind, amount in netted.items()]
    return legs


def _write_people(raw: Raw, batch: Batch, done: variable.Settlement) -> None:
    moved = [t for t in done.traders.values() if _position_changed(t, batch.traders[t.id])]
    if moved:
        opened = [
            batch.opened_s[t.id] if batch.traders[t.id].shares_nano else batch.now_s for t in moved
        ]
        ask(
            raw,
            UPSERT_POSITIONS,
            batch.market_id,
            [t.id for t in moved],
            [t.shares_nano for t in moved],
            [t.entry_micro for t in moved],
            [t.escrow_micro for t in moved],
            [t.realised_micro for t in moved],
            opened,
        )
    if done.providers:
        rows = [p.to_mapping() for p in done.providers.values()]
        ask(
            raw,
            UPSERT_STAKES,
            batch.market_id,
            [row["id"] for row in rows],
            [row["units_nano"] for row in rows],
            [row["locked_nano"] for row in rows],
            [json.dumps(row["cohorts"]) for row in rows],
            [row["acc_paid"] for row in rows],
            [row["owed"] for row in rows],
            [row["claimed_micro"] for row in rows],
        )


def _position_changed(after: variable.Trader, before: variable.Trader) -> bool:
    return (after.shares_nano, after.entry_micro, after.escrow_micro, after.realised_micro) != (
        before.shares_nano,
        before.entry_micro,
        before.escrow_micro,
        before.realised_micro,
    )


def _write_commands(raw: Raw, batch: Batch, results: list[dict[str, Any]]) -> Any:
    seqs = range(batch.command_seq + 1, batch.command_seq + 1 + len(batch.requests))
    rows = list(zip(seqs, batch.requests, results, strict=True))
    late, new = rows[: batch.waiting], rows[batch.waiting :]
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
    )


def _write_fills(raw: Raw, batch: Batch, fills: Sequence[variable.Fill], at: Any) -> None:
    if not fills:
        return
    legs: defaultdict[int, int] = defaultdict(int)
    numbers = []
    for fill in fills:
        legs[fill.seq] += 1
        numbers.append(legs[fill.seq])
    ask(
        raw,
        INSERT_FILLS,
        batch.market_id,
        batch.batch_seq,
        at,
        [f.seq for f in fills],
        numbers,
        [f.trader for f in fills],
        [f.side for f in fills],
        [f.leg for f in fills],
        [f.shares_nano for f in fills],
        [f.value_micro for f in fills],
        [f.fee_micro for f in fills],
        [f.surcharge_micro for f in fills],
        [f.lp_fee_micro for f in fills],
        [f.price_pico for f in fills],
        [f.realised_micro for f in fills],
        [f.market_pico for f in fills],
    )


def _write_prices(
    raw: Raw, batch: Batch, done: variable.Settlement, at: Any, digest: bytes
) -> None:
    tick, move = done.tick, done.move
    ask(
        raw,
        INSERT_TICK,
        batch.market_id,
        batch.batch_seq,
        at,
        digest,
        tick.clamped,
        tick.weight_e8,
        tick.volume_micro,
        tick.supply_nano,
        tick.pool_micro,
        tick.equity_micro,
        tick.free_capital_micro,
        tick.market_pico,
        tick.fundamental_pico,
        tick.display_pico,
        tick.close_out_pico,
        move.market_trades_pico,
        move.market_oracle_pico,
        move.market_recentring_pico,
        move.display_trades_pico,
        move.display_oracle_pico,
        move.display_recentring_pico,
        move.display_window_pico,
    )
    price = tick.display_pico
    ask(
        raw,
        UPSERT_CANDLE,
        batch.market_id,
        batch.now_s // 60 * 60,
        *(price, price, price, price),
        tick.market_pico,
        tick.fundamental_pico,
        sum(f.value_micro for f in done.fills),
        len(done.fills),
    )


def _write_oracle_moves(raw: Raw, batch: Batch, done: variable.Settlement, at: Any) -> None:
    for request, result in zip(batch.requests, done.results, strict=True):
        if isinstance(result, variable.Applied) and result.kind == "oracle":
            figures: dict[str, Any] = result.fields
            ask(
                raw,
                INSERT_ORACLE_MOVE,
                batch.market_id,
                batch.batch_seq,
                at,
                request.key,
                figures["fundamental_before_pico"],
                figures["fundamental_pico"],
                figures["target_pico"],
                done.tick.market_pico,
                figures["wanted_pico"],
                figures["applied_pico"],
                figures["conf_e8"],
                json.dumps(figures["clamps"]),
            )


def _record_status(batch: Batch, status: str) -> None:
    changes: dict[str, Any] = {"status": status}
    if status == Market.Status.ACTIVE:
        changes["activated_at"] = clock.at(batch.now_s)
    Market.objects.filter(id=batch.market_id).update(**changes)
    MarketEvent.objects.create(
        market_id=batch.market_id, kind=status, detail={"batch": batch.batch_seq}
    )
