"""Settle a market's command log again from its opening, and name what is not as it was settled.

The same state and the same commands give the same bytes (I9). What the engine was told besides the
log is read where it was recorded: people's cash in the ledger, by the order of its entries; whose
opens were barred beside the first command of the batch.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice
from operator import attrgetter
from typing import Any

from exchange.engines import variable
from exchange.engines.engine import EngineBug
from exchange.engines.variable.resting import to_mapping
from exchange.models import Command, Entry, LiveState, Market, Position, Stake
from exchange.selectors import bars
from exchange.services import answers, batch_load, news, recorded
from exchange.services.batch import Json, Request
from exchange.services.batch_write import HOUSE_KINDS
from exchange.services.recorded import Purses, Recorded, Sums

Finding = dict[str, Any]
People = dict[int, tuple[Any, ...]]

BATCHES_AT_ONCE = 200
# What an edited row can make of the engine and of us; a fault of the database is none of these.
UNREADABLE = (
    EngineBug, variable.ConfigError, Entry.DoesNotExist,
    AssertionError, AttributeError, KeyError, TypeError, ValueError,
)  # fmt: skip


def differences(market: Market) -> Iterator[Finding]:
    """Yield what a replay of the log finds otherwise than it is stored.

    It goes no further than the first batch whose state is another one. To be read in one snapshot.
    """
    try:
        yield from _Replay(market).run()
    except UNREADABLE as broken:
        error = f"{type(broken).__name__}: {broken}"[:200]
        yield {"rule": "I9", "market": market.pk, "what": "log", "error": error}


class _People(variable.MemoryFrontier):
    """Everybody in a market, told for each batch whose opens were barred: true for all of them."""

    barred: list[int] | bool = False

    def trader(self, key: int) -> variable.Trader | None:
        """Return one account as the engine was shown it, whoever's command came upon it."""
        found = super().trader(key)
        return found and self.told(key, found)

    def told(self, key: int, trader: variable.Trader) -> variable.Trader:
        """Return an account with what the batch was told of it."""
        barred = self.barred is True or (self.barred is not False and key in self.barred)
        return trader if trader.opens_barred == barred else replace(trader, opens_barred=barred)


