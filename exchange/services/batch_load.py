"""Lock one market and read what a batch needs, in one round trip."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from exchange import clock
from exchange.engines import variable
from exchange.errors import NotFound
from exchange.selectors import configs
from exchange.services import locks
from exchange.services.batch import Batch, Receipt, Request, Row
from exchange.services.ledger import Balance

BATCH_MAX = 500
WAITING_MAX = 1_000
REFUNDS_MAX = 500

# The drain reads by key and never scans. Told so, the planner cannot keep a plan that it made
# while a table was small and that would read all of it once it is large.
PLANS = """
    SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
           set_config('enable_mergejoin', 'off', true)"""
ANSWERED = """
    SELECT user_id, key, request_hash, id, seq, batch_seq, kind, accepted, result, settled_s
      FROM exchange_command
     WHERE market_id = %s AND user_id = ANY(%s) AND key = ANY(%s)"""
ANSWERED_HOUSE = """
    SELECT user_id, key, request_hash, id, seq, batch_seq, kind, accepted, result, settled_s
      FROM exchange_command
     WHERE market_id = %s AND user_id IS NULL AND key = ANY(%s)"""
WAITING = """
    SELECT id, user_id, kind, key, request_hash, payload
      FROM exchange_command WHERE market_id = %s AND batch_seq IS NULL ORDER BY id LIMIT %s"""
HOUSE = """
    SELECT id, kind, balance_micro, version, head
      FROM exchange_account WHERE user_id IS NULL AND market_id = %s"""
POSITIONS = f"""
    SELECT user_id, shares_nano, entry_micro, escrow_micro, realised_micro, opened_s
      FROM exchange_position
     WHERE user_id = {locks.CONCERNED} AND market_id = %(market)s"""  # noqa: S608 (constants)
STAKES = f"""
    SELECT user_id, units_nano, locked_nano, cohorts, acc_paid, owed, claimed_micro
      FROM exchange_stake
     WHERE user_id = {locks.CONCERNED} AND market_id = %(market)s"""  # noqa: S608 (constants)

Raw = psycopg.Connection[Any]


def load(raw: Raw, market_id: int, requests: Sequence[Request]) -> Batch:
    """Lock the market and return the batch to be: state, waiting commands, people.

    Raises:  NotFound.
    Locks:   the live row, then the cash accounts of everybody concerned, by id.
    """
    users = sorted({r.user_id for r in requests if r.user_id is not None})
    keys = [r.key for r in requests if r.user_id is not None]
    house_keys = [r.key for r in requests if r.user_id is None]
    refunds = any(r.kind == "refund" for r in requests)
    concerned = {
        "users": users,
        "market": market_id,
        "waiting": WAITING_MAX,
        "refunds": REFUNDS_MAX if refunds else 0,
    }
    with raw.pipeline():
        ask(raw, PLANS)
        live = ask(raw, locks.LIVE_ROW, market_id)
        answered = ask(raw, ANSWERED, market_id, users, keys) if users else None
        by_house = ask(raw, ANSWERED_HOUSE, market_id, house_keys) if house_keys else None
        waiting = ask(raw, WAITING, market_id, WAITING_MAX)
        house = ask(raw, HOUSE, market_id)
        cash = ask_named(raw, locks.USER_CASH, concerned)
        positions = ask_named(raw, POSITIONS, concerned)
        stakes = ask_named(raw, STAKES, concerned)
    batch = _batch(market_id, live.fetchone())
    batch.house = {row[1]: Balance(row[0], row[2], row[3], row[4]) for row in house}
    batch.answered = [row for c in (answered, by_house) if c for row in c.fetchall()]
    batch.requests = [
        Request(kind, json.loads(payload), key, user, pk, digest)
        for pk, user, kind, key, digest, payload in waiting
    ]
    batch.waiting = len(batch.requests)
    _people(batch, users, cash.fetchall(), positions.fetchall())
    batch.providers = {row[0]: provider(row) for row in stakes}
    return batch


def ask(raw: Raw, sql: str, *params: object) -> "psycopg.Cursor[Any]":
    """Send a statement with server-side parameters; Django's own cursor binds in the client."""
    return psycopg.Cursor(raw).execute(sql, [_plain(value) for value in params])


