"""How far the books were found clean, so that the audit of each minute can go on from there.

A mark is moved by a clean audit alone and trusted until the next full one, which ignores them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from exchange.models import AccountMark
from exchange.services.ledger import Balance

Row = tuple[Any, ...]

# Each account that is not as its mark says, with both; a deleted one is an empty one.
CHANGED = """
    SELECT coalesce(a.id, m.account_id) AS id, coalesce(a.balance_micro, 0) AS balance_micro,
           coalesce(a.version, 0) AS version, coalesce(a.head, '') AS head,
           coalesce(m.balance_micro, 0) AS from_balance_micro,
           coalesce(m.version, 0) AS from_version, coalesce(m.head, '') AS from_head
      FROM exchange_account a FULL JOIN exchange_accountmark m ON m.account_id = a.id
     WHERE (a.balance_micro, a.version, a.head)
           IS DISTINCT FROM (m.balance_micro, m.version, m.head)"""
CHANGED_MARKETS = """
    SELECT l.market_id, l.command_seq, l.batch_seq
      FROM exchange_livestate l LEFT JOIN exchange_marketmark m ON m.market_id = l.market_id
     WHERE (l.command_seq, l.batch_seq) IS DISTINCT FROM (m.command_seq, m.batch_seq)"""
# Audits may overlap: the later mark stays.
MOVE_ACCOUNTS = """
    INSERT INTO exchange_accountmark AS m (account_id, balance_micro, version, head)
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[])
    ON CONFLICT (account_id) DO UPDATE
       SET balance_micro = excluded.balance_micro, version = excluded.version,
           head = excluded.head
     WHERE m.version < excluded.version"""
MOVE_MARKETS = """
    INSERT INTO exchange_marketmark AS m (market_id, command_seq, batch_seq)
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
    ON CONFLICT (market_id) DO UPDATE
       SET command_seq = excluded.command_seq, batch_seq = excluded.batch_seq
     WHERE m.command_seq < excluded.command_seq"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an audit looked at: accounts and markets that are further than their marks."""

    accounts: Sequence[Balance]
    markets: Sequence[Row]


def exist() -> bool:
    """Say whether any audit was clean before."""
    return AccountMark.objects.exists()


def changed() -> list[tuple[Balance, Balance]]:
    """Return each account that moved since its mark: as it is, and as it was marked."""
    return [
        (
            Balance(pk, balance, version, bytes(head)),
            Balance(pk, from_balance, from_version, bytes(from_head)),
        )
        for pk, balance, version, head, from_balance, from_version, from_head in _rows(CHANGED)
    ]


def seen() -> Seen:
    """Return what this snapshot has of what is not marked yet."""
    accounts = sorted((now for now, _ in changed()), key=lambda balance: balance.id)
    return Seen(accounts, sorted(_rows(CHANGED_MARKETS)))


def move(to: Seen) -> None:
    """Put the marks where a clean audit has looked.

    Locks:   the marks, ascending by account and by market.
    """
    accounts = [(b.id, b.balance_micro, b.version, b.head) for b in to.accounts]
    with transaction.atomic(), connection.cursor() as cursor:
        for sql, rows in ((MOVE_ACCOUNTS, accounts), (MOVE_MARKETS, to.markets)):
            if rows:
                cursor.execute(sql, [list(column) for column in zip(*rows, strict=True)])


def _rows(sql: str) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
