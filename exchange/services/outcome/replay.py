"""Settle a session's command log again from its launch, and name what is not as it was settled.

What the engine was told besides the log is read where it was recorded: people's money in the
ledger, the end of each tick beside its prices.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from operator import attrgetter
from typing import Any

from exchange.engines import outcome
from exchange.engines.engine import EngineBug
from exchange.models import (
    Command,
    Entry,
    Holding,
    LiveState,
    Market,
    OutcomeFill,
    OutcomeOrder,
    OutcomeTick,
    Session,
)
from exchange.selectors.outcome import configs
from exchange.services import recorded
from exchange.services.batch import Request
from exchange.services.outcome import answers, news
from exchange.services.outcome.batch import HOUSE, Batch, account_kind
from exchange.services.outcome.tick import settled
from exchange.services.outcome.write import FILL
from exchange.services.recorded import Purses, Recorded, Sums

Finding = dict[str, Any]

BATCHES_AT_ONCE = 200
ORDER = (
    "token", "buys", "size_micro", "price_micro", "auto_fill", "status", "remaining_micro",
    "reserve_micro", "amount_micro", "fee_micro", "rebate_micro", "gas_micro", "joined",
)  # fmt: skip
UNREADABLE = (
    EngineBug, outcome.ConfigError, Entry.DoesNotExist,
    AssertionError, AttributeError, KeyError, TypeError, ValueError,
)  # fmt: skip


@dataclass(slots=True)
class Taken:
    """One batch settled again: what went in, what came out, and what is stored of it."""

    rows: list[Command]
    batch: Batch
    done: outcome.Settlement
    stored: Recorded


def differences(market: Market) -> Iterator[Finding]:
    """Yield what a replay of the log finds otherwise than it is stored.

    It goes no further than the first batch whose state is another one. To be read in one snapshot.
    """
    try:
        yield from _compare(Walk(Session.objects.select_related("market").get(market=market)))
    except UNREADABLE as broken:
        error = f"{type(broken).__name__}: {broken}"[:200]
        yield {"rule": "I9", "market": market.pk, "what": "log", "error": error}


class Walk:
    """A session on its way through its log: the engine's state, and everybody and all that rests.

    `people` is the whole of what the engine would find stored.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.config = configs.config_of(session.market.config)
        self.state = outcome.MarketState.opened(self.config)
        self.people = outcome.MemoryFrontier()
        self.orders: dict[int, outcome.Order] = {}
        self.purses = Purses(session.market_id, play=session.is_play)
        self.command_seq = self.batch_seq = self.last_entry = 0
        self.last_tick: dict[str, Any] = {}
        if session.started_ms is not None:
            self.last_tick = news.opening(self.state.to_mapping())

    def steps(self) -> Iterator[Taken]:
        """Settle batch after batch; each is yielded when it is done."""
        market_id = self.session.market_id
        log = Command.objects.filter(market_id=market_id, seq__isnull=False).order_by("seq")
        batches = (list(rows) for _, rows in groupby(log.iterator(2000), attrgetter("batch_seq")))
        while some := list(islice(batches, BATCHES_AT_ONCE)):
            first, count = self.command_seq + 1, sum(map(len, some))
            seqs = range(self.batch_seq + 1, self.batch_seq + 1 + len(some))
            stored = recorded.batches(market_id, seqs, range(first, first + count))
            ticks = {
                t.seq: t for t in OutcomeTick.objects.filter(market_id=market_id, seq__in=seqs)
            }
            for rows in some:
                self.batch_seq += 1
                yield self._settle(rows, ticks[self.batch_seq], stored[self.batch_seq])

    def _settle(self, rows: list[Command], tick: OutcomeTick, stored: Recorded) -> Taken:
        batch = self._batch(rows, tick, stored)
        done = settled(batch)
        self.state = done.state
        self.people.take(done.traders.values(), done.orders.values())
        self.orders.update(done.orders)
        self.command_seq += len(rows)
        self.last_entry = max(self.last_entry, stored.last_entry)
        batch.batch_seq = self.batch_seq
        self.last_tick = news.tick(batch, done, news.figures(batch, done))
        return Taken(rows, batch, done, stored)

    def _batch(self, rows: list[Command], tick: OutcomeTick, stored: Recorded) -> Batch:
        session, started_ms = self.session, self.session.started_ms or 0
        batch = Batch(
            market_id=session.market_id,
            code=session.code,
            play=session.is_play,
            host_id=session.host_id,
            config=self.config,
            state=self.state,
            status="",
            started_ms=started_ms,
            command_seq=self.command_seq,
            batch_seq=self.batch_seq - 1,
            last_tick=self.last_tick,
            number=tick.number,
            t_ms=tick.t_ms,
            frontier=self.people,
        )
        batch.requests = [Request(r.kind, r.payload, r.key, r.user_id, r.pk) for r in rows]
        batch.arrived_ms = [_ms(row) - started_ms for row in rows]
        users = {row.user_id for row in rows if row.user_id is not None} | stored.cash.keys()
        for user in sorted(users):
            told = [row.result or {} for row in rows if row.user_id == user]
            batch.traders[user] = self._trader(user, told, stored)
        return batch

    def _trader(self, user: int, told: Sequence[Finding], stored: Recorded) -> outcome.Trader:
        known = self.people.trader(user) or outcome.Trader.joined(self.config, user, 0)
        cash = stored.cash.get(user)
        return replace(
            known, cash_micro=self._standing(user, told, stored) if cash is None else cash
        )

    def _standing(self, user: int, told: Sequence[Finding], stored: Recorded) -> int:
        """Return the money of somebody with no entry in the batch; a refusal may say which."""
        balances = self.purses.standing(user, self.last_entry, stored)
        named = [
            answer["fields"].get("cash_micro")
            for answer in told
            if answer.get("code") == "insufficient_funds"
        ]
        return next((cash for cash in named if cash in balances), max(balances))


