"""Recompute the books from their entries and compare: balances, chains, positions, supplies, logs.

Every check is a function that yields findings, so that a test can break one thing and see it named.
The audit of each minute looks at what is new since the newest clean one, at every sum, and at each
market's state; a full one reads all history and settles every command log again.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction

from exchange import clock
from exchange.engines import variable
from exchange.models import AuditRun, Market
from exchange.services import chains, marks, replay, ticks
from exchange.services.outcome import audit as sessions
from exchange.services.outcome import replay as session_replay

Finding = dict[str, Any]
Check = Callable[[], Iterator[Finding]]

FULL_EVERY = timedelta(days=1)
FINDINGS_KEPT, FINDINGS_OF_A_CHECK = 100, 20

UNBALANCED = """
    SELECT transfer_id, sum(amount_micro)::bigint FROM exchange_entry
     GROUP BY transfer_id HAVING sum(amount_micro) <> 0 OR count(*) < 2"""
NEW_UNBALANCED = f"""
    SELECT n.transfer_id, s.total FROM (
        SELECT DISTINCT e.transfer_id FROM ({marks.CHANGED}) c
         CROSS JOIN LATERAL (SELECT * FROM exchange_entry x
                              WHERE x.account_id = c.id AND x.version > c.from_version
                             OFFSET 0) e) n
     CROSS JOIN LATERAL (SELECT sum(amount_micro)::bigint AS total, count(*) AS legs
                           FROM exchange_entry WHERE transfer_id = n.transfer_id) s
     WHERE s.total <> 0 OR s.legs < 2"""  # noqa: S608 (a constant of ours)
ORPHANS = """
    SELECT e.id, e.transfer_id, e.account_id FROM exchange_entry e
      LEFT JOIN exchange_transfer t ON t.id = e.transfer_id
      LEFT JOIN exchange_account a ON a.id = e.account_id
     WHERE t.id IS NULL OR a.id IS NULL"""
TOTAL = "SELECT coalesce(sum(balance_micro), 0)::bigint FROM exchange_account"
BELOW_FLOOR = """
    SELECT id, kind, balance_micro FROM exchange_account
     WHERE balance_micro < 0 AND kind NOT IN ('external', 'play_issue')"""
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
             WHERE user_id IS NOT NULL AND market_id IS NOT NULL AND kind <> 'play_cash') a
      FULL JOIN (SELECT user_id, market_id, 'reserved' AS kind, sum(reserved_micro) AS wanted
                   FROM exchange_restingorder WHERE status = 'open' AND reserved_micro > 0
                  GROUP BY user_id, market_id
                  UNION ALL
                 SELECT o.user_id, o.market_id,
                        CASE x.money WHEN 'play' THEN 'play_reserved' ELSE 'reserved' END,
                        sum(o.price_micro * o.remaining_micro / 1000000 + o.reserve_micro)
                   FROM exchange_outcomeorder o JOIN exchange_session x USING (market_id)
                  WHERE o.buys AND o.joined > 0 AND o.status IN ('open', 'partial')
                  GROUP BY o.user_id, o.market_id, x.money
                  UNION ALL
                 SELECT user_id, market_id, 'escrow', escrow_micro FROM exchange_position
                  WHERE escrow_micro > 0) w
        ON w.user_id = a.user_id AND w.market_id = a.market_id AND w.kind = a.kind
     WHERE coalesce(a.balance_micro, 0) <> coalesce(w.wanted, 0)"""
SUPPLIES = """
    SELECT l.market_id, l.state, coalesce(p.longs, 0)::text, coalesce(p.shorts, 0)::text,
           coalesce(s.units, 0)::text
      FROM exchange_livestate l
      JOIN exchange_market k ON k.id = l.market_id AND k.kind = 'variable'
      LEFT JOIN (SELECT market_id, sum(greatest(shares_nano, 0)) AS longs,
                        sum(greatest(-shares_nano, 0)) AS shorts
                   FROM exchange_position GROUP BY market_id) p ON p.market_id = l.market_id
      LEFT JOIN (SELECT market_id, sum(units_nano) AS units
                   FROM exchange_stake GROUP BY market_id) s ON s.market_id = l.market_id"""
