"""What the audit asks of sessions: money, tokens, ticks and states, each against the other.

The specification's identity (10.1) is kept by the ledger itself: a tick moves money in one transfer
whose entries sum to zero. Here it is checked that no such transfer reaches beyond the session, and
that what the engine says of its accounts and tokens is what the books have.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from django.db import connection

from exchange.engines import outcome
from exchange.models import Market
from exchange.services.outcome.batch import PLAY

Finding = dict[str, Any]

STATES = """
    SELECT l.market_id, k.status, l.batch_seq, l.state, l.state_hash, t.state_hash
      FROM exchange_livestate l
      JOIN exchange_market k ON k.id = l.market_id AND k.kind = 'outcome'
      LEFT JOIN exchange_outcometick t ON t.market_id = l.market_id AND t.seq = l.batch_seq"""
BALANCES = """
    SELECT a.market_id, a.kind, a.balance_micro
      FROM exchange_account a JOIN exchange_session s ON s.market_id = a.market_id
     WHERE a.user_id IS NULL"""
TOKENS = """
    SELECT h.market_id, h.token, sum(h.free_micro)::bigint, sum(h.locked_micro)::bigint
      FROM exchange_holding h GROUP BY h.market_id, h.token"""
LOCKED = """
    SELECT coalesce(h.market_id, o.market_id), coalesce(h.user_id, o.user_id),
           coalesce(h.token, o.token), coalesce(h.locked_micro, 0), coalesce(o.locked, 0)::bigint
      FROM (SELECT * FROM exchange_holding WHERE locked_micro > 0) h
      FULL JOIN (SELECT market_id, user_id, token, sum(remaining_micro) AS locked
                   FROM exchange_outcomeorder
                  WHERE NOT buys AND joined > 0 AND status IN ('open', 'partial')
                  GROUP BY market_id, user_id, token) o
        ON o.market_id = h.market_id AND o.user_id = h.user_id AND o.token = h.token
     WHERE coalesce(h.locked_micro, 0) <> coalesce(o.locked, 0)"""
TICKS = """
    SELECT l.market_id, l.batch_seq, count(t.seq), coalesce(max(t.seq), 0),
           coalesce((l.last_tick ->> 'number')::bigint, 0), coalesce(max(t.number), 0)
      FROM exchange_livestate l
      JOIN exchange_market k ON k.id = l.market_id AND k.kind = 'outcome'
      LEFT JOIN exchange_outcometick t ON t.market_id = l.market_id
     GROUP BY l.market_id, l.batch_seq, l.last_tick
    HAVING count(t.seq) <> l.batch_seq OR coalesce(max(t.seq), 0) <> l.batch_seq
        OR coalesce(max(t.number), 0) <> coalesce((l.last_tick ->> 'number')::bigint, 0)"""
DISORDER = """
    SELECT market_id, seq FROM (
        SELECT market_id, seq, number > lag(number) OVER w AS later, t_ms > lag(t_ms) OVER w AS up
          FROM exchange_outcometick WINDOW w AS (PARTITION BY market_id ORDER BY seq)) x
     WHERE NOT (coalesce(later, true) AND coalesce(up, true))"""
# Play money and real money never meet; a tick moves money in its own session and real cash only.
MIXED = """
    SELECT e.transfer_id FROM exchange_entry e JOIN exchange_account a ON a.id = e.account_id
     GROUP BY e.transfer_id
    HAVING bool_or(a.kind LIKE 'play%') AND NOT bool_and(a.kind LIKE 'play%')"""
ABROAD = """
    SELECT DISTINCT t.id FROM exchange_transfer t
      JOIN exchange_session s ON s.market_id = t.market_id
      JOIN exchange_entry e ON e.transfer_id = t.id
      JOIN exchange_account a ON a.id = e.account_id
     WHERE a.market_id IS DISTINCT FROM t.market_id
       AND NOT (s.money = 'real' AND a.kind = 'cash' AND a.user_id IS NOT NULL)"""


def supplies_match() -> Iterator[Finding]:
    """10.1: a session's accounts and tokens are what its engine says."""
    books: dict[int, dict[str | int, int]] = {}
    for market, kind, balance in _rows(BALANCES):
        books.setdefault(market, {})[kind.removeprefix(PLAY)] = balance
    held: dict[int, dict[str | int, int]] = {}
    for market, token, free, locked in _rows(TOKENS):
        held.setdefault(market, {})[token] = free + locked
    for market, status, _, raw, *_ in _rows(STATES):
        state = outcome.MarketState.from_mapping(json.loads(raw))
        for what, wanted in {**_balances(state, status), **_supplies(state)}.items():
            have = held if isinstance(what, int) else books
            found = have.get(market, {}).get(what, 0)
            if found != wanted:
                rule = f"token {what}" if isinstance(what, int) else what
                yield {"rule": rule, "market": market, "state": wanted, "found": found}


