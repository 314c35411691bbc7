"""Lock one session and read what its next tick needs, in a few round trips."""

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import psycopg

from exchange.engines import outcome
from exchange.errors import NotFound
from exchange.models import AccountKind
from exchange.selectors.outcome import configs
from exchange.selectors.outcome.frontier import HOLDINGS, StoredBook, traders_of
from exchange.selectors.raw import Raw, ask
from exchange.services import locks
from exchange.services.batch import Request, Row
from exchange.services.batch_frontier import ContendedError
from exchange.services.batch_load import PLANS
from exchange.services.ledger import Balance
from exchange.services.outcome.batch import PLAY, Batch, account_kind
from exchange.services.outcome.schedule import Standing, Step, earlier, step

TAKEN_MAX = 5_000

WAITING = """
    SELECT id, user_id, kind, key, request_hash, payload,
           floor(extract(epoch FROM created_at) * 1000)::bigint
      FROM exchange_command
     WHERE market_id = %s AND batch_seq IS NULL AND created_at < to_timestamp(%s / 1000.0)
     ORDER BY id LIMIT %s"""
HOUSE = """
    SELECT id, kind, balance_micro, version, head
      FROM exchange_account WHERE user_id IS NULL AND market_id = %s"""
OWN = """
    SELECT id, user_id, kind, balance_micro, version, head
      FROM exchange_account WHERE user_id = ANY(%s::bigint[]) AND market_id = %s"""
EVERYBODY = """
    SELECT DISTINCT user_id FROM exchange_holding
     WHERE market_id = %s AND (free_micro > 0 OR locked_micro > 0)
     UNION SELECT DISTINCT user_id FROM exchange_outcomeorder
     WHERE market_id = %s AND status IN ('open', 'partial') AND joined > 0"""
PAYING = frozenset({"eliminate", "resolve"})


class LockedBook(StoredBook):
    """The frontier of a session whose lock is held; whoever is met joins the batch, locked."""

    batch: Batch

    def trader(self, key: int) -> outcome.Trader | None:
        """Return one account, locked.

        Raises:  ContendedError, where that would mean to wait out of order.
        """
        if key not in self.batch.traders:
            try:
                add_people(self.raw, self.batch, [key], waits=False)
            except psycopg.errors.LockNotAvailable as held:
                raise ContendedError(frozenset({key, *self.batch.traders})) from held
        return self.batch.traders[key]


def load(
    raw: Raw, market_id: int, now_ms: Callable[[int], int], also: frozenset[int]
) -> Batch | None:
    """Lock the session and return its next tick, or None where nothing is due.

    `now_ms` tells the time on a clock that started then; `also` are people whom an earlier attempt
    came upon.
    Locks:   the live row, then, for real money, the cash accounts of everybody concerned, by id.
    """
    with raw.pipeline():
        ask(raw, PLANS)
        live = ask(raw, locks.SESSION_ROW, market_id)
        house = ask(raw, HOUSE, market_id)
    found = _begun(raw, market_id, live.fetchone(), now_ms)
    if found is None:
        return None
    book, due = found
    batch = book.batch
    with raw.pipeline():
        boundary = batch.started_ms + due.t_ms
        waiting = ask(raw, WAITING, market_id, boundary, TAKEN_MAX)
        fronts = book.ask_fronts()
    rows = waiting.fetchall()
    if rows:
        oldest_ms = min(row[-1] for row in rows) - batch.started_ms
        due = earlier(due, batch.last_tick.get("number", 0), oldest_ms, batch.config.batch_ms)
        batch.number, batch.t_ms = due.number, due.t_ms
    _take(batch, [row for row in rows if row[-1] < batch.started_ms + due.t_ms], due)
    if not batch.requests:
        return None
    book.take_fronts(fronts.fetchall())
    batch.house = {
        kind.removeprefix(PLAY) if batch.play else kind: Balance(pk, *rest)
        for pk, kind, *rest in house.fetchall()
    }
    add_people(raw, batch, _concerned(raw, batch) | book.owners() | also)
    book.know([r.payload["ref"] for r in batch.requests if r.kind == "cancel"])
    return batch


def _begun(
    raw: Raw, market_id: int, row: Row | None, now_ms: Callable[[int], int]
) -> tuple[LockedBook, Step] | None:
    if row is None:
        raise NotFound(f"there is no session {market_id}")
    command_seq, batch_seq, state, halt_rule, reduces, tick, config, *session = row
    status, code, play, started_ms, winner, host_id = session
    if started_ms is None or halt_rule:
        return None
    parsed, last_tick = configs.parsed(config), json.loads(tick)
    current = outcome.MarketState.from_mapping(json.loads(state))
    last, now = last_tick.get("number", 0), now_ms(started_ms)
    due = step(parsed, current, Standing(status, reduces, winner, last, now))
    if due is None:
        return None
    book = LockedBook(raw, market_id, parsed.n_outcomes)
    book.batch = Batch(
        market_id=market_id,
        code=code,
        play=play,
        host_id=host_id,
        config=parsed,
        state=current,
        status=status,
        started_ms=started_ms,
        command_seq=command_seq,
        batch_seq=batch_seq,
        last_tick=last_tick,
        number=due.number,
        t_ms=due.t_ms,
        frontier=book,
    )
    return book, due


def _take(batch: Batch, rows: list[Row], due: Step) -> None:
    for pk, user, kind, key, digest, payload, at_ms in rows:
        batch.requests.append(Request(kind, json.loads(payload), key, user, pk, digest))
        batch.arrived_ms.append(at_ms - batch.started_ms)
    batch.waiting = len(batch.requests)
    for kind, payload, occasion in due.house:
        batch.requests.append(Request(kind, payload, f"{batch.market_id}:{occasion}"))
        batch.arrived_ms.append(due.t_ms)


def _concerned(raw: Raw, batch: Batch) -> set[int]:
    """Return the callers, and those whom a resolution pays."""
    users = {r.user_id for r in batch.requests if r.user_id is not None}
    if any(r.kind in PAYING for r in batch.requests):
        rows = ask(raw, EVERYBODY, batch.market_id, batch.market_id)
        users |= {row[0] for row in rows} | {batch.host_id}
    return users


def add_people(raw: Raw, batch: Batch, users: Collection[int], *, waits: bool = True) -> None:
    """Give a batch some people with all that they have in its session, locked.

    Locks:   their cash accounts, by id; play money is under the session's own lock.
    """
    wanted = sorted(users)
    with raw.pipeline():
        sql = locks.CASH_OF if waits else f"{locks.CASH_OF} NOWAIT"
        cash = None if batch.play else ask(raw, sql, wanted)
        own = ask(raw, OWN, wanted, batch.market_id)
        held = ask(raw, HOLDINGS, batch.market_id, wanted)
    for pk, user, *rest in cash or ():
        batch.cash[user] = Balance(pk, *rest)
    reserved = account_kind("reserved", play=batch.play)
    for pk, user, kind, *rest in own:
        if kind == reserved:
            batch.aside[user] = Balance(pk, *rest)
        elif kind == AccountKind.PLAY_CASH:
            batch.cash[user] = Balance(pk, *rest)
    for user, trader in traders_of(wanted, held.fetchall(), 2 * batch.config.n_outcomes).items():
        batch.traders[user] = replace(
            trader,
            cash_micro=_balance(batch.cash.get(user)),
            reserved_micro=_balance(batch.aside.get(user)),
        )


def _balance(account: Any) -> int:
    return 0 if account is None else int(account.balance_micro)
