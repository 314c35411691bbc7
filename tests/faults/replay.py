"""Settle a market's command log again from the first batch and compare every hash and answer.

Holds for markets whose traders' cash moves in this market alone or in known transfers: what each
had when a batch began is read from the ledger.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from exchange.engines import variable
from exchange.models import (
    AccountKind,
    Command,
    Entry,
    Fill,
    LiveState,
    Market,
    Position,
    Stake,
    Tick,
)
from exchange.services import answers, batch_load
from exchange.services.batch import Request

HELD = ("shares_nano", "entry_micro", "escrow_micro", "realised_micro")
STAKED = ("units_nano", "locked_nano", "acc_paid", "owed", "claimed_micro")
EXECUTED = ("shares_nano", "value_micro", "fee_micro", "surcharge_micro", "realised_micro")


def differences(market: Market) -> Iterator[str]:
    """Yield what a replay of the log finds otherwise than it was settled."""
    config = variable.Config.parse(market.config)
    state = variable.MarketState.opened(config, int(market.live.state["opened_s"]))
    traders: dict[int, variable.Trader] = {}
    providers: dict[int, variable.Provider] = {}
    cash = _cash_before(market)
    hashes = dict(Tick.objects.filter(market=market).values_list("seq", "state_hash"))
    log = Command.objects.filter(market=market, seq__isnull=False).order_by("seq")
    for batch, rows in groupby(log, key=lambda row: row.batch_seq):
        commands = list(rows)
        people = {row.user_id for row in commands if row.user_id is not None}
        before = {user: _trader(user, traders, cash[user].get(batch)) for user in people}
        done = variable.apply(
            config,
            state,
            before,
            {u: providers.get(u, variable.Provider(id=u)) for u in people},
            [_command(row) for row in commands],
            int(commands[0].settled_s or 0),
        )
        for row, result in zip(commands, done.results, strict=True):
            if json.loads(json.dumps(answers.mapping(result))) != row.result:
                yield f"command {row.seq}: {answers.mapping(result)} is not {row.result}"
        state = done.state
        traders |= done.traders
        providers |= done.providers
        yield from _other_fills(market, batch, done.fills)
        if _hash(state) != bytes(hashes[batch]):
            yield f"batch {batch}: another state"
            return
    live = LiveState.objects.get(market=market)
    if _hash(state) != bytes(live.state_hash):
        yield "the last state is another one"
    for held in Position.objects.filter(market=market):
        holder = traders[held.user_id]
        if any(getattr(holder, name) != getattr(held, name) for name in HELD):
            yield f"the position of {held.user_id}: {holder}"
    for stake in Stake.objects.filter(market=market):
        provider = providers[stake.user_id]
        if any(getattr(provider, name) != int(getattr(stake, name)) for name in STAKED):
            yield f"the stake of {stake.user_id}: {provider}"


def _other_fills(market: Market, batch: int, fills: Sequence[variable.Fill]) -> Iterator[str]:
    rows = Fill.objects.filter(market=market, batch_seq=batch).order_by("command_seq", "leg_no")
    written = [tuple(int(getattr(row, name)) for name in EXECUTED) for row in rows]
    wanted = [tuple(int(getattr(fill, name)) for name in EXECUTED) for fill in fills]
    if written != wanted:
        yield f"batch {batch}: other fills"


def _hash(state: variable.MarketState) -> bytes:
    return hashlib.sha256(variable.canonical_bytes(state)).digest()


def _command(row: Command) -> variable.Command:
    request = Request(row.kind, row.payload, row.key, row.user_id)
    return batch_load.command(request, int(row.seq or 0))


def _trader(
    user: int, known: dict[int, variable.Trader], cash_micro: int | None
) -> variable.Trader:
    was = known.get(user, variable.Trader(id=user))
    fields = {name: getattr(was, name) for name in was.__slots__}
    if cash_micro is not None:
        fields["cash_micro"] = cash_micro
    return variable.Trader(**fields)


def _cash_before(market: Market) -> defaultdict[int, dict[int, int]]:
    """Return, per user and batch that moved their cash, what they had when it began."""
    found: defaultdict[int, dict[int, int]] = defaultdict(dict)
    rows: Any = Entry.objects.filter(
        transfer__kind="batch", transfer__market=market, account__kind=AccountKind.CASH
    ).order_by("account_id", "version")
    for ref, user, amount, after in rows.values_list(
        "transfer__ref", "account__user_id", "amount_micro", "balance_micro"
    ):
        batch = int(ref.partition(":")[2])
        found[user].setdefault(batch, after - amount)
    return found
