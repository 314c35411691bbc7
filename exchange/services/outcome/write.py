"""Write everything a session's tick changed in one pipeline of bulk statements.

People's legs are booked one by one, the market's own netted over the tick, all in one transfer
whose reference is the batch, as for every market.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from exchange import clock
from exchange.engines import outcome
from exchange.engines.outcome.frontier import order_key
from exchange.models import Market, MarketEvent, Session
from exchange.selectors.outcome import book
from exchange.selectors.raw import Raw, ask
from exchange.services import batch_log, ledger
from exchange.services.outcome import answers, news
from exchange.services.outcome.batch import HOUSE, Batch, account_kind

UPSERT_HOLDINGS = """
    INSERT INTO exchange_holding (market_id, user_id, token, free_micro, locked_micro)
    SELECT %s, n.* FROM unnest(%s::bigint[], %s::smallint[], %s::bigint[], %s::bigint[]) AS n
    ON CONFLICT (market_id, user_id, token) DO UPDATE
       SET free_micro = excluded.free_micro, locked_micro = excluded.locked_micro"""
UPSERT_ORDERS = """
    INSERT INTO exchange_outcomeorder
           (market_id, placed_at, changed_at, ref, user_id, token, buys, size_micro, price_micro,
            auto_fill, status, remaining_micro, reserve_micro, amount_micro, fee_micro,
            rebate_micro, gas_micro, joined, level)
    SELECT %s, %s, %s, n.* FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::boolean[],
           %s::bigint[], %s::bigint[], %s::boolean[], %s::text[], %s::bigint[], %s::bigint[],
           %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS n
    ON CONFLICT (market_id, ref) DO UPDATE
       SET status = excluded.status, remaining_micro = excluded.remaining_micro,
           reserve_micro = excluded.reserve_micro, amount_micro = excluded.amount_micro,
           fee_micro = excluded.fee_micro, rebate_micro = excluded.rebate_micro,
           joined = excluded.joined, changed_at = excluded.changed_at"""
FILL = (
    "seq", "kind", "token", "buyer", "seller", "buy_order", "sell_order", "size_micro",
    "amount_micro", "price_pico", "fee_micro", "other_fee_micro", "maker_micro", "rebate_micro",
    "seigniorage_micro",
)  # fmt: skip
INSERT_FILLS = f"""
    INSERT INTO exchange_outcomefill (market_id, batch_seq, at, fill_no, {", ".join(FILL)})
    SELECT %s, %s, %s, n.* FROM unnest(%s::int[], %s::bigint[], %s::text[], %s::smallint[],
           {", ".join(["%s::bigint[]"] * (len(FILL) - 3))}) AS n"""  # noqa: S608 (constants)
TICK = (
    "market_id", "seq", "number", "t_ms", "at", "status", "prices", "z_e9", "backing",
    "redemption_micro", "pool_micro", "pairs_micro", "fees_micro", "seigniorage_micro",
    "gas_micro", "risk_micro", "profit_micro", "volume_micro", "report", "commands", "fills",
    "state_hash",
)  # fmt: skip
TICK_JSON = frozenset({"prices", "report"})
INSERT_TICK = f"""
    INSERT INTO exchange_outcometick ({", ".join(TICK)})
    VALUES ({", ".join("%s::jsonb" if name in TICK_JSON else "%s" for name in TICK)})
    """  # noqa: S608 (constants)
INSERT_NEWS = """
    INSERT INTO exchange_outboxevent (market_id, seq, public, private, created_at)
    VALUES (%s, %s, %s::jsonb, %s::jsonb, %s)"""
OVER = frozenset({outcome.ENDED, outcome.SETTLED})
UPDATE_LIVE = """
    UPDATE exchange_livestate
       SET command_seq = %s, batch_seq = %s, state = %s::jsonb, state_hash = %s,
           last_tick = %s::jsonb, settled_at = %s
     WHERE market_id = %s"""


def write(raw: Raw, batch: Batch, done: outcome.Settlement) -> None:
    """Write the tick: money, tokens, orders, fills, answers, prices, state and news.

    Keeps:   the entries of the batch's transfer sum to zero; batch_seq has no gap and no repeat.
    """
    batch.batch_seq += 1
    at = clock.at_ms(batch.started_ms + batch.t_ms)
    results = [answers.mapping(result) for result in done.results]
    digest = hashlib.sha256(outcome.canonical_bytes(done.state)).digest()
    figures = news.figures(batch, done)
    _open_accounts(raw, batch, done.postings)
    transfer = ledger.statements(
        kind="batch",
        ref=f"{batch.market_id}:{batch.batch_seq}",
        market_id=batch.market_id,
        at=at,
        legs=_legs(batch, done.postings),
    )
    if done.state.status == outcome.SETTLED and batch.state.status != outcome.SETTLED:
        transfer += _maker_paid(batch, done, at)
    with raw.pipeline():
        for statement in transfer:
            ask(raw, statement.sql, *statement.params)
        _write_holdings(raw, batch, done)
        _write_orders(raw, batch, done.orders.values(), at)
        batch_log.write(raw, batch, results)
        _write_fills(raw, batch, done.fills, at)
        ask(raw, INSERT_TICK, *_tick(batch, done, figures, at, digest))
    _write_live(raw, batch, done, figures, digest)
    _write_lifecycle(batch, done, at)


def _open_accounts(raw: Raw, batch: Batch, postings: Sequence[outcome.Posting]) -> None:
    wanted = {p.owner for p in postings if p.kind == "reserved" and p.owner is not None}
    kind = account_kind("reserved", play=batch.play)
    missing = [(user, str(kind)) for user in sorted(wanted - batch.aside.keys())]
    if missing:
        statement = ledger.opening(batch.market_id, missing)
        for pk, user, _ in ask(raw, statement.sql, *statement.params):
            batch.aside[user] = ledger.Balance(pk, 0, 0, b"")


def _legs(batch: Batch, postings: Sequence[outcome.Posting]) -> list[ledger.Leg]:
    house: defaultdict[str, int] = defaultdict(int)
    people: defaultdict[tuple[int, str, int], int] = defaultdict(int)
    for seq, kind, owner, amount in postings:
        if kind in HOUSE:
            house[kind] += amount
        else:
            assert owner is not None
            people[owner, kind, seq] += amount
    legs = [
        ledger.Leg(batch.purse(owner, kind), amount, seq)
        for (owner, kind, seq), amount in people.items()
    ]
    legs += [ledger.Leg(batch.house[kind], amount) for kind, amount in house.items()]
    return legs


def _maker_paid(batch: Batch, done: outcome.Settlement, at: Any) -> list[ledger.Statement]:
    """Return what is left of the fund, with fees and seigniorage, to whom it came from."""
    target = batch.house["issue"] if batch.play else batch.cash[batch.host_id]
    parts = {kind: batch.house[kind].balance_micro for kind in ("pool", "fees", "seigniorage")}
    legs = [ledger.Leg(batch.house[kind], -amount) for kind, amount in parts.items()]
    legs.append(ledger.Leg(target, sum(parts.values())))
    assert parts["pool"] == done.state.pool_micro
    ref = str(batch.market_id)
    return ledger.statements(kind="maker", ref=ref, market_id=batch.market_id, at=at, legs=legs)


def _write_holdings(raw: Raw, batch: Batch, done: outcome.Settlement) -> None:
    rows = []
    for now in done.traders.values():
        was = batch.traders[now.id]
        for token, pair in enumerate(zip(now.held_micro, now.locked_micro, strict=True)):
            if pair != (was.held_micro[token], was.locked_micro[token]):
                rows.append((now.id, token, *pair))
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        ask(raw, UPSERT_HOLDINGS, batch.market_id, *columns)


def _write_orders(raw: Raw, batch: Batch, orders: Any, at: Any) -> None:
    rows = [
        (
            o.id, o.trader, o.token, o.buys, o.size_micro, o.price_micro, o.auto_fill, o.status,
            o.remaining_micro, o.reserve_micro, o.amount_micro, o.fee_micro, o.rebate_micro,
            o.gas_micro, o.joined, order_key(o)[0],
        )
        for o in orders
    ]  # fmt: skip
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        ask(raw, UPSERT_ORDERS, batch.market_id, at, at, *columns)


def _write_fills(raw: Raw, batch: Batch, fills: Sequence[outcome.Fill], at: Any) -> None:
    if fills:
        columns = [[getattr(fill, name) for fill in fills] for name in FILL]
        numbers = list(range(1, len(fills) + 1))
        ask(raw, INSERT_FILLS, batch.market_id, batch.batch_seq, at, numbers, *columns)


def _tick(
    batch: Batch, done: outcome.Settlement, figures: dict[str, Any], at: Any, digest: bytes
) -> tuple[Any, ...]:
    state, tick = done.state, done.tick
    return (
        batch.market_id, batch.batch_seq, batch.number, batch.t_ms, at, state.status,
        json.dumps(tick.prices_pico), tick.z_e9, tick.backing_exact, tick.redemption_micro,
        state.pool_micro, state.pairs_micro, state.fees_micro, state.seigniorage_micro,
        state.gas_micro, figures["risk_micro"], figures["profit_micro"], figures["volume_micro"],
        json.dumps(figures["report"]), len(batch.requests), len(done.fills), digest,
    )  # fmt: skip


def _write_live(
    raw: Raw, batch: Batch, done: outcome.Settlement, figures: dict[str, Any], digest: bytes
) -> None:
    tick = news.tick(batch, done, figures)
    levels = book.levels(raw, batch.market_id) if done.orders else None
    public, private = news.of_batch(batch, done, tick, levels)
    with raw.pipeline():
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


def _write_lifecycle(batch: Batch, done: outcome.Settlement, at: Any) -> None:
    """Log what the house did, and move the session on where it has ended or is resolved."""
    for request, result in zip(batch.requests, done.results, strict=True):
        match result:
            case outcome.Eliminated():
                _record(batch, "eliminate", {"outcomes": list(result.outcomes)})
            case outcome.Gated(mode) if mode not in {batch.state.status, outcome.ENDED}:
                _record(batch, mode, {"key": request.key})
            case outcome.Resolved():
                _record(batch, "resolved", {"winner": result.winner})
            case _:
                pass
    session, market = (
        Session.objects.filter(pk=batch.market_id),
        Market.objects.filter(pk=batch.market_id),
    )
    if done.state.status in OVER and batch.state.status not in OVER:
        _record(batch, "ended", {})
        session.update(ended_at=at)
        market.update(status=Market.Status.ENDED)
    if done.state.status == outcome.SETTLED and batch.state.status != outcome.SETTLED:
        returned = done.state.pool_micro + done.state.fees_micro + done.state.seigniorage_micro
        session.update(resolved_at=at, winner=done.state.winner, maker_micro=returned)
        market.update(status=Market.Status.RESOLVED)


def _record(batch: Batch, kind: str, detail: dict[str, Any]) -> None:
    detail = {**detail, "tick": batch.number, "batch": batch.batch_seq}
    MarketEvent.objects.create(market_id=batch.market_id, kind=kind, detail=detail)
