"""Write what a batch changed of people's own: positions, stakes, and what rests for them."""

import json
from collections.abc import Mapping
from typing import Any

from exchange import clock
from exchange.engines import variable
from exchange.engines.variable import frontier as fr
from exchange.engines.variable import resting as items
from exchange.engines.variable.results import BUY
from exchange.selectors.raw import Raw, ask
from exchange.services.batch import Batch

# What a command that leaves something to rest says of its size.
PLACES = {
    "limit": ("shares_nano",),
    "timed_exit": ("shares_nano", "chunks"),
    "queue_withdrawal": ("units_nano",),
}
UPSERT_POSITIONS = """
    INSERT INTO exchange_position
           (market_id, user_id, shares_nano, entry_micro, escrow_micro, realised_micro, opened_s,
            ref, stop_pico, target_pico, exit_ref, parked, margin_key)
    SELECT %s, n.* FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
           %s::bigint[], %s::bigint[], %s::bigint[], %s::numeric[], %s::numeric[], %s::bigint[],
           %s::boolean[], %s::numeric[]) AS n
    ON CONFLICT (market_id, user_id) DO UPDATE
       SET shares_nano = excluded.shares_nano, entry_micro = excluded.entry_micro,
           escrow_micro = excluded.escrow_micro, realised_micro = excluded.realised_micro,
           opened_s = excluded.opened_s, ref = excluded.ref, stop_pico = excluded.stop_pico,
           target_pico = excluded.target_pico, exit_ref = excluded.exit_ref,
           parked = excluded.parked, margin_key = excluded.margin_key"""
UPSERT_STAKES = """
    INSERT INTO exchange_stake
           (market_id, user_id, units_nano, locked_nano, cohorts, acc_paid, owed, claimed_micro,
            instant_day, instant_nano, contributed_micro, withdrawn_micro, gained)
    SELECT %s, n.* FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::jsonb[],
           %s::numeric[], %s::numeric[], %s::bigint[], %s::int[], %s::bigint[], %s::bigint[],
           %s::bigint[], %s::jsonb[]) AS n
    ON CONFLICT (market_id, user_id) DO UPDATE
       SET units_nano = excluded.units_nano, locked_nano = excluded.locked_nano,
           cohorts = excluded.cohorts, acc_paid = excluded.acc_paid, owed = excluded.owed,
           claimed_micro = excluded.claimed_micro, instant_day = excluded.instant_day,
           instant_nano = excluded.instant_nano, gained = excluded.gained,
           contributed_micro = excluded.contributed_micro,
           withdrawn_micro = excluded.withdrawn_micro"""
UPSERT_RESTING = """
    INSERT INTO exchange_restingorder
           (market_id, placed_at, changed_at, ref, user_id, kind, status, place, level,
            reserved_micro, item, asked)
    SELECT %s, %s, %s, n.* FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[],
           %s::text[], %s::numeric[], %s::bigint[], %s::jsonb[], %s::jsonb[]) AS n
    ON CONFLICT (market_id, ref) DO UPDATE
       SET status = excluded.status, place = excluded.place, level = excluded.level,
           item = excluded.item, reserved_micro = excluded.reserved_micro,
           changed_at = excluded.changed_at"""


def write(raw: Raw, batch: Batch, done: variable.Settlement) -> None:
    """Send the statements for whatever changed; the caller has opened the pipeline."""
    _write_positions(raw, batch, done)
    _write_stakes(raw, batch, done)
    _write_resting(raw, batch, done)


def _write_positions(raw: Raw, batch: Batch, done: variable.Settlement) -> None:
    moved = [t for t in done.traders.values() if _held(t) != _held(batch.traders[t.id])]
    if not moved:
        return
    ask(
        raw,
        UPSERT_POSITIONS,
        batch.market_id,
        [t.id for t in moved],
        [t.shares_nano for t in moved],
        [t.entry_micro for t in moved],
        [t.escrow_micro for t in moved],
        [t.realised_micro for t in moved],
        [_opened_s(batch, t) for t in moved],
        [t.position_id for t in moved],
        [t.stop_pico for t in moved],
        [t.target_pico for t in moved],
        [t.exit_id for t in moved],
        [t.parked for t in moved],
        [_margin_key(t) for t in moved],
    )


def _held(trader: variable.Trader) -> tuple[Any, ...]:
    """Return what of a trader is in the position's row."""
    return (
        trader.shares_nano,
        trader.entry_micro,
        trader.escrow_micro,
        trader.realised_micro,
        trader.position_id,
        trader.stop_pico,
        trader.target_pico,
        trader.exit_id,
        trader.parked,
    )


def _opened_s(batch: Batch, trader: variable.Trader) -> int:
    same = batch.traders[trader.id].position_id == trader.position_id
    return batch.opened_s[trader.id] if same else batch.now_s


def _margin_key(trader: variable.Trader) -> int | None:
    if trader.shares_nano >= 0:
        return None
    return fr.margin_key(trader.escrow_micro, -trader.shares_nano)


def _write_stakes(raw: Raw, batch: Batch, done: variable.Settlement) -> None:
    if not done.providers:
        return
    rows = [p.to_mapping() for p in done.providers.values()]
    histories = [batch.histories[row["id"]] for row in rows]
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
        [row["instant_day"] for row in rows],
        [row["instant_nano"] for row in rows],
        [history.contributed_micro for history in histories],
        [history.withdrawn_micro for history in histories],
        [json.dumps(history.gained) for history in histories],
    )


def _write_resting(raw: Raw, batch: Batch, done: variable.Settlement) -> None:
    if not done.resting:
        return
    rows = list(done.resting.values())
    places = [fr.resting_key(row) for row in rows]
    placed = _placed(batch, done)
    ask(
        raw,
        UPSERT_RESTING,
        batch.market_id,
        clock.at(batch.now_s),
        clock.at(batch.now_s),
        [row.id for row in rows],
        [row.trader for row in rows],
        [items.kind_of(row) for row in rows],
        [row.status for row in rows],
        [place for place, _ in places],
        [key[0] for _, key in places],
        [getattr(row, "reserved_micro", 0) for row in rows],
        [json.dumps(items.to_mapping(row)) for row in rows],
        [json.dumps(items.to_mapping(row) | placed.get(row.id, {})) for row in rows],
    )


def _placed(batch: Batch, done: variable.Settlement) -> dict[int, dict[str, Any]]:
    """Return what the batch has changed since of the items it has placed, as it was at first."""
    found: dict[int, dict[str, Any]] = {}
    for request, result in zip(batch.requests, done.results, strict=True):
        if isinstance(result, variable.Filled) and result.committed is not None:
            found[result.committed] = _committed(request.payload, result)
        elif isinstance(result, variable.Applied) and request.kind in PLACES:
            sizes = {name: request.payload[name] for name in PLACES[request.kind]}
            if "reserved_micro" in result.fields:
                sizes["reserved_micro"] = result.fields["reserved_micro"]
            ref = result.fields["id"]
            assert isinstance(ref, int)
            found[ref] = {**sizes, "status": items.OPEN}
    return found


def _committed(payload: Mapping[str, Any], result: variable.Filled) -> dict[str, Any]:
    """Return what was set aside for a leg that waits: its amount, or the bound less what went."""
    if result.side == BUY:
        amount = payload.get("amount_micro")
        bound = payload.get("max_cost_micro", 0) if amount is None else amount
        return {"reserved_micro": bound - result.net_micro, "status": items.OPEN}
    return {"reserved_micro": payload["max_margin_micro"], "status": items.OPEN}