HOUSE_BALANCES = """
    SELECT market_id, kind, balance_micro FROM exchange_account
     WHERE market_id IS NOT NULL AND user_id IS NULL"""
# Each counts from the mark on, or from the first there is where marks do not count.
SEQUENCES = """
    SELECT l.market_id, l.command_seq, coalesce(m.command_seq, 0) + count(c.seq), max(c.seq)
      FROM exchange_livestate l
      LEFT JOIN exchange_marketmark m ON m.market_id = l.market_id AND %(marked)s
      LEFT JOIN exchange_command c
        ON c.market_id = l.market_id AND c.seq > coalesce(m.command_seq, 0)
     GROUP BY l.market_id, l.command_seq, m.command_seq
    HAVING coalesce(m.command_seq, 0) + count(c.seq) <> l.command_seq
        OR coalesce(max(c.seq), m.command_seq, 0) <> l.command_seq"""
TICKS = """
    SELECT x.* FROM (
        SELECT l.market_id, l.batch_seq, count(t.seq) AS ticks, max(t.seq) AS last,
               coalesce(m.batch_seq, min(t.seq) - 1,
                        CASE WHEN l.settled_at > %(kept)s THEN 0 ELSE l.batch_seq END) AS before
          FROM exchange_livestate l
          JOIN exchange_market k ON k.id = l.market_id AND k.kind = 'variable'
          LEFT JOIN exchange_marketmark m ON m.market_id = l.market_id AND %(marked)s
          LEFT JOIN exchange_tick t
            ON t.market_id = l.market_id AND t.seq > coalesce(m.batch_seq, 0)
         GROUP BY l.market_id, l.batch_seq, l.settled_at, m.batch_seq) x
     WHERE x.ticks <> x.batch_seq - x.before OR x.last <> x.batch_seq"""
STATES = """
    SELECT l.market_id, l.batch_seq, l.state, l.state_hash, t.state_hash
      FROM exchange_livestate l
      JOIN exchange_market k ON k.id = l.market_id AND k.kind = 'variable'
      LEFT JOIN exchange_tick t ON t.market_id = l.market_id AND t.seq = l.batch_seq"""
FILLS = """
    SELECT p.user_id, p.market_id, p.shares_nano, coalesce(f.net, 0)::bigint
      FROM exchange_position p
      JOIN exchange_market m ON m.id = p.market_id AND m.status <> 'settled'
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


# What apps beside the core have examined: for a full audit, and for that of each minute.
_more_full: list[Check] = []
_more_new: list[Check] = []


def register(*, full: Sequence[Check], new: Sequence[Check]) -> None:
    """Examine an app's own tables, too; called once, when the app is ready."""
    _more_full.extend(full)
    _more_new.extend(new)


def run(*, full: bool = False) -> AuditRun:
    """Examine the books and keep the result; the first examination of all is a full one.

    Each market's log is read in a snapshot of its own: all of them would hold one for too long.
    """
    full = full or not marks.exist()
    kept = AuditRun.objects.create(full=full)
    with _snapshot():
        findings = list(_findings(full=full))
        seen = marks.seen()
    if full:
        for market in Market.objects.order_by("id"):
            with _snapshot():
                findings += log_replays(market)
    if not findings:
        marks.move(seen)
    kept.finished_at, kept.ok = clock.now(), not findings
    kept.findings = findings[:FINDINGS_KEPT]
    kept.figures = {"checks": len(_checks(full=full)) + full, "findings": len(findings)}
    kept.save()
    return kept


def full_is_due() -> bool:
    """Say whether no full audit has begun within a day, whoever asked for it."""
    newest = AuditRun.objects.filter(full=True).first()
    return newest is None or clock.now() - newest.started_at >= FULL_EVERY


def examine(*, logs: bool = True) -> list[Finding]:
    """Run every check in full without keeping the result; for tests and benchmarks.

    `logs` off spares the replays, where rows were written past the log on purpose.
    """
    findings = list(_findings(full=True))
    for market in Market.objects.order_by("id") if logs else ():
        findings += log_replays(market)
    return findings


