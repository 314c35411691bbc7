"""Callers that trade as fast as they are answered: 60 % buys by amount, 40 % sells of half."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from django.db import connection

from exchange.engines.units import MICRO, NANO
from exchange.models import Command, Position
from exchange.services import commands
from exchange.services.batch import Request
from tests.bench.place import name

AMOUNT_MICRO = (1 * MICRO, 20 * MICRO)
SELL_SHARE = 0.4
# A dust position is not worth a sell.
HELD_NANO_MIN = NANO // 100
ORDERS_MIN = 5


class Caller:
    """Somebody with some accounts, who waits for each answer and remembers every latency."""

    def __init__(self, market_id: int, users: Sequence[int], seed: int = 0) -> None:
        self.market_id, self.users = market_id, users
        self.held = dict.fromkeys(users, 0)
        self.latencies: list[float] = []
        self._random = Random(seed)
        self._key = name()

    def remember(self) -> None:
        """Look up what the accounts hold: somebody else may have traded for them."""
        rows = Position.objects.filter(market_id=self.market_id, user_id__in=self.users)
        self.held.update(rows.values_list("user_id", "shares_nano"))

    def draw(self) -> tuple[int, str, dict[str, int]]:
        """Return who asks for what next."""
        user = self.users[int(self._random.random() * len(self.users))]
        held = self.held[user]
        if held >= HELD_NANO_MIN and self._random.random() < SELL_SHARE:
            return user, "sell", {"shares_nano": held // 2}
        return user, "buy", {"amount_micro": self._random.randint(*AMOUNT_MICRO)}

    def trade(self) -> None:
        """Send one order and wait for its receipt."""
        user, kind, payload = self.draw()
        key = f"{self._key}-{len(self.latencies)}"
        began = time.perf_counter()
        receipt = commands.submit(
            market_id=self.market_id, kind=kind, payload=payload, key=key, user_id=user
        )
        self.latencies.append(time.perf_counter() - began)
        moved = receipt.result["shares_nano"]
        self.held[user] += moved if kind == "buy" else -moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """What a closed loop of callers came to."""

    per_s: float
    latencies_ms: list[float]


def alone(caller: Caller, seconds: float) -> list[float]:
    """Trade for so long, one order after the other; return the latencies in milliseconds."""
    caller.remember()
    caller.latencies.clear()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(caller.latencies) < ORDERS_MIN:
        caller.trade()
    return [latency * 1e3 for latency in caller.latencies]


def together(callers: Sequence[Caller], seconds: float) -> Crowd:
    """Let all callers trade for so long, each in a thread of its own."""
    for caller in callers:
        caller.remember()
    connection.close()
    start = threading.Barrier(len(callers) + 1)
    ends: list[float] = []

    def run(caller: Caller) -> None:
        start.wait()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            caller.trade()
            # as a web request does when it ends: the pool has fewer connections than callers
            connection.close()
        ends.append(time.perf_counter())

    threads = [threading.Thread(target=run, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    assert len(ends) == len(callers), "a caller failed"
    latencies = [latency * 1e3 for caller in callers for latency in caller.latencies]
    return Crowd(per_s=len(latencies) / (max(ends) - began), latencies_ms=latencies)


def leave_waiting(market_id: int, users: Sequence[int], count: int, seed: int) -> None:
    """Put orders into the log as another process would that died before it could settle them."""
    caller = Caller(market_id, users, seed)
    caller.remember()
    waiting = []
    for _ in range(count):
        user, kind, payload = caller.draw()
        if kind == "sell":
            # half of the half next time, so that no order asks for more than is held
            caller.held[user] -= payload["shares_nano"]
        request = Request(kind, payload, name(), user)
        waiting.append(
            Command(
                market_id=market_id,
                user_id=user,
                kind=kind,
                payload=payload,
                key=request.key,
                request_hash=request.digest,
            )
        )
    Command.objects.bulk_create(waiting)
