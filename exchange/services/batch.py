"""The values a settlement works on: requests coming in, the locked rows, receipts going out."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from exchange.engines import variable
from exchange.selectors.frontier import StoredFrontier
from exchange.services.ledger import Balance

Row = tuple[Any, ...]
Json = dict[str, Any]


@dataclass(slots=True, eq=False)
class Request:
    """One command on its way: who asks what, under which key. `user_id` None is the house."""

    kind: str
    payload: Mapping[str, Any]
    key: str
    user_id: int | None = None
    id: int | None = None
    digest: bytes = b""

    def __post_init__(self) -> None:
        """Hash what is asked, so that a key cannot be used again for something else."""
        if not self.digest:
            body = json.dumps([self.kind, self.payload], sort_keys=True)
            self.digest = hashlib.sha256(body.encode()).digest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a command, the same whenever it is asked for again.

    `result` holds integers at the engine's scales; a refusal has `code` and `fields` in it.
    """

    id: int
    seq: int
    batch_seq: int
    kind: str
    accepted: bool
    result: Json
    settled_s: int
    replayed: bool = False


class Pause(NamedTuple):
    """A rule that has stopped opening trades for a while; closing goes on."""

    rule: str = ""
    since_s: int = 0
    until_s: int = 0


@dataclass(slots=True)
class History:
    """What a provider put in and took out, and what its units gained, by cause."""

    contributed_micro: int = 0
    withdrawn_micro: int = 0
    gained: Json = field(default_factory=dict)


@dataclass(slots=True)
class Batch:
    """The locked rows of one market and the commands to settle, in their order."""

    market_id: int
    slug: str
    config: variable.Config
    state: variable.MarketState
    command_seq: int
    batch_seq: int
    halt_rule: str
    reduce_only: bool
    last_tick: Json
    now_s: int
    frontier: StoredFrontier
    pause: Pause
    recent: list[list[int]]
    pool_sums: dict[str, int]
    requests: list[Request] = field(default_factory=list)
    waiting: int = 0
    answered: list[Row] = field(default_factory=list)
    house: dict[str, Balance] = field(default_factory=dict)
    cash: dict[int, Balance] = field(default_factory=dict)
    aside: dict[tuple[int, str], Balance] = field(default_factory=dict)
    traders: dict[int, variable.Trader] = field(default_factory=dict)
    opened_s: dict[int, int] = field(default_factory=dict)
    providers: dict[int, variable.Provider] = field(default_factory=dict)
    histories: dict[int, History] = field(default_factory=dict)
    concerned: frozenset[int] = frozenset()

    def purse(self, user: int, kind: str) -> Balance:
        """Return somebody's cash, or what they have reserved or escrowed in this market."""
        return self.cash[user] if kind == "cash" else self.aside[user, kind]

    @property
    def opens_paused(self) -> bool:
        """Whether a rule or staff bars everybody from opening here."""
        return self.reduce_only or self.now_s < self.pause.until_s
