"""Recompute the books from their entries and compare: balances, chains, positions, supplies.

Every check is a function that yields findings, so that a test can break one thing and see it named.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, transaction

from exchange import clock
from exchange.models import AuditRun
from exchange.services import ledger

Finding = dict[str, Any]

UNBALANCED = """
    SELECT transfer_id, sum(amount_micro)::bigint FROM exchange_entry
     GROUP BY transfer_id HAVING sum(amount_micro) <> 0 OR count(*) < 2"""
ORPHANS = """
    SELECT e.id, e.transfer_id, e.account_id FROM exchange_entry e
      LEFT JOIN exchange_transfer t ON t.id = e.transfer_id
      LEFT JOIN exchange_account a ON a.id = e.account_id
     WHERE t.id IS NULL OR a.id IS NULL"""
TOTAL = "SELECT coalesce(sum(balance_micro), 0)::bigint FROM exchange_account"
BELOW_FLOOR = """
    SELECT id, kind, balance_micro FROM exchange_account
     WHERE balance_micro < 0 AND kind <> 'external'"""
RESERVED = """
    SELECT u, booked, held FROM (
        SELECT coalesce(a.user_id, h.user_id) AS u, coalesce(a.balance_micro, 0) AS booked,
               coalesce(h.total, 0)::bigint AS held
          FROM (SELECT * FROM exchange_account
                 WHERE kind = 'reserved' AND market_id IS NULL) a
          FULL JOIN (SELECT user_id, sum(amount_micro) AS total FROM exchange_hold
                      WHERE state = 'open' GROUP BY user_id) h ON h.user_id = a.user_id) x
     WHERE booked <> held"""
# What a person has set aside in a market is what rests there for them, or what secures their short.
ASIDE = """
    SELECT coalesce(a.user_id, w.user_id), coalesce(a.market_id, w.market_id),
           coalesce(a.kind, w.kind), coalesce(a.balance_micro, 0), coalesce(w.wanted, 0)::bigint
      FROM (SELECT user_id, market_id, kind, balance_micro FROM exchange_account
             WHERE user_id IS NOT NULL AND market_id IS NOT NULL) a
      FULL JOIN (SELECT user_id, market_id, 'reserved' AS kind, sum(reserved_micro) AS wanted
                   FROM exchange_restingorder WHERE status = 'open' AND reserved_micro > 0
                  GROUP BY user_id, market_id
                  UNION ALL
                 SELECT user_id, market_id, 'escrow', escrow_micro FROM exchange_position
                  WHERE escrow_micro > 0) w
        ON w.user_id = a.user_id AND w.market_id = a.market_id AND w.kind = a.kind
     WHERE coalesce(a.balance_micro, 0) <> coalesce(w.wanted, 0)"""
SUPPLIES = """
    SELECT l.market_id, l.state, coalesce(p.longs, 0)::text, coalesce(p.shorts, 0)::text,
           coalesce(s.units, 0)::text
      FROM exchange_livestate l
      LEFT JOIN (SELECT market_id, sum(greatest(shares_nano, 0)) AS longs,
                        sum(greatest(-shares_nano, 0)) AS shorts
                   FROM exchange_position GROUP BY market_id) p ON p.market_id = l.market_id
      LEFT JOIN (SELECT market_id, sum(units_nano) AS units
                   FROM exchange_stake GROUP BY market_id) s ON s.market_id = l.market_id"""
HOUSE_BALANCES = """
    SELECT market_id, kind, balance_micro FROM exchange_account
     WHERE market_id IS NOT NULL AND user_id IS NULL"""
SEQUENCES = """
    SELECT l.market_id, l.command_seq, count(c.seq), coalesce(max(c.seq), 0)
      FROM exchange_livestate l
      LEFT JOIN exchange_command c ON c.market_id = l.market_id AND c.seq IS NOT NULL
     GROUP BY l.market_id, l.command_seq
    HAVING count(c.seq) <> l.command_seq OR coalesce(max(c.seq), 0) <> l.command_seq"""
FILLS = """
    SELECT p.user_id, p.market_id, p.shares_nano, coalesce(f.net, 0)::bigint
      FROM exchange_position p
      LEFT JOIN (SELECT user_id, market_id,
                        sum(CASE side WHEN 'buy' THEN shares_nano ELSE -shares_nano END) AS net
                   FROM exchange_fill GROUP BY user_id, market_id) f
        ON f.user_id = p.user_id AND f.market_id = p.market_id
     WHERE p.shares_nano <> coalesce(f.net, 0)"""
STATE_KINDS = {
    "pool": "pool_micro",
    "funding": "funding_micro",
    "lp_fees": "lp_fees_micro",
    "insurance": "insurance_micro",
    "treasury": "treasury_micro",
}


def run() -> AuditRun:
    """Examine everything in one snapshot and keep the result."""
    started = clock.now()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        findings = [finding for check in CHECKS for finding in check()]
    return AuditRun.objects.create(
        started_at=started,
        finished_at=clock.now(),
        ok=not findings,
        findings=findings[:100],
        figures={"checks": len(CHECKS), "findings": len(findings)},
    )


def examine() -> list[Finding]:
    """Run every check without keeping the result; for tests and commands."""
    return [finding for check in CHECKS for finding in check()]


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def transfers_balance() -> Iterator[Finding]:
    """I1: the entries of each transfer sum to zero, and there are at least two."""
    for transfer, total in _rows(UNBALANCED):
        yield {"rule": "I1", "transfer": transfer, "sum_micro": total}
    for entry, transfer, account in _rows(ORPHANS):
        yield {"rule": "I1", "entry": entry, "transfer": transfer, "account": account}


def total_is_zero() -> Iterator[Finding]:
    """I6: what is inside is what came in from outside."""
    total = _rows(TOTAL)[0][0]
    if total:
        yield {"rule": "I6", "sum_micro": total}


def floors_hold() -> Iterator[Finding]:
    """I2: no account but the outside is negative."""
    for account, kind, balance in _rows(BELOW_FLOOR):
        yield {"rule": "I2", "account": account, "kind": kind, "balance_micro": balance}


def chains_hold() -> Iterator[Finding]:
    """I4 and I5: each account is the sum of its entries, and no entry was edited."""
    for broken in ledger.chain_breaks():
        yield {"rule": "I5", **broken}


def reserves_match_holds() -> Iterator[Finding]:
    """I8: what is reserved is what holds and resting orders say; so are the escrows of shorts."""
    for user, booked, held in _rows(RESERVED):
        yield {"rule": "I8", "user": user, "reserved_micro": booked, "held_micro": held}
    for user, market, kind, booked, wanted in _rows(ASIDE):
        figures = {"booked_micro": booked, "wanted_micro": wanted}
        yield {"rule": "I8", "user": user, "market": market, "kind": kind, **figures}


def supplies_match() -> Iterator[Finding]:
    """The engine's supplies are the sums of the rows, its money the balances of the ledger."""
    books: dict[int, dict[str, int]] = {}
    for market, kind, balance in _rows(HOUSE_BALANCES):
        books.setdefault(market, {})[kind] = balance
    for market, raw, longs, shorts, units in _rows(SUPPLIES):
        state: dict[str, Any] = json.loads(raw)
        pairs = [("long_nano", int(longs)), ("short_nano", int(shorts))]
        if state["status"] not in ("funding", "cancelled"):
            pairs.append(("units_nano", int(units)))
        pairs += [(key, books.get(market, {}).get(kind, 0)) for kind, key in STATE_KINDS.items()]
        for key, found in pairs:
            if state[key] != found:
                yield {"rule": key, "market": market, "state": state[key], "found": found}


def sequences_have_no_gap() -> Iterator[Finding]:
    """I10: the command log of a market counts 1, 2, 3 to where the state says."""
    for market, wanted, count, last in _rows(SEQUENCES):
        yield {"rule": "I10", "market": market, "state": wanted, "count": count, "last": last}


def positions_match_fills() -> Iterator[Finding]:
    """A position is the sum of its fills."""
    for user, market, shares, net in _rows(FILLS):
        yield {"rule": "fills", "user": user, "market": market, "has": shares, "fills": net}


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    transfers_balance,
    total_is_zero,
    floors_hold,
    chains_hold,
    reserves_match_holds,
    supplies_match,
    sequences_have_no_gap,
    positions_match_fills,
)
