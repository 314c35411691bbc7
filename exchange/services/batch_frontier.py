"""Whom a settlement comes upon while it runs: they are locked at once or the batch starts anew."""

import json
from typing import Any

import psycopg

from exchange.engines import variable
from exchange.models import AccountKind
from exchange.selectors.frontier import NEVER_HELD, PERSON, StoredFrontier, trader_of
from exchange.selectors.raw import Raw, ask
from exchange.services import locks
from exchange.services.batch import Batch, History, Row
from exchange.services.ledger import Balance

ASIDE_OF = """
    SELECT id, user_id, kind, balance_micro, version, head
      FROM exchange_account WHERE user_id = %s AND market_id = %s"""
STAKE = (
    "user_id, units_nano, locked_nano, cohorts, acc_paid, owed, claimed_micro, instant_day,"
    " instant_nano, contributed_micro, withdrawn_micro, gained"
)
STAKE_OF = f"""
    SELECT {STAKE} FROM exchange_stake
     WHERE user_id = %s AND market_id = %s"""  # noqa: S608 (constants)


class ContendedError(Exception):
    """Somebody's account is held by another settlement; with `users` known it can be awaited."""

    def __init__(self, users: frozenset[int]) -> None:
        super().__init__(f"{len(users)} accounts must be locked in order")
        self.users = users


class LockedFrontier(StoredFrontier):
    """The frontier of a market whose lock is held; whoever is asked for joins the batch, locked."""

    def __init__(self, raw: Raw, market_id: int) -> None:
        super().__init__(raw, market_id)
        self._batch: Batch | None = None

    def serve(self, batch: Batch) -> None:
        """Add whoever is asked for to this batch from now on."""
        self._batch = batch

    def trader(self, key: int) -> variable.Trader | None:
        """Return one account, locked.

        Raises:  ContendedError, where that would mean to wait out of order.
        """
        batch = self._batch
        assert batch is not None
        if key not in batch.traders:
            try:
                with self.raw.pipeline():
                    cash = ask(self.raw, locks.CASH_AT_ONCE, key)
                    aside = ask(self.raw, ASIDE_OF, key, self.market_id)
                    position = ask(self.raw, PERSON, self.market_id, key)
            except psycopg.errors.LockNotAvailable as held:
                raise ContendedError(frozenset({key, *batch.traders})) from held
            for pk, user, kind, *rest in aside.fetchall():
                batch.aside[user, kind] = Balance(pk, *rest)
            add_person(batch, key, cash.fetchone(), position.fetchone())
        return batch.traders[key]

    def provider(self, key: int) -> variable.Provider | None:
        """Return one stake; who is a trader of the batch already was looked up with it."""
        batch = self._batch
        assert batch is not None
        if key in batch.concerned:
            return None
        row = ask(self.raw, STAKE_OF, key, self.market_id).fetchone()
        if row is not None:
            add_provider(batch, row)
        return batch.providers.get(key)


def add_person(batch: Batch, user: int, cash: Row | None, position: Row | None) -> None:
    """Give a batch somebody with all that they have in its market."""
    barred = batch.opens_paused
    money = 0
    if cash is not None:
        pk, _, money, version, head, is_barred = cash
        batch.cash[user] = Balance(pk, money, version, head)
        barred = barred or is_barred
    row = position or (user, *NEVER_HELD)
    reserved = batch.aside.get((user, AccountKind.RESERVED))
    batch.opened_s[user] = row[5]
    batch.traders[user] = trader_of(
        row,
        cash_micro=money,
        reserved_micro=reserved.balance_micro if reserved else 0,
        opens_barred=barred,
    )


def add_provider(batch: Batch, row: Row) -> None:
    """Give a batch a stake's row as the engine's value, and the history beside it."""
    user, units, locked, cohorts, acc_paid, owed, claimed, day, instant, *history = row
    contributed, withdrawn, gained = history
    batch.histories[user] = History(contributed, withdrawn, json.loads(gained))
    values: dict[str, Any] = {
        "id": user,
        "units_nano": units,
        "locked_nano": locked,
        "cohorts": json.loads(cohorts),
        "acc_paid": int(acc_paid),
        "owed": int(owed),
        "claimed_micro": claimed,
        "instant_day": day,
        "instant_nano": instant,
    }
    batch.providers[user] = variable.Provider.from_mapping(values)