class _Replay:
    """A market on its way through its log: the engine's state and everybody in it."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.live = LiveState.objects.get(market=market)
        self.config = variable.Config.parse(market.config)
        self.state = variable.MarketState.opened(self.config, self.live.state["opened_s"])
        self.people = _People()
        self.resting: dict[int, variable.Resting] = {}
        self.purses = Purses(market.pk)
        self.command_seq = self.batch_seq = self.last_entry = 0
        self.last_tick: Json = {}

    def run(self) -> Iterator[Finding]:
        log = Command.objects.filter(market=self.market, seq__isnull=False).order_by("seq")
        batches = groupby(log.iterator(2000), key=attrgetter("batch_seq"))
        settled = (list(rows) for _, rows in batches)
        while some := list(islice(settled, BATCHES_AT_ONCE)):
            first, count = self.command_seq + 1, sum(map(len, some))
            seqs = range(self.batch_seq + 1, self.batch_seq + 1 + len(some))
            stored = recorded.batches(self.market.pk, seqs, range(first, first + count))
            for rows in some:
                if not self._follows(rows):
                    yield self._finding("order", command=rows[0].seq)
                    return
                batch = stored[self.batch_seq]
                yield from self._compare(rows, self._settle(rows, batch), batch)
                if batch.state_hash not in (None, _hash(self.state)):
                    yield self._finding("state")
                    return
        yield from self._compare_end()

    def _finding(self, what: str, **more: Any) -> Finding:
        found = {"rule": "I9", "market": self.market.pk, "batch": self.batch_seq, "what": what}
        return found | more

    def _follows(self, rows: Sequence[Command]) -> bool:
        """Step on to the next batch, and say whether these rows are that: whole, at one time."""
        seqs = range(self.command_seq + 1, self.command_seq + 1 + len(rows))
        self.batch_seq += 1
        self.command_seq += len(rows)
        return (
            [row.seq for row in rows] == list(seqs)
            and rows[0].batch_seq == self.batch_seq
            and len({row.settled_s for row in rows}) == 1
        )

    def _settle(self, rows: Sequence[Command], batch: Recorded) -> variable.Settlement:
        """Apply a batch to whom it was applied: those who asked, and those whom it paid."""
        self.people.barred = rows[0].barred or []
        users = sorted({row.user_id for row in rows if row.user_id is not None} | batch.cash.keys())
        now_s = rows[0].settled_s or 0
        done = variable.apply(
            self.config,
            self.state,
            {user: self._trader(user, rows, batch) for user in users},
            {user: known for user in users if (known := self.people.provider(user))},
            [batch_load.command(_request(row), row.seq or 0) for row in rows],
            now_s,
            frontier=self.people,
        )
        self.state = done.state
        self.people.take(done.traders.values(), done.providers.values(), done.resting.values())
        self.resting.update(done.resting)
        self.last_entry = max(self.last_entry, batch.last_entry)
        self.last_tick = news.tick(self.batch_seq, now_s, done)
        return done

    def _trader(self, user: int, rows: Sequence[Command], batch: Recorded) -> variable.Trader:
        told = [row.result or {} for row in rows if row.user_id == user]
        cash = batch.cash.get(user)
        return replace(
            self.people.told(user, self.people.trader(user) or variable.Trader(id=user)),
            cash_micro=self._standing(user, told, batch) if cash is None else cash,
        )

    def _standing(self, user: int, told: Sequence[Json], batch: Recorded) -> int:
        """Return the cash of somebody with no entry in the batch.

        Where it may have been one of several, a refusal for want of cash says which; any other
        answer did not hang on it.
        """
        balances = self.purses.standing(user, self.last_entry, batch)
        named = [
            refusal["fields"].get("cash_micro")
            for refusal in told
            if refusal.get("code") == "insufficient_funds"
        ]
        return next((cash for cash in named if cash in balances), max(balances))

    def _compare(
        self, rows: Sequence[Command], done: variable.Settlement, batch: Recorded
    ) -> Iterator[Finding]:
        for row, result in zip(rows, done.results, strict=True):
            if bytes(row.request_hash) != _request(row).digest:
                yield self._finding("request", command=row.seq)
            answer = _stored(answers.mapping(result))
            told = bars.as_the_engine_said(row.result)
            if (told, row.accepted) != (answer, "code" not in answer):
                yield self._finding("answer", command=row.seq)
        if batch.fills != [_figures(fill, recorded.FILLED) for fill in done.fills]:
            yield self._finding("fills")
        if _nonzero(batch.sums) != _nonzero(_sums(done.postings)):
            yield self._finding("entries")
        prices = _figures(done.tick, recorded.PRICED) + _figures(done.move, recorded.MOVED)
        if batch.prices and batch.prices != prices:
            yield self._finding("tick")

    def _compare_end(self) -> Iterator[Finding]:
        live = self.live
        if (live.command_seq, live.batch_seq) != (self.command_seq, self.batch_seq):
            yield self._finding("counters", command=live.command_seq)
        if bytes(live.state_hash) != _hash(self.state) or live.state != self.state.to_mapping():
            yield self._finding("state")
        if live.last_tick != _stored(self.last_tick):
            yield self._finding("last tick")
        stored = recorded.resting(self.market.pk)
        items = {ref: _stored(to_mapping(item)) for ref, item in self.resting.items()}
        for ref in sorted(items.keys() | stored.keys()):
            if items.get(ref) != stored.get(ref):
                yield self._finding("resting", ref=ref)
        holders = {t.id: _figures(t, recorded.HELD) for t in self.people.traders.values()}
        stakes = {p.id: _staked(p) for p in self.people.providers.values()}
        yield from self._compare_people("position", holders, Position, recorded.HELD)
        yield from self._compare_people("stake", stakes, Stake, recorded.STAKED)

    def _compare_people(
        self, what: str, wanted: People, table: type[Position | Stake], names: Sequence[str]
    ) -> Iterator[Finding]:
        wanted = {user: row for user, row in wanted.items() if any(row)}
        found = recorded.people(self.market.pk, table, names)
        for user in sorted(wanted.keys() | found.keys()):
            if wanted.get(user) != found.get(user):
                yield self._finding(what, user=user)


def _request(row: Command) -> Request:
    return Request(row.kind, row.payload, row.key, row.user_id)


def _hash(state: variable.MarketState) -> bytes:
    return hashlib.sha256(variable.canonical_bytes(state)).digest()


def _stored(value: Json) -> Any:
    """Return JSON as it comes back from a column."""
    return json.loads(json.dumps(value))


def _figures(value: object, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(getattr(value, name) for name in names)


def _staked(provider: variable.Provider) -> tuple[Any, ...]:
    mapping = provider.to_mapping()
    return tuple(mapping[name] for name in recorded.STAKED)


def _sums(postings: Sequence[variable.Posting]) -> Sums:
    """Add the engine's postings up as the ledger books them."""
    sums: Sums = defaultdict(int)
    for posting in postings:
        seq = None if posting.kind in HOUSE_KINDS else posting.seq
        sums[posting.kind, posting.owner, seq] += posting.amount_micro
    return sums


def _nonzero(sums: Sums) -> Sums:
    return {key: amount for key, amount in sums.items() if amount}
