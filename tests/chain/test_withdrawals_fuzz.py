"""Six workers, kills at each seam, a wiped pool, fees too low: each is paid exactly once."""

import os
import random
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from chain.clients.rpc import Node
from chain.core.withdrawal import State
from chain.models import Attempt, NonceSlot, Withdrawal
from chain.services import payouts, pump, seams, withdrawals
from chain.services.payouts import Fees
from exchange.errors import Unavailable
from exchange.models import Account, Hold
from tests.chain.driver import Embedded
from tests.chain.episodes import Killed
from tests.chain.paying import Till, withdraw
from tests.factories import funded_user

SEED = int(os.environ.get("SEED", "20260101"))
WORKERS = 6
SEAMS = {
    "payout.before_sign", "payout.in_sign", "payout.after_sign", "pump.before_send", "pump.sent",
    "pump.after_send", "pump.before_settle", "pump.in_settle",
}  # fmt: skip
ROUNDS_MAX = 4_000

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]


class Trouble:
    """One run: workers that die, and somebody who makes the chain difficult."""

    def __init__(self, till: Till, seed: int) -> None:
        self.till, self.dice = till, random.Random(seed)
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
                    withdrawals.windows_close(network, limit=10)
                    payouts.sign_due(network=network, nodes=nodes, signer=self.till.signer)
                    pump.pump(network=network, nodes=nodes, signer=self.till.signer)
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
        """Mine, wipe the pool, and raise the base fee, until nothing is left to pay."""
        for _ in range(ROUNDS_MAX):
            with self.one:
                if self.dice.random() < 0.05:
                    self.till.chain.node.call("anvil_dropAllTransactions", [], Any)
                    self.wipes += 1
                if self.dice.random() < 0.1:
                    fee = hex(self.dice.randint(10**8, 4 * 10**9))
                    self.till.chain.node.call("anvil_setNextBlockBaseFeePerGas", [fee], Any)
                self.till.chain.node.call("anvil_mine", ["0x1"], Any)
            if self.faults or not Withdrawal.objects.filter(ended_at=None).exists():
                break
            self.done.wait(0.01)
        self.done.set()


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Send and replace without waiting, and offer too little now and then."""
    dice, whole = random.Random(SEED), payouts.fees_now

    def fees(network: Any, node: Node) -> Fees:
        found = whole(network, node)
        return Fees(1 + found.max_fee // 20, found.tip) if dice.random() < 0.3 else found

    monkeypatch.setattr(pump, "RESEND", timedelta(0))
    monkeypatch.setattr(payouts, "fees_now", fees)
    yield
    seams.install(None)


def _run(folder: Path, count: int, seed: int) -> None:
    till = Till(Embedded(), folder, disperse=True, stuck_after_s=0, withdrawal_fee_micro=0)
    payouts.disperse_allow(network=till.network, node=till.chain.node, signer=till.signer)
    till.finish(3)
    # a book holds fifty addresses, and each payment here goes to one of its own
    people = [funded_user("100000") for _ in range(-(-count // 40))]
    rows = [
        withdraw(people[i % len(people)], till.network, f"{1 + i % 7}.{i:06d}")
        for i in range(count)
    ]
    before = till.chain.balance(till.hot)
    trouble = Trouble(till, seed)
    seams.install(trouble.at_seam)
    workers = [threading.Thread(target=trouble.work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    trouble.disturb()
    for worker in workers:
        worker.join()
    seams.install(None)

    assert trouble.faults == [], f"SEED={seed}"
    _judge(till, rows, before, seed)
    assert trouble.seams >= SEAMS
    assert (
        min(trouble.kills, trouble.wipes, Attempt.objects.count() - NonceSlot.objects.count()) > 0
    )


def _judge(till: Till, rows: list[Withdrawal], before: int, seed: int) -> None:
    paid = {row.pk: till.chain.balance(row.address) for row in rows}
    assert paid == {row.pk: row.amount_micro for row in rows}, f"SEED={seed}"
    assert set(Withdrawal.objects.values_list("state", flat=True)) == {State.FINAL.value}
    assert before - till.chain.balance(till.hot) == sum(paid.values())
    assert set(Hold.objects.values_list("state", flat=True)) == {"captured"}
    assert not Account.objects.filter(kind="reserved").exclude(balance_micro=0).exists()
    nonces = list(NonceSlot.objects.order_by("nonce").values_list("nonce", flat=True))
    assert nonces == list(range(len(nonces)))


@pytest.mark.usefixtures("_impatient")
@pytest.mark.timeout(600)
def test_each_of_three_hundred_is_paid_exactly_once(tmp_path: Path) -> None:
    _run(tmp_path, 300, SEED)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_each_of_a_thousand_is_paid_exactly_once(tmp_path: Path) -> None:
    _run(tmp_path, 1_000, SEED + 2)
