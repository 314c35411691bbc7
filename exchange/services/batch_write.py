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
from exchange.selectors import bars
from exchange.selectors.raw import Raw, ask
from exchange.services import answers, attribution, batch_log, ledger, news
from exchange.services import batch_people as people
from exchange.services.batch import Batch, Receipt, Request
from exchange.services.breaker import watched

INSERT_FILLS = """
    INSERT INTO exchange_fill (market_id, batch_seq, at, command_seq, leg_no, user_id, side, leg,
                               shares_nano, value_micro, fee_micro, surcharge_micro, lp_fee_micro,
                               price_pico, realised_micro, market_pico, escrow_micro,
                               penalty_micro, cause, ref)
    SELECT %s, %s, %s, n.* FROM unnest(%s::bigint[], %s::smallint[], %s::bigint[], %s::text[],
           %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
           %s::numeric[], %s::bigint[], %s::numeric[], %s::bigint[], %s::bigint[], %s::text[],
           %s::bigint[]) AS n"""
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
           last_tick = %s::jsonb, settled_at = %s, recent = %s::jsonb, pool_sums = %s::jsonb,
           pause_rule = %s, pause_since_s = %s, pause_until_s = %s
     WHERE market_id = %s"""

ASIDE_KINDS = frozenset({"reserved", "escrow"})
HOUSE_KINDS = frozenset({"pool", "funding", "lp_fees", "insurance", "treasury"})


def write(raw: Raw, batch: Batch, done: variable.Settlement) -> list[Receipt]:
    """Write the batch and return a receipt per request, in order.

    Keeps:   the entries of the batch's transfer sum to zero; batch_seq has no gap and no repeat.
    """
    batch.batch_seq += 1
    at = clock.at(batch.now_s)
    results = [_answer(batch, result) for result in done.results]
    digest = hashlib.sha256(variable.canonical_bytes(done.state)).digest()
    open_accounts(raw, batch, done.postings)
    transfer = ledger.statements(
        kind="batch",
        ref=f"{batch.market_id}:{batch.batch_seq}",
        market_id=batch.market_id,
        at=at,
        legs=_legs(batch, done.postings),
    )
    barred = _barred(batch)  # before the breaker has its say: what it stops begins after this batch
    watched(batch, done)
    attribution.attributed(batch, done)
    with raw.pipeline():
        for statement in transfer:
            ask(raw, statement.sql, *statement.params)
        people.write(raw, batch, done)
        ids = batch_log.write(raw, batch, results, barred)
        _write_fills(raw, batch, done.fills, at)
        _write_prices(raw, batch, done, at, digest)
        _write_oracle_moves(raw, batch, done, at)
        _write_live(raw, batch, done, digest)
    # not the market's own row: whoever waited for the lock was shown that as it was before
    if done.state.status != batch.state.status:
        _record_status(batch, done.state.status)
    by_seq = dict(ids.fetchall()) if ids else {}
    return [
        _receipt(batch, request, batch.command_seq + n, result, by_seq)
        for n, (request, result) in enumerate(zip(batch.requests, results, strict=True), start=1)
    ]


def _write_live(raw: Raw, batch: Batch, done: variable.Settlement, digest: bytes) -> None:
    tick = news.tick(batch.batch_seq, batch.now_s, done)
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
        json.dumps(batch.recent),
        json.dumps(batch.pool_sums),
        *batch.pause,
        batch.market_id,
    )


def _receipt(
    batch: Batch, request: Request, seq: int, result: dict[str, Any], ids: dict[int, int]
) -> Receipt:
    key = request.id if request.id is not None else ids[seq]
    accepted = "code" not in result
    return Receipt(key, seq, batch.batch_seq, request.kind, accepted, result, batch.now_s)


def open_accounts(raw: Raw, batch: Batch, postings: Sequence[variable.Posting]) -> None:
    """Open what people need for the first time in this market to set money aside."""
    wanted = {
        (posting.owner, posting.kind)
        for posting in postings
        if posting.owner is not None and posting.kind in ASIDE_KINDS
    }
    missing = sorted(wanted - batch.aside.keys())
    if missing:
        statement = ledger.opening(batch.market_id, missing)
        for pk, user, kind in ask(raw, statement.sql, *statement.params):
            batch.aside[user, kind] = ledger.Balance(pk, 0, 0, b"")


def _legs(batch: Batch, postings: Sequence[variable.Posting]) -> list[ledger.Leg]:
    """Return people's legs, one per account and command, and the house's, one per account."""
    house: defaultdict[str, int] = defaultdict(int)
    people: defaultdict[tuple[int, str, int], int] = defaultdict(int)
    for posting in postings:
        if posting.kind in HOUSE_KINDS:
            house[posting.kind] += posting.amount_micro
        else:
            assert posting.owner is not None
            people[posting.owner, posting.kind, posting.seq] += posting.amount_micro
    legs = [
        ledger.Leg(batch.purse(owner, kind), amount, seq)
        for (owner, kind, seq), amount in people.items()
    ]
    legs += [ledger.Leg(batch.house[kind], amount) for kind, amount in house.items()]
    return legs


def _answer(batch: Batch, result: variable.Result) -> dict[str, Any]:
    """Return a result as it is stored; a barred open also says who or what bars it."""
    answer = answers.mapping(result)
    if bars.is_barred(result):
        answer["fields"] |= bars.barred_by(
            reduce_only=batch.reduce_only,
            pause_rule=batch.pause.rule,
            pause_until_s=batch.pause.until_s,
            now_s=batch.now_s,
        )
    return answer


def _barred(batch: Batch) -> str | None:
    """Return whose opens were barred: true for everybody, the users else; a replay must know."""
    if batch.opens_paused:
        return "true"
    users = sorted(trader.id for trader in batch.traders.values() if trader.opens_barred)
    return json.dumps(users) if users else None


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
        [f.escrow_micro for f in fills],
        [f.penalty_micro for f in fills],
        [f.cause for f in fills],
        [f.ref for f in fills],
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
