"""Walk the chains of the accounts: each entry follows from the one before it, each balance too.

One pass by account and version checks balances, versions, hashes and the cached heads.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from exchange.models import Account, Entry
from exchange.services import marks
from exchange.services.ledger import Balance, entry_hash

Finding = dict[str, Any]
Heads = dict[int, Balance]

# The lateral part keeps the planner on the index of each account that moved.
NEW_ENTRIES = f"""
    SELECT e.account_id, e.version, e.amount_micro, e.balance_micro, e.hash, t.kind, t.ref
      FROM ({marks.CHANGED}) c
     CROSS JOIN LATERAL (SELECT * FROM exchange_entry x
                          WHERE x.account_id = c.id AND x.version > c.from_version
                          ORDER BY x.version OFFSET 0) e
      JOIN exchange_transfer t ON t.id = e.transfer_id
     ORDER BY e.account_id, e.version"""  # noqa: S608 (a constant of ours)


def breaks() -> Iterator[Finding]:
    """Recompute every account from its first entry and yield what does not follow."""
    entries = Entry.objects.order_by("account_id", "version").values_list(
        "account_id", "version", "amount_micro", "balance_micro", "hash",
        "transfer__kind", "transfer__ref",
    )  # fmt: skip
    accounts = Account.objects.values_list("id", "balance_micro", "version", "head")
    heads = {pk: Balance(pk, total, at, bytes(head)) for pk, total, at, head in accounts}
    yield from _walk(heads, {}, entries.iterator(5000))


def new_breaks() -> Iterator[Finding]:
    """Recompute from the marks on, and yield what does not follow."""
    moved = marks.changed()
    heads = {now.id: now for now, _ in moved}
    starts = {marked.id: marked for _, marked in moved}
    with connection.cursor() as cursor:
        cursor.execute(NEW_ENTRIES)
        yield from _walk(heads, starts, cursor)


def _walk(heads: Heads, starts: Heads, entries: Iterable[tuple[Any, ...]]) -> Iterator[Finding]:
    """Follow each account from its start to its cached head, which is taken out of `heads`."""
    for account, rows in groupby(entries, key=itemgetter(0)):
        at = starts.get(account) or Balance(account, 0, 0, b"")
        for _, version, amount, balance, digest, kind, ref in rows:
            fact, total = f"{kind}:{ref}", at.balance_micro + amount
            wanted = entry_hash(at.head, account, at.version + 1, amount, total, fact)
            if (version, balance, bytes(digest)) != (at.version + 1, total, wanted):
                yield {"account": account, "version": version, "fact": fact}
            at = Balance(account, total, version, bytes(digest))
        yield from _compare(at, heads.pop(account, None))
    for account, head in heads.items():
        yield from _compare(starts.get(account) or Balance(account, 0, 0, b""), head)


def _compare(reached: Balance, head: Balance | None) -> Iterator[Finding]:
    if reached != head:
        version = head.version if head else 0
        yield {"account": reached.id, "version": version, "fact": "cached balance"}
