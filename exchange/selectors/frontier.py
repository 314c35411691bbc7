"""The stored side of a market as the engine reads it: the front of each index, slice by slice.

A market with ten thousand resting orders costs a batch the few rows at the front of each index.
The statements are one per index, built once; each index has an index of the database behind it.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from exchange.engines.variable import Provider, Resting, Trader
from exchange.engines.variable import frontier as fr
from exchange.engines.variable import resting as items
from exchange.engines.variable.frontier import Entry, Key
from exchange.engines.variable.indexes import HEAD
from exchange.models import Position
from exchange.selectors.raw import Raw, ask, ask_named

Row = tuple[Any, ...]

# Of each index over positions: whose rows it has, by which column, and whether the highest leads.
POSITIONS = {
    fr.SHORTS: ("shares_nano < 0", "margin_key", False),
    fr.LONG_STOPS: ("shares_nano > 0", "stop_pico", True),
    fr.SHORT_STOPS: ("shares_nano < 0", "stop_pico", False),
    fr.LONG_TARGETS: ("shares_nano > 0", "target_pico", False),
    fr.SHORT_TARGETS: ("shares_nano < 0", "target_pico", True),
}
COLUMNS = (
    "user_id, shares_nano, entry_micro, escrow_micro, realised_micro, opened_s, ref, stop_pico,"
    " target_pico, exit_ref, parked"
)
LONGS = f"""
    SELECT {COLUMNS} FROM exchange_position
     WHERE market_id = %s AND shares_nano > 0 AND ref > %s
     ORDER BY ref, user_id LIMIT %s"""  # noqa: S608 (constants)
RESTING = """
    SELECT item FROM exchange_restingorder
     WHERE market_id = %s AND status = 'open' AND place = %s AND (level, ref) > (%s, %s)
     ORDER BY level, ref LIMIT %s"""
HEADED = (*fr.LIMIT_INDEXES, fr.COMMITS, fr.EXITS)  # the rest is read by few commands
RESTING_HEADS = f"""
    SELECT p.place, o.item
      FROM unnest(ARRAY{list(HEADED)}) AS p (place),
           LATERAL (SELECT item FROM exchange_restingorder
                     WHERE market_id = %(market)s AND status = 'open' AND place = p.place
                     ORDER BY level, ref LIMIT %(count)s) AS o"""  # noqa: S608 (constants)
ITEMS = """
    SELECT item FROM exchange_restingorder
     WHERE market_id = %s AND status = 'open' AND ref = ANY(%s::bigint[])"""


def _of_positions(name: str) -> str:
    """Return the statement for the next entries of an index over positions."""
    held, column, falls = POSITIONS[name]
    way, beyond = ("DESC", "<") if falls else ("ASC", ">")
    return f"""
        SELECT {COLUMNS} FROM exchange_position
         WHERE market_id = %s AND {held} AND {column} {beyond}= %s::numeric
           AND ({column} {beyond} %s::numeric OR ref > %s)
         ORDER BY {column} {way}, ref LIMIT %s"""  # noqa: S608 (a table of ours)


def _head_of_positions(name: str) -> str:
    held, column, falls = POSITIONS[name]
    way = "DESC" if falls else "ASC"
    return f"""
        (SELECT '{name}', {COLUMNS} FROM exchange_position
          WHERE market_id = %(market)s AND {held} AND {column} IS NOT NULL
          ORDER BY {column} {way}, ref LIMIT %(count)s)"""  # noqa: S608 (a table of ours)


SLICES = {name: _of_positions(name) for name in POSITIONS}
POSITION_HEADS = " UNION ALL ".join(map(_head_of_positions, POSITIONS))

NEVER_HELD = (0, 0, 0, 0, 0, 0, None, None, 0, False)
PERSON = f"""
    SELECT {COLUMNS} FROM exchange_position
     WHERE market_id = %s AND user_id = %s"""  # noqa: S608


class StoredFrontier:
    """A market's frontier as a preview reads it: nothing is locked, nobody's money is looked at."""

    def __init__(self, raw: Raw, market_id: int) -> None:
        self.raw, self.market_id = raw, market_id
        self._heads: dict[str, list[Entry]] = {}
        self._items: dict[int, Resting | None] = {}
        self._asked: tuple[psycopg.Cursor[Any], psycopg.Cursor[Any]] | None = None

    def ask_heads(self) -> None:
        """Send for the front of every trigger index; inside a pipeline this costs no waiting."""
        wanted: dict[str, object] = {"market": self.market_id, "count": HEAD}
        self._asked = (
            ask_named(self.raw, POSITION_HEADS, wanted),
            ask_named(self.raw, RESTING_HEADS, wanted),
        )

    def take_heads(self) -> None:
        """Keep what `ask_heads` sent for."""
        assert self._asked is not None
        positions, resting = self._asked
        self._heads = {name: [] for name in (*fr.TRIGGER_INDEXES, *HEADED)}
        for name, *row in positions.fetchall():
            self._heads[name].append(_entry(name, trader_of(tuple(row))))
        for name, text in resting.fetchall():
            self._heads[name].append(_entry(name, item_of(text)))

    def know(self, refs: Iterable[int]) -> None:
        """Load the open items that commands name, all in one statement."""
        wanted = sorted(set(refs))
        if not wanted:
            return
        self._items = dict.fromkeys(wanted)
        found = [item_of(row[0]) for row in ask(self.raw, ITEMS, self.market_id, wanted)]
        self._items.update((item.id, item) for item in found)

    def read(self, index: str, after: Key | None, count: int) -> Sequence[Entry]:
        """Return up to `count` entries behind the key `after`; fewer mean that the index ends."""
        if after is None and count <= HEAD and index in self._heads:
            return self._heads[index]
        level, age = (after[0], after[1]) if after else ("-infinity", 0)
        if index in POSITIONS:
            edge = -after[0] if after and POSITIONS[index][2] else level
            if after is None and POSITIONS[index][2]:
                edge = "infinity"
            rows = ask(self.raw, SLICES[index], self.market_id, edge, edge, age, count)
            return [_entry(index, trader_of(row)) for row in rows]
        if index == fr.LONGS:
            rows = ask(self.raw, LONGS, self.market_id, age, count)
            return [_entry(index, trader_of(row)) for row in rows]
        rows = ask(self.raw, RESTING, self.market_id, index, level, age, count)
        return [_entry(index, item_of(row[0])) for row in rows]

    def trader(self, key: int) -> Trader | None:
        """Return one account's position, if it ever had one."""
        row = ask(self.raw, PERSON, self.market_id, key).fetchone()
        return trader_of(row) if row else None

    def provider(self, _key: int) -> Provider | None:
        """Return nobody: a preview moves no units but those it is given."""
        return None

    def resting(self, key: int) -> Resting | None:
        """Return one open item by its number."""
        if key not in self._items:
            self.know([*self._items, key])
        return self._items[key]


def _entry(index: str, row: Trader | Resting) -> Entry:
    if isinstance(row, Trader):
        return fr.position_keys(row)[index], row
    return fr.resting_key(row)[1], row


def item_of(value: str | dict[str, Any]) -> Resting:
    """Return a resting item from its column."""
    return items.from_mapping(json.loads(value) if isinstance(value, str) else value)


def row_of(position: Position) -> Row:
    """Return a position as a row of COLUMNS."""
    return tuple(getattr(position, name.strip()) for name in COLUMNS.split(","))


def trader_of(row: Row, **money: Any) -> Trader:
    """Return a position's row (of COLUMNS) as the engine's value; `money` is what else is known."""
    user, shares, entry, escrow, realised, _, ref, stop, target, exit_ref, parked = row
    return Trader(
        id=user,
        shares_nano=shares,
        entry_micro=entry,
        escrow_micro=escrow,
        realised_micro=realised,
        position_id=ref,
        stop_pico=None if stop is None else int(stop),
        target_pico=None if target is None else int(target),
        exit_id=exit_ref,
        parked=parked,
        **money,
    )
