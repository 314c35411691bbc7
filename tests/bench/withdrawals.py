"""D3, D4: withdrawals signed and sent per second, and what payouts and sweeps cost in gas."""

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connection

from chain.core.withdrawal import State
from chain.models import HotWallet, Network, NonceSlot, Withdrawal
from chain.services import (
    addresses,
    embedded_setup,
    payouts,
    pump,
    scanner,
    sweeps,
    withdrawals,
)
from exchange.errors import Unavailable
from tests.bench.deposits import devnet, site_of
from tests.bench.figures import Measure, Rounds, say
from tests.chain.paying import settled_owner, withdraw
from tests.factories import funded_user

WORKERS = 6
PAUSE_S = 0.02
IN_A_BATCH = {"tiny": 6, "quick": 50, "full": 50}
PACES = {"tiny": (3, 6), "quick": (3, 60), "full": (5, 300)}


def measure(size: str, store: str) -> list[Measure]:
    """Return payments per second from approved to sent; gas per recipient and per address."""
    del store
    rounds, count = PACES[size]
    found = Rounds()
    with devnet() as node, tempfile.TemporaryDirectory() as folder:
        network, signer = site_of(node, Path(folder))
        Network.objects.update(disperse="", day_cap_micro=10**15, finality_blocks=1)
        network.refresh_from_db()
        node.call("evm_setAutomine", [False], Any)
        for number in range(rounds):
            say(f"withdrawals: round {number + 1} of {rounds}")
            rate, cpu_rate = _paid(network, node, signer, count)
            found.add("alone", rate)
            found.add("cpu", cpu_rate)
            for name, gas in _gas(network, node, signer, IN_A_BATCH[size]):
                found.add(name, gas)
    case = f"{WORKERS} workers, {count} payments, each a transaction"
    return [
        found.measure("D3", case, "alone", "1/s"),
        found.measure("D3", f"{case}, by the workers' processor", "cpu", "1/CPU-s"),
        found.measure("D4", f"payout, {IN_A_BATCH[size]} fresh in a batch", "payout", "gas"),
        found.measure("D4", f"sweep, {IN_A_BATCH[size]} addresses in a batch", "sweep", "gas"),
    ]


def _gas(network: Network, node: Any, signer: Any, count: int) -> Iterator[tuple[str, float]]:
    """Yield what each recipient of a batch and each address of a sweep cost."""
    info = node.call("devnet_info", [], dict)
    row = Network.objects.get(pk=network.pk)
    row.disperse, row.sweeper = str(info["disperse"]).lower(), str(info["sweeper"]).lower()
    row.sweep_every_s, row.sweep_min_micro = 0, 10 * 10**6
    HotWallet.objects.update(float_cap_micro=10**15)  # its excess is no part of this

    def work(rounds: int) -> None:
        for _ in range(rounds):
            node.call("anvil_mine", ["0x1"], Any)
            scanner.step(row, [node], owner="bench")
            withdrawals.windows_close(row, limit=count)
            payouts.sign_due(network=row, nodes=[node], signer=signer)
            sweeps.sweeps_advance(network=row, nodes=[node], signer=signer)
            pump.pump(network=row, nodes=[node], signer=signer)

    payouts.disperse_allow(network=row, node=node, signer=signer)
    work(4)
    owner = settled_owner(funded_user("5000"))
    for _ in range(count):
        withdraw(owner, row, "1")
    for address in [addresses.address_of(funded_user("0")).address for _ in range(count)]:
        embedded_setup.faucet(row, node, address, 20 * 10**6)
    work(8)
    for name, purpose in (("payout", "batch"), ("sweep", "sweep")):
        slot = NonceSlot.objects.filter(purpose=purpose).latest("pk")
        (receipt,) = node.receipts([slot.settled_hash])
        yield name, int(receipt.gas_used, 16) / count


def _paid(network: Network, node: Any, signer: Any, count: int) -> tuple[float, float]:
    """Return payments per second, signed, stored and sent."""
    embedded_setup.faucet(network, node, signer.about()["address"], 10**12)
    node.call("anvil_mine", ["0x1"], Any)
    people = [settled_owner(funded_user("5000")) for _ in range(max(1, count // 20))]
    rows = [withdraw(people[n % len(people)], network, "1") for n in range(count)]
    withdrawals.windows_close(network, limit=count)
    pks = [row.pk for row in rows]
    began, used = time.perf_counter(), time.process_time()
    threads = [
        threading.Thread(target=_work, args=(network, node, signer, pks)) for _ in range(WORKERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent, used = time.perf_counter() - began, time.process_time() - used
    for _ in range(4):
        node.call("anvil_mine", ["0x1"], Any)
        pump.pump(network=network, nodes=[node], signer=signer)
    assert not Withdrawal.objects.filter(pk__in=pks, ended_at=None).exists()
    return count / spent, count / used


def _work(network: Network, node: Any, signer: Any, pks: list[int]) -> None:
    unsent = (State.APPROVED.value, State.SIGNED.value)
    try:
        while Withdrawal.objects.filter(pk__in=pks, state__in=unsent).exists():
            try:
                payouts.sign_due(network=network, nodes=[node], signer=signer)
                pump.pump(network=network, nodes=[node], signer=signer)
            except Unavailable:
                continue
            time.sleep(PAUSE_S)
    finally:
        connection.close()