def locks_match() -> Iterator[Finding]:
    """Tokens that are locked are those of the sell orders that rest."""
    for market, user, token, locked, wanted in _rows(LOCKED):
        figures = {"locked": locked, "orders": wanted}
        yield {"rule": "locked", "market": market, "user": user, "token": token, **figures}


def states_match() -> Iterator[Finding]:
    """I9: a session's state has the hash that its row and the tick of its last batch say."""
    for market, _, batch, raw, digest, told in _rows(STATES):
        state = outcome.MarketState.from_mapping(json.loads(raw))
        found = hashlib.sha256(outcome.canonical_bytes(state)).digest()
        if found != bytes(digest) or (told is not None and found != bytes(told)):
            yield {"rule": "I9", "market": market, "batch": batch, "what": "state"}


def ticks_have_no_gap() -> Iterator[Finding]:
    """I10: batches count on without a gap, and the numbers of ticks rise to the newest."""
    for market, wanted, count, last, number, newest in _rows(TICKS):
        figures = {"batch": wanted, "ticks": count, "last": last}
        numbers = {"number": number, "newest": newest}
        yield {"rule": "I10", "market": market, **figures, **numbers}


def ticks_are_in_order() -> Iterator[Finding]:
    """I10: neither the number nor the time of a session's ticks goes back."""
    for market, seq in _rows(DISORDER):
        yield {"rule": "I10", "market": market, "batch": seq, "what": "order"}


def money_stays_apart() -> Iterator[Finding]:
    """No transfer mixes play money with real, and none of a session reaches beyond it."""
    for (transfer,) in _rows(MIXED):
        yield {"rule": "play", "transfer": transfer}
    for (transfer,) in _rows(ABROAD):
        yield {"rule": "abroad", "transfer": transfer}


def _supplies(state: outcome.MarketState) -> dict[str | int, int]:
    """Return how much of each token people must have: what was issued, and the pairs."""
    wanted: dict[str | int, int] = {}
    for number, row in enumerate(state.outcomes):
        wanted[2 * number] = row.yes_micro + row.pairs_micro
        wanted[2 * number + 1] = row.no_micro + row.pairs_micro
    return wanted


def _balances(state: outcome.MarketState, status: str) -> dict[str | int, int]:
    """Return what the session's own accounts must hold; the maker is paid when it is resolved."""
    if status in (Market.Status.DRAFT, Market.Status.LOBBY, Market.Status.CLOSED):
        return dict.fromkeys(("pool", "pairs", "fees", "seigniorage", "gas"), 0)
    is_paid = status == Market.Status.RESOLVED
    return {
        "pool": 0 if is_paid else state.pool_micro,
        "fees": 0 if is_paid else state.fees_micro,
        "seigniorage": 0 if is_paid else state.seigniorage_micro,
        "gas": state.gas_micro,
        "pairs": state.pairs_micro,
    }


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


CHECKS = (supplies_match, locks_match, states_match, ticks_have_no_gap)
FULL_CHECKS = (ticks_are_in_order, money_stays_apart)
