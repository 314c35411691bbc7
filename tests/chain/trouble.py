"""Six workers that die at any seam, and a chain that wipes its pool and raises its fees."""

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from chain.clients.rpc import Node
from chain.models import Network
from chain.services import payouts, pump, seams
from chain.services.payouts import Fees
from exchange.errors import Unavailable
from tests.chain.episodes import Killed
from tests.chain.paying import Till

SEED = int(os.environ.get("SEED", "20260101"))
WORKERS = 6
ROUNDS_MAX = 4_000
Pass = Callable[[Network, list[Node]], object]


class Trouble:
    """One run: workers that do a pass again and again, until nothing is open any more."""

    def __init__(self, till: Till, seed: int, one_pass: Pass, is_open: Callable[[], bool]) -> None:
        self.till, self.dice = till, random.Random(seed)
        self.one_pass, self.is_open = one_pass, is_open
        self.one = threading.Lock()
        self.done = threading.Event()
        self.kills = self.wipes = 0
        self.seams: set[str] = set()
        self.faults: list[BaseException] = []
        inside = till.chain.node._transport
        self.node = Node("shared", self._in_turn(inside))

    def _in_turn(self, carry: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
        def carried(body: bytes) -> bytes:
            with self.one:
                return carry(body)

        return carried

    def at_seam(self, name: str) -> None:
        self.seams.add(name)
        if not self.done.is_set() and self.dice.random() < 0.02:
            self.kills += 1
            raise Killed(name)

    def work(self) -> None:
        """Be one worker: after each death start again, until everything has ended."""
        network, nodes = self.till.network, [self.node]
        try:
            while not self.done.is_set():
                try:
                    self.one_pass(network, nodes)
                except Killed:
                    connection.close()
                except (Unavailable, OperationalError):
                    connection.close()  # a lock that was waited for too long, as in production
        except BaseException as fault:
            self.faults.append(fault)
            raise
        finally:
            connection.close()

    def disturb(self) -> None:
        """Mine, wipe the pool, and raise the base fee, until nothing is open."""
        for _ in range(ROUNDS_MAX):
            with self.one:
                if self.dice.random() < 0.05:
                    self.till.chain.node.call("anvil_dropAllTransactions", [], Any)
                    self.wipes += 1
                if self.dice.random() < 0.1:
                    fee = hex(self.dice.randint(10**8, 4 * 10**9))
                    self.till.chain.node.call("anvil_setNextBlockBaseFeePerGas", [fee], Any)
                self.till.chain.node.call("anvil_mine", ["0x1"], Any)
            if self.faults or not self.is_open():
                break
            self.done.wait(0.01)
        self.done.set()

    def run(self) -> None:
        """Let everybody work until nothing is open; whoever lives then ends."""
        seams.install(self.at_seam)
        workers = [threading.Thread(target=self.work) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        self.disturb()
        for worker in workers:
            worker.join()
        seams.install(None)
        assert self.faults == []


@contextmanager
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Send and replace without waiting, and offer too little now and then."""
    dice, whole = random.Random(SEED), payouts.fees_now

    def fees(network: Any, node: Node) -> Fees:
        found = whole(network, node)
        return Fees(1 + found.max_fee // 20, found.tip) if dice.random() < 0.3 else found

    monkeypatch.setattr(pump, "RESEND", timedelta(0))
    monkeypatch.setattr(payouts, "fees_now", fees)
    yield
    seams.install(None)
