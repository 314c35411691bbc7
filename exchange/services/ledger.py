"""The only writer of the ledger: accounts, transfers, entries and holds.

A transfer's entries sum to zero (a trigger refuses others); `(kind, ref)` books a fact once; each
entry carries the hash of the one before it on the same account, so a silent edit breaks a chain.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction

from exchange import clock
from exchange.errors import Conflict, Malformed, NotFound, Unprocessable
from exchange.models import Account, AccountKind, Hold, Transfer
from exchange.models.ledger import SOURCES
from exchange.services import locks

BALANCE_MAX = 2**63 - 1

INSERT_ENTRIES = """
    WITH fact AS (
        INSERT INTO exchange_transfer (kind, ref, market_id, at) VALUES (%s, %s, %s, %s)
        RETURNING id)
    INSERT INTO exchange_entry
           (transfer_id, account_id, version, amount_micro, balance_micro, command_seq, hash)
    SELECT fact.id, leg.* FROM fact, unnest(
        %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[]) AS leg"""

OPEN_ACCOUNTS = """
    INSERT INTO exchange_account (market_id, user_id, kind, balance_micro, version, head)
    SELECT %s, n.*, 0, 0, '' FROM unnest(%s::bigint[], %s::text[]) AS n
    RETURNING id, user_id, kind"""

UPDATE_BALANCES = """
    UPDATE exchange_account a
       SET balance_micro = n.balance, version = n.version, head = n.head
      FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[])
           AS n(id, balance, version, head)
     WHERE a.id = n.id"""


@dataclass(slots=True)
class Balance:
    """An account as a writer sees it: locked, and changed in memory until it is written."""

    id: int
    balance_micro: int
    version: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a transfer to be. `command_seq` names the order it belongs to, if any."""

    balance: Balance
    amount_micro: int
    command_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and its parameters, for a caller that sends several in one pipeline."""

    sql: str
    params: Sequence[Any]


def entry_hash(  # noqa: PLR0917 (a fixed row, hashed in this order)
    head: bytes, account_id: int, version: int, amount_micro: int, balance_micro: int, fact: str
) -> bytes:
    """Return the hash that chains an entry to `head`, the hash of the entry before it."""
    body = f"{account_id}|{version}|{amount_micro}|{balance_micro}|{fact}".encode()
    return hashlib.sha256(head + body).digest()


def statements(
    *, kind: str, ref: str, market_id: int | None, at: object, legs: Iterable[Leg]
) -> list[Statement]:
    """Return the statements that book one transfer, and move the balances in memory.

    The caller holds the lock of every account concerned and has checked the amounts.
    Keeps:   sum of entries = 0; balance = sum of the account's entries; version + 1 per entry.
    """
    fact = f"{kind}:{ref}"
    columns: list[list[Any]] = [[] for _ in range(6)]
    touched: dict[int, Balance] = {}
    for leg in legs:
        balance, amount = leg.balance, leg.amount_micro
        if not amount:
            continue
        balance.balance_micro += amount
        balance.version += 1
        balance.head = entry_hash(
            balance.head, balance.id, balance.version, amount, balance.balance_micro, fact
        )
        touched[balance.id] = balance
        row = (balance.id, balance.version, amount, balance.balance_micro, leg.command_seq)
        for column, value in zip(columns, (*row, balance.head), strict=True):
            column.append(value)
    if not touched:
        return []
    after = list(touched.values())
    return [
        Statement(INSERT_ENTRIES, (kind, ref, market_id, at, *columns)),
        Statement(
            UPDATE_BALANCES,
            (
                [b.id for b in after],
                [b.balance_micro for b in after],
                [b.version for b in after],
                [b.head for b in after],
            ),
        ),
    ]


def opening(market_id: int, owners: Sequence[tuple[int, str]]) -> Statement:
    """Return the statement that opens accounts of users in a market, whose lock is held."""
    users, kinds = [user for user, _ in owners], [kind for _, kind in owners]
    return Statement(OPEN_ACCOUNTS, (market_id, users, kinds))


def account(
    *, kind: AccountKind, user_id: int | None = None, market_id: int | None = None
) -> Account:
    """Return the account of that owner and kind, opening it when it is the first time."""
    owner: dict[str, Any] = {"user_id": user_id, "market_id": market_id}
    row, _ = Account.objects.get_or_create(kind=kind, **owner)
    return row


def post(
    *, kind: str, ref: str, amounts: Sequence[tuple[Account, int]], market_id: int | None = None
) -> bool:
    """Book one transfer between accounts; return False when this fact was booked before.

    Units:   micro-USDC; the amounts sum to zero.
    Raises:  Unprocessable insufficient_funds, with what is needed and what is there.
    Locks:   the accounts, ascending by id.
    """
    try:
        with transaction.atomic():
            return _book(kind, ref, amounts, market_id)
    except IntegrityError:
        # somebody who shares no account with us may have booked the same fact a moment earlier
        if not Transfer.objects.filter(kind=kind, ref=ref).exists():
            raise
        return False


def _book(
    kind: str, ref: str, amounts: Sequence[tuple[Account, int]], market_id: int | None
) -> bool:
    rows = locks.accounts([row.id for row, _ in amounts])
    if Transfer.objects.filter(kind=kind, ref=ref).exists():
        return False
    total: defaultdict[int, int] = defaultdict(int)
    for row, amount in amounts:
        total[row.id] += amount  # an account may stand in a transfer more than once
        _require_sane(rows[row.id], amount, total[row.id])
    balances = {
        pk: Balance(pk, r.balance_micro, r.version, bytes(r.head)) for pk, r in rows.items()
    }
    legs = [Leg(balances[row.id], amount) for row, amount in amounts]
    written = statements(kind=kind, ref=ref, market_id=market_id, at=clock.now(), legs=legs)
    with connection.cursor() as cursor:
        for statement in written:
            cursor.execute(statement.sql, list(statement.params))
    return True


def _require_sane(row: Account, amount: int, total: int) -> None:
    if amount == 0:
        raise Malformed("an amount must be more than zero", code="amount_not_positive")
    after = row.balance_micro + total
    if abs(after) > BALANCE_MAX or abs(amount) > BALANCE_MAX:
        raise _too_large(amount)
    if row.kind not in SOURCES and after < 0:
        raise Unprocessable(
            f"{-total} micro-USDC exceed the available {row.balance_micro}",
            code="insufficient_funds",
            fields={"needed_micro": -total, "available_micro": row.balance_micro},
        )


def _too_large(amount: int) -> Unprocessable:
    return Unprocessable(
        "no account can hold that much",
        code="amount_too_large",
        fields={"amount_micro": str(abs(amount)), "balance_max_micro": str(BALANCE_MAX)},
    )


def _require_amount(amount: int) -> None:
    if amount <= 0:
        raise Malformed("an amount must be more than zero", code="amount_not_positive")
    if amount > BALANCE_MAX:
        raise _too_large(amount)


def credit_external(*, user_id: int, amount_micro: int, kind: str, ref: str) -> bool:
    """Bring money in from outside onto a user's cash; once per `(kind, ref)`.

    Raises:  Malformed amount_not_positive, Unprocessable amount_too_large.
    """
    _require_amount(amount_micro)
    outside = account(kind=AccountKind.EXTERNAL)
    cash = account(kind=AccountKind.CASH, user_id=user_id)
    return post(kind=kind, ref=ref, amounts=[(outside, -amount_micro), (cash, amount_micro)])


def hold(*, user_id: int, amount_micro: int, ref: str) -> Hold:
    """Set cash aside under `ref`; asked for again, the same `ref` returns the first hold.

    Raises:  Malformed amount_not_positive, Unprocessable amount_too_large or insufficient_funds,
             Conflict when `ref` holds another amount or another person's.
    Locks:   the hold's reference, then the user's cash and reserved accounts.
    """
    _require_amount(amount_micro)
    asked = {"user_id": user_id, "amount_micro": amount_micro}
    with transaction.atomic():
        row, is_first = Hold.objects.get_or_create(ref=ref, defaults=asked)
        if (row.user_id, row.amount_micro) != (user_id, amount_micro):
            raise Conflict(f"the reference {ref!r} holds something else", fields={"ref": ref})
        if is_first:
            cash = account(kind=AccountKind.CASH, user_id=user_id)
            reserved = account(kind=AccountKind.RESERVED, user_id=user_id)
            post(kind="hold", ref=ref, amounts=[(cash, -amount_micro), (reserved, amount_micro)])
    return row


def capture(*, ref: str, to: Account) -> bool:
    """Give a hold's money to `to`. Return False when the hold was closed before."""
    return _close(ref, Hold.State.CAPTURED, to)


def void(*, ref: str) -> bool:
    """Return a hold's money to its owner. Return False when the hold was closed before."""
    return _close(ref, Hold.State.VOIDED, None)


def _close(ref: str, state: str, to: Account | None) -> bool:
    with transaction.atomic():
        try:
            row = locks.hold(ref)
        except Hold.DoesNotExist as missing:
            raise NotFound(f"there is no hold {ref!r}") from missing
        if row.state != Hold.State.OPEN:
            return False
        reserved = account(kind=AccountKind.RESERVED, user_id=row.user_id)
        target = to or account(kind=AccountKind.CASH, user_id=row.user_id)
        amounts = [(reserved, -row.amount_micro), (target, row.amount_micro)]
        post(kind=state, ref=ref, amounts=amounts)
        row.state, row.closed_at = state, clock.now()
        row.save(update_fields=["state", "closed_at"])
    return True