def _compare(walk: Walk) -> Iterator[Finding]:
    market_id = walk.session.market_id
    for taken in walk.steps():
        about = {"rule": "I9", "market": market_id, "batch": walk.batch_seq}
        yield from ({**about, "what": what} for what in _different(walk, taken))
        tick = OutcomeTick.objects.get(market_id=market_id, seq=walk.batch_seq)
        if bytes(tick.state_hash) != _hash(walk.state):
            yield {**about, "what": "state"}
            return
    yield from ({"rule": "I9", "market": market_id, "what": what} for what in _ends(walk))


def _different(walk: Walk, taken: Taken) -> Iterator[str]:
    seqs = range(walk.command_seq - len(taken.rows) + 1, walk.command_seq + 1)
    if [row.seq for row in taken.rows] != list(seqs) or taken.rows[0].batch_seq != walk.batch_seq:
        yield "order"
    for row, request, result in zip(
        taken.rows, taken.batch.requests, taken.done.results, strict=True
    ):
        if bytes(row.request_hash) != request.digest:
            yield f"request {row.seq}"
        answer = _stored(answers.mapping(result))
        if (row.result, row.accepted) != (answer, "code" not in answer):
            yield f"answer {row.seq}"
    fills = OutcomeFill.objects.filter(market_id=walk.session.market_id, batch_seq=walk.batch_seq)
    wanted = [tuple(getattr(fill, name) for name in FILL) for fill in taken.done.fills]
    if list(fills.order_by("fill_no").values_list(*FILL)) != wanted:
        yield "fills"
    if _nonzero(taken.stored.sums) != _nonzero(_sums(taken)):
        yield "entries"


def _ends(walk: Walk) -> Iterator[str]:
    market_id = walk.session.market_id
    live = LiveState.objects.get(pk=market_id)
    if (live.command_seq, live.batch_seq) != (walk.command_seq, walk.batch_seq):
        yield "counters"
    if bytes(live.state_hash) != _hash(walk.state):
        yield "state"
    if live.last_tick != _stored(walk.last_tick):
        yield "last tick"
    rows = OutcomeOrder.objects.filter(market_id=market_id).values_list("ref", "user_id", *ORDER)
    wanted = {o.id: (o.trader, *(getattr(o, name) for name in ORDER)) for o in walk.orders.values()}
    if {ref: tuple(row) for ref, *row in rows} != wanted:
        yield "orders"
    held = {
        (t.id, token): pair
        for t in walk.people.traders.values()
        for token, pair in enumerate(zip(t.held_micro, t.locked_micro, strict=True))
        if any(pair)
    }
    holdings = Holding.objects.filter(market_id=market_id).values_list(
        "user_id", "token", "free_micro", "locked_micro"
    )
    if {(user, token): (a, b) for user, token, a, b in holdings if a or b} != held:
        yield "holdings"


def _sums(taken: Taken) -> Sums:
    sums: Sums = defaultdict(int)
    for seq, kind, owner, amount in taken.done.postings:
        name = account_kind(kind, play=taken.batch.play)
        sums[name, owner, None if kind in HOUSE else seq] += amount
    return sums


def _nonzero(sums: Sums) -> Sums:
    return {key: amount for key, amount in sums.items() if amount}


def _hash(state: outcome.MarketState) -> bytes:
    return hashlib.sha256(outcome.canonical_bytes(state)).digest()


def _stored(value: Any) -> Any:
    """Return JSON as it comes back from a column."""
    return json.loads(json.dumps(value))


def _ms(row: Command) -> int:
    at = row.created_at
    return int(at.timestamp()) * 1_000 + at.microsecond // 1_000
