"""Lock one market and read what a batch needs, in one round trip."""

import json
from collections.abc import Sequence

from exchange import clock
from exchange.engines import variable
from exchange.errors import NotFound
from exchange.selectors import configs
from exchange.selectors.frontier import COLUMNS
from exchange.selectors.raw import Raw, ask, ask_named
from exchange.services import locks
from exchange.services.batch import Batch, Pause, Receipt, Request, Row
from exchange.services.batch_frontier import STAKE, LockedFrontier, add_person, add_provider
from exchange.services.ledger import Balance

BATCH_MAX = 500
WAITING_MAX = 1_000
REFUNDS_MAX = 500
HOLDERS_MAX = 10**9

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
# What people have set aside in this market; whoever holds the market's lock may write it.
ASIDE = f"""
    SELECT id, user_id, kind, balance_micro, version, head
      FROM exchange_account
     WHERE user_id = {locks.CONCERNED} AND market_id = %(market)s"""  # noqa: S608 (constants)
POSITIONS = f"""
    SELECT {COLUMNS} FROM exchange_position
     WHERE user_id = {locks.CONCERNED} AND market_id = %(market)s"""  # noqa: S608 (constants)
STAKES = f"""
    SELECT {STAKE} FROM exchange_stake
     WHERE user_id = {locks.CONCERNED} AND market_id = %(market)s"""  # noqa: S608 (constants)


def load(
    raw: Raw, market_id: int, requests: Sequence[Request], also: frozenset[int] = frozenset()
) -> Batch:
    """Lock the market and return the batch to be: state, waiting commands, people, frontier.

    `also` are people whom an earlier attempt came upon.
    Raises:  NotFound.
    Locks:   the live row, then the cash accounts of everybody concerned, by id.
    """
    users = sorted({r.user_id for r in requests if r.user_id is not None})
    keys = [r.key for r in requests if r.user_id is not None]
    house_keys = [r.key for r in requests if r.user_id is None]
    kinds = {r.kind for r in requests}
    concerned = {
        "users": sorted(also.union(users)),
        "market": market_id,
        "waiting": WAITING_MAX,
        "refunds": REFUNDS_MAX if "refund" in kinds else 0,
        "holders": HOLDERS_MAX if "settle" in kinds else 0,
    }
    frontier = LockedFrontier(raw, market_id)
    with raw.pipeline():
        ask(raw, PLANS)
        live = ask(raw, locks.LIVE_ROW, market_id)
        answered = ask(raw, ANSWERED, market_id, users, keys) if users else None
        by_house = ask(raw, ANSWERED_HOUSE, market_id, house_keys) if house_keys else None
        waiting = ask(raw, WAITING, market_id, WAITING_MAX)
        house = ask(raw, HOUSE, market_id)
        cash = ask_named(raw, locks.USER_CASH, concerned)
        aside = ask_named(raw, ASIDE, concerned)
        positions = ask_named(raw, POSITIONS, concerned)
        stakes = ask_named(raw, STAKES, concerned)
        frontier.ask_heads()
    batch = _batch(market_id, live.fetchone(), frontier)
    batch.house = {row[1]: Balance(row[0], row[2], row[3], row[4]) for row in house}
    batch.answered = [row for c in (answered, by_house) if c for row in c.fetchall()]
    batch.requests = [
        Request(kind, json.loads(payload), key, user, pk, digest)
        for pk, user, kind, key, digest, payload in waiting
    ]
    batch.waiting = len(batch.requests)
    batch.aside = {
        (row[1], row[2]): Balance(row[0], row[3], row[4], row[5]) for row in aside.fetchall()
    }
    _people(batch, users, cash.fetchall(), positions.fetchall())
    for row in stakes:
        add_provider(batch, row)
    frontier.take_heads()
    frontier.serve(batch)
    return batch


def _batch(market_id: int, row: Row | None, frontier: LockedFrontier) -> Batch:
    if row is None:
        raise NotFound(f"there is no market {market_id}")
    command_seq, batch_seq, state, halt_rule, reduce_only, config, slug, tick, *pause = row
    current = variable.MarketState.from_mapping(json.loads(state))
    rule, since_s, until_s, recent, pool_sums = pause
    return Batch(
        market_id=market_id,
        slug=slug,
        config=configs.parsed(config),
        state=current,
        command_seq=command_seq,
        batch_seq=batch_seq,
        halt_rule=halt_rule,
        reduce_only=reduce_only,
        last_tick=json.loads(tick),
        now_s=max(clock.now_s(), current.t_s),
        frontier=frontier,
        pause=Pause(rule, since_s, until_s),
        recent=json.loads(recent),
        pool_sums=json.loads(pool_sums),
    )


def _people(batch: Batch, users: list[int], cash: list[Row], positions: list[Row]) -> None:
    held = {row[0]: row for row in positions}
    purses = {row[1]: row for row in cash}
    waiting = {r.user_id for r in batch.requests if r.user_id is not None}
    for user in {*users, *waiting, *purses}:
        add_person(batch, user, purses.get(user), held.get(user))
    batch.concerned = frozenset(batch.traders)


def command(request: Request, seq: int) -> variable.Command:
    """Return the engine's command for a request that was parsed at the edge."""
    return variable.command_of(request.kind, request.payload, seq, request.user_id)


def receipt(row: Row) -> Receipt:
    """Return the stored answer of a command that was settled before."""
    _, _, _, pk, seq, batch_seq, kind, accepted, result, settled_s = row
    answer = json.loads(result)
    return Receipt(pk, seq, batch_seq, kind, accepted, answer, settled_s, replayed=True)
