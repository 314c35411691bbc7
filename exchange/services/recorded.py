"""Read what settled batches of a market left in the tables, for whoever settles them again."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from typing import Any

from django.db import models

from exchange.engines import variable
from exchange.models import Account, AccountKind, Entry, Fill, Position, RestingOrder, Stake, Tick

# Whose account of which kind, for which command; the market's own legs are netted over a batch.
Sums = dict[tuple[str, int | None, int | None], int]

ENTRY_ID_MAX = 2**63 - 1
# Free money, real or play.
CASH = (AccountKind.CASH, AccountKind.PLAY_CASH)
RENAMED = {"seq": "command_seq", "trader": "user_id"}


def _kept(table: type[models.Model], value: Any) -> tuple[str, ...]:
    """Return which fields of the engine's value a table keeps, whatever either may gain."""
    columns = {column.attname for column in table._meta.concrete_fields}  # noqa: SLF001
    names = [f.name for f in fields(value)] if is_dataclass(value) else value._fields
    return tuple(n for n in names if n != "id" and RENAMED.get(n, n) in columns)


HELD = _kept(Position, variable.Trader)
STAKED = _kept(Stake, variable.Provider)
FILLED = _kept(Fill, variable.Fill)
PRICED, MOVED = _kept(Tick, variable.Tick), _kept(Tick, variable.Move)


@dataclass(slots=True)
class Recorded:
    """One batch as it is stored, beside its commands; `cash` is what people had before it."""

    first_entry: int = ENTRY_ID_MAX
    last_entry: int = 0
    sums: Sums = field(default_factory=lambda: defaultdict(int))
    cash: dict[int, int] = field(default_factory=dict)
    fills: list[tuple[Any, ...]] = field(default_factory=list)
    state_hash: bytes | None = None
    prices: tuple[Any, ...] = ()


def batches(market_id: int, seqs: range, commands: range) -> defaultdict[int, Recorded]:
    """Return the batches numbered `seqs`, which hold the commands numbered `commands`.

    A tick that is older than what is kept is missing, and so are its prices and hash.
    """
    found: defaultdict[int, Recorded] = defaultdict(Recorded)
    refs = [f"{market_id}:{seq}" for seq in seqs]
    legs = Entry.objects.filter(transfer__kind="batch", transfer__ref__in=refs).order_by("id")
    for ref, pk, kind, user, command, amount, balance in legs.values_list(
        "transfer__ref", "id", "account__kind", "account__user_id", "command_seq",
        "amount_micro", "balance_micro",
    ):  # fmt: skip
        batch = found[int(ref.partition(":")[2])]
        batch.first_entry, batch.last_entry = min(batch.first_entry, pk), pk
        batch.sums[kind, user, command] += amount
        if kind in CASH and user is not None:
            batch.cash.setdefault(user, balance - amount)
    within = (commands.start, commands.stop - 1)
    fills = Fill.objects.filter(market_id=market_id, command_seq__range=within).order_by("id")
    columns = [RENAMED.get(name, name) for name in FILLED]
    for seq, *fill in fills.values_list("batch_seq", *columns):
        found[seq].fills.append(plain(fill))
    ticks = Tick.objects.filter(market_id=market_id, seq__in=seqs)
    for seq, digest, *prices in ticks.values_list("seq", "state_hash", *PRICED, *MOVED):
        found[seq].state_hash, found[seq].prices = bytes(digest), plain(prices)
    return found


def resting(market_id: int) -> dict[int, Any]:
    """Return what rests in a market or has rested, by number, as the columns have it."""
    rows = RestingOrder.objects.filter(market_id=market_id)
    return {
        row.ref: row.item
        for row in rows.iterator(2000)
        if (row.status, row.user_id) == (row.item.get("status"), row.item.get("trader"))
    }


def people(
    market_id: int, table: type[Position | Stake], names: Sequence[str]
) -> dict[int, tuple[Any, ...]]:
    """Return the rows of a market's people by user, but for those that say nothing."""
    rows = table.objects.filter(market_id=market_id).values_list("user_id", *names)
    return {user: row for user, *rest in rows if any(row := plain(rest))}


def plain(row: Sequence[Any]) -> tuple[Any, ...]:
    """Return a row with whole numbers as the engine has them."""
    return tuple(int(value) if isinstance(value, Decimal) else value for value in row)


class Purses:
    """The cash accounts of a market's people, as they stood when a batch began."""

    def __init__(self, market_id: int, *, play: bool = False) -> None:
        self.market_id = market_id
        mine = Account.objects.filter(user__commands__market_id=market_id)
        if play:
            accounts = mine.filter(kind=AccountKind.PLAY_CASH, market_id=market_id)
        else:
            accounts = mine.filter(kind=AccountKind.CASH, market=None)
        rows = accounts.distinct().values_list("user_id", "id", "version")
        self.accounts = {user: (pk, version) for user, pk, version in rows}

    def standing(self, user: int, last_entry: int, batch: Recorded) -> list[int]:
        """Return the balances that somebody may have had whom the batch took and gave nothing.

        Writers of an account hold its lock, so its entries have ids in the order of its versions.
        A batch that moved money holds the locks of its people and has its place among them; one
        that moved none lies between `last_entry` of the market and the next.
        """
        account, newest = self.accounts.get(user, (0, 0))
        low = high = batch.first_entry
        if low == ENTRY_ID_MAX:
            low, high = last_entry + 1, self._next_entry(last_entry)
        first, last = (_versions_before(account, newest, entry) for entry in (low, high))
        rows = Entry.objects.filter(account_id=account, version__range=(first, last))
        stood = list(rows.order_by("version").values_list("balance_micro", flat=True))
        return stood if first else [0, *stood]

    def _next_entry(self, last_entry: int) -> int:
        later = Entry.objects.filter(
            transfer__market_id=self.market_id, transfer__kind="batch", id__gt=last_entry
        )
        return later.order_by("id").values_list("id", flat=True).first() or ENTRY_ID_MAX


def _versions_before(account_id: int, newest: int, entry_id: int) -> int:
    def id_of(version: int) -> int:
        row = Entry.objects.values_list("id", flat=True)
        return row.get(account_id=account_id, version=version)

    return bisect_left(range(1, newest + 1), entry_id, key=id_of)