def ask_named(raw: Raw, sql: str, params: dict[str, object]) -> "psycopg.Cursor[Any]":
    """Send a statement whose parameters are named."""
    plain = {name: _plain(value) for name, value in params.items()}
    return psycopg.Cursor(raw).execute(sql, plain)


def _plain(value: object) -> object:
    """Return a list as PostgreSQL's text of an array, anything else as it is.

    The driver's own dumper looks at every element for its narrowest type: a third of the time of
    a busy market, and a prepared statement for each combination of widths.
    """
    if not isinstance(value, list):
        return value
    return "{" + ",".join(map(_element, value)) + "}"


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bytes):
        return '"\\\\x' + value.hex() + '"'
    return str(value)


def _batch(market_id: int, row: Row | None) -> Batch:
    if row is None:
        raise NotFound(f"there is no market {market_id}")
    command_seq, batch_seq, state, halt_rule, reduce_only, config, status, slug, tick = row
    current = variable.MarketState.from_mapping(json.loads(state))
    return Batch(
        market_id=market_id,
        slug=slug,
        status=status,
        config=configs.parsed(config),
        state=current,
        command_seq=command_seq,
        batch_seq=batch_seq,
        halt_rule=halt_rule,
        reduce_only=reduce_only,
        last_tick=json.loads(tick),
        now_s=max(clock.now_s(), current.t_s),
    )


def _people(batch: Batch, users: list[int], cash: list[Row], positions: list[Row]) -> None:
    held = {row[0]: row[1:] for row in positions}
    barred = {row[1] for row in cash if row[5]}
    batch.cash = {row[1]: Balance(row[0], row[2], row[3], row[4]) for row in cash}
    waiting = {r.user_id for r in batch.requests if r.user_id is not None}
    for user in {*users, *waiting, *batch.cash}:
        shares, entry, escrow, realised, opened = held.get(user, (0, 0, 0, 0, 0))
        balance = batch.cash.get(user)
        batch.opened_s[user] = opened
        batch.traders[user] = variable.Trader(
            id=user,
            cash_micro=balance.balance_micro if balance else 0,
            shares_nano=shares,
            entry_micro=entry,
            escrow_micro=escrow,
            realised_micro=realised,
            opens_barred=batch.reduce_only or user in barred,
        )


def provider(row: Row) -> variable.Provider:
    """Return a stake's row as the engine's value."""
    user, units, locked, cohorts, acc_paid, owed, claimed = row
    return variable.Provider.from_mapping(
        {
            "id": user,
            "units_nano": units,
            "locked_nano": locked,
            "cohorts": json.loads(cohorts),
            "acc_paid": int(acc_paid),
            "owed": int(owed),
            "claimed_micro": claimed,
        }
    )


# What the site does not offer yet, the engine is told to refuse: a sale closes and opens no short,
# and a contribution is made while a market is being funded.
OFFERED = {"sell": {"reduce_only": True}, "contribute": {"funding_only": True}}
COMMANDS: dict[str, Callable[..., variable.Command]] = {
    "buy": variable.Buy,
    "sell": variable.Sell,
    "contribute": variable.Contribute,
    "claim": variable.Claim,
    "refund": variable.Refund,
    "heartbeat": variable.Heartbeat,
}


def command(request: Request, seq: int) -> variable.Command:
    """Return the engine's command for a request that was parsed at the edge."""
    if request.kind == "oracle":
        reports = [variable.Report(**report) for report in request.payload["reports"]]
        return variable.OracleEvent(seq=seq, reports=tuple(reports))
    build = COMMANDS[request.kind]
    if request.user_id is None:
        return build(seq=seq, **request.payload)
    offered = OFFERED.get(request.kind, {})
    return build(seq=seq, trader=request.user_id, **offered, **request.payload)


def receipt(row: Row) -> Receipt:
    """Return the stored answer of a command that was settled before."""
    _, _, _, pk, seq, batch_seq, kind, accepted, result, settled_s = row
    answer = json.loads(result)
    return Receipt(pk, seq, batch_seq, kind, accepted, answer, settled_s, replayed=True)