@contextmanager
def _snapshot() -> Iterator[None]:
    """Read the books as of one moment, for as long as it takes."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
        yield


def _findings(*, full: bool) -> Iterator[Finding]:
    for check in _checks(full=full):
        yield from islice(check(), FINDINGS_OF_A_CHECK)


def _checks(*, full: bool) -> tuple[Check, ...]:
    if full:
        return (*CHECKS, *FULL_CHECKS, *_more_full)
    return (*CHECKS, *NEW_CHECKS, *_more_new)


def _rows(sql: str, **params: bool | datetime) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return list(cursor.fetchall())


def transfers_balance() -> Iterator[Finding]:
    """I1: the entries of each transfer sum to zero, and there are at least two."""
    for transfer, total in _rows(UNBALANCED):
        yield {"rule": "I1", "transfer": transfer, "sum_micro": total}
    for entry, transfer, account in _rows(ORPHANS):
        yield {"rule": "I1", "entry": entry, "transfer": transfer, "account": account}


def new_transfers_balance() -> Iterator[Finding]:
    """I1, for the transfers of new entries."""
    for transfer, total in _rows(NEW_UNBALANCED):
        yield {"rule": "I1", "transfer": transfer, "sum_micro": total}


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
    for broken in chains.breaks():
        yield {"rule": "I5", **broken}


def new_chains_hold() -> Iterator[Finding]:
    """I4 and I5, from the marks on."""
    for broken in chains.new_breaks():
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
        if state.get("status") not in ("funding", "cancelled"):
            pairs.append(("units_nano", int(units)))
        pairs += [(key, books.get(market, {}).get(kind, 0)) for kind, key in STATE_KINDS.items()]
        for key, found in pairs:
            if state.get(key) != found:
                yield {"rule": key, "market": market, "state": state.get(key), "found": found}


def states_match() -> Iterator[Finding]:
    """I9: a state has the hash that its row and the tick of its last batch say."""
    for market, batch, raw, digest, told in _rows(STATES):
        try:
            state = variable.MarketState.from_mapping(json.loads(raw))
        except (KeyError, TypeError, ValueError):
            yield {"rule": "I9", "market": market, "batch": batch, "what": "unreadable state"}
            continue
        found = hashlib.sha256(variable.canonical_bytes(state)).digest()
        if found != bytes(digest) or (told is not None and found != bytes(told)):
            yield {"rule": "I9", "market": market, "batch": batch, "what": "state"}


def sequences_have_no_gap() -> Iterator[Finding]:
    """I10: a market's commands, and the ticks that are kept, count on to where its row says."""
    return _counted(marked=False)


def new_sequences_have_no_gap() -> Iterator[Finding]:
    """I10, from the marks on."""
    return _counted(marked=True)


def _counted(*, marked: bool) -> Iterator[Finding]:
    kept = clock.now() - timedelta(days=ticks.DAYS_KEPT)
    for market, wanted, count, last in _rows(SEQUENCES, marked=marked):
        yield {"rule": "I10", "market": market, "state": wanted, "count": count, "last": last}
    for market, wanted, count, last, before in _rows(TICKS, marked=marked, kept=kept):
        yield {
            "rule": "I10", "market": market, "batch": wanted, "ticks": count, "last": last,
            "before": before,
        }  # fmt: skip


def positions_match_fills() -> Iterator[Finding]:
    """A position is the sum of its fills, until the settlement closes it without one."""
    for user, market, shares, net in _rows(FILLS):
        yield {"rule": "fills", "user": user, "market": market, "has": shares, "fills": net}


def log_replays(market: Market) -> list[Finding]:
    """I9: the log of a market gives its answers, fills, entries, ticks, positions and state."""
    walk = session_replay if market.kind == Market.Kind.OUTCOME else replay
    return list(islice(walk.differences(market), FINDINGS_OF_A_CHECK))


CHECKS: tuple[Check, ...] = (
    total_is_zero,
    floors_hold,
    reserves_match_holds,
    supplies_match,
    states_match,
    *sessions.CHECKS,
)
FULL_CHECKS = (
    transfers_balance,
    chains_hold,
    sequences_have_no_gap,
    positions_match_fills,
    *sessions.FULL_CHECKS,
)
NEW_CHECKS = (new_transfers_balance, new_chains_hold, new_sequences_have_no_gap)
