"""The values that a session's tick works on: the locked rows and the commands it takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exchange.engines import outcome
from exchange.models import AccountKind
from exchange.services.batch import Request
from exchange.services.ledger import Balance

PLAY = "play_"
HOUSE = ("pool", "pairs", "fees", "seigniorage", "gas")


def account_kind(kind: str, *, play: bool) -> AccountKind:
    """Return the kind of account behind the engine's word, in play money or in real."""
    return AccountKind(PLAY + kind if play else kind)


@dataclass(slots=True)
class Batch:
    """One session's locked rows, and the step of its clock that is being taken.

    `house` is keyed by the engine's words, `aside` by user and word; `cash` is the real cash of
    people or their play money, as the session has it. `arrived_ms` is by request, on the clock of
    the session.
    """

    market_id: int
    code: str
    play: bool
    host_id: int
    config: outcome.Config
    state: outcome.MarketState
    status: str
    started_ms: int
    command_seq: int
    batch_seq: int
    last_tick: dict[str, Any]
    number: int
    t_ms: int
    frontier: outcome.Frontier
    requests: list[Request] = field(default_factory=list)
    arrived_ms: list[int] = field(default_factory=list)
    waiting: int = 0
    house: dict[str, Balance] = field(default_factory=dict)
    cash: dict[int, Balance] = field(default_factory=dict)
    aside: dict[int, Balance] = field(default_factory=dict)
    traders: dict[int, outcome.Trader] = field(default_factory=dict)

    @property
    def now_s(self) -> int:
        """The end of the tick in seconds since the epoch."""
        return (self.started_ms + self.t_ms) // 1_000

    def purse(self, user: int, kind: str) -> Balance:
        """Return somebody's free money, or what their orders have set aside."""
        return self.cash[user] if kind == "cash" else self.aside[user]


def engine_command(
    kind: str, payload: Mapping[str, Any], seq: int, user: int | None, *, times: tuple[int, int]
) -> outcome.Command:
    """Return the engine's command for a line of the log.

    `times` are its arrival and the end of its tick on the clock of the session: the log has no
    times in what was asked, so that a retry of the same request is the same.

    Raises:  KeyError or TypeError for what the engine does not know.
    """
    arrived_ms, t_ms = times
    if kind in ("order", "cancel"):
        payload = {**payload, "ts_ms": arrived_ms}
    elif kind == "eliminate":
        payload = {**payload, "resume_ms": t_ms}
    return outcome.command_of(kind, payload, seq, user)
