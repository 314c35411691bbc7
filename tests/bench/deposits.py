"""D1, D2, D5, D6: how fast a backlog is read, how soon deposits show, addresses, the start."""

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bip32 import BIP32
from django.conf import settings
from django.db import connection, transaction

from chain.clients import endpoints
from chain.clients import signer as signers
from chain.clients.rpc import Node, http
from chain.hashing import TRANSFER_TOPIC
from chain.models import Deposit, Network, ScannedBlock, ScanState
from chain.services import addresses, backfill, embedded_setup, follow
from tests.bench.figures import Measure, Rounds, percentile, say
from tests.chain.purses import InsideSigner, desk_of
from tests.factories import funded_user

PATH = "m/44'/60'/1'"
PER_BLOCK = 3
TOKEN = "0x" + "11" * 20
STRANGER = "0x" + "00" * 12 + "22" * 20


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is measured."""

    rounds: int
    blocks: int
    deposits: int
    derived: int


PACES = {
    "tiny": Pace(3, 2_000, 2, 200),
    "quick": Pace(3, 40_000, 10, 2_000),
    "full": Pace(5, 80_000, 40, 10_000),
}


def measure(size: str, store: str) -> list[Measure]:
    """Return blocks, logs and addresses per CPU-second, and the delays of deposits in ms."""
    del store
    pace, found = PACES[size], Rounds()
    xpub = BIP32.from_seed(bytes(range(32))).get_xpub_from_path(PATH)
    for number in range(pace.rounds):
        say(f"deposits: round {number + 1} of {pace.rounds}")
        found.add("derived", _derived(xpub, pace.derived))
        blocks, logs = _backlog(pace.blocks)
        found.add("blocks", blocks)
        found.add("logs", logs)
        _delays(found, pace.deposits)
        began = time.perf_counter()
        with devnet() as node:
            node.number("eth_blockNumber")
            found.add("start", time.perf_counter() - began)
    return [
        found.measure("D1", f"backfill, {PER_BLOCK} transfers a block", "blocks", "blocks/CPU-s"),
        found.measure("D1", "the same, logs", "logs", "logs/CPU-s"),
        found.measure("D2", "block to visible, p95", "seen", "ms"),
        found.measure("D2", "final block to credited, p95", "credited", "ms"),
        found.measure("D5", "addresses from the extended public key", "derived", "1/CPU-s"),
        found.measure("D6", "embedded chain with its contracts, from nothing", "start", "s"),
    ]


def _derived(xpub: str, count: int) -> float:
    began = time.process_time()
    addresses.derive(xpub, range(count))
    return count / (time.process_time() - began)


def _backlog(blocks: int) -> tuple[float, float]:
    """Return blocks and logs per CPU-second of reading a backlog, answers made beforehand."""
    node = Node("made before", _made_before(blocks))
    with transaction.atomic():
        network = Network.objects.create(chain_id=1, name="made", endpoints=[], token=TOKEN)
        ScanState.objects.create(
            network=network, scanned_number=blocks, final_number=blocks, final_hash=_hash(blocks)
        )
        backfill.backfill(network, [node], 1, blocks)  # writes every list that is asked for
        began = time.process_time()
        found = backfill.backfill(network, [node], 1, blocks)
        spent = time.process_time() - began
        transaction.set_rollback(True)
    assert found.blocks == blocks
    return blocks / spent, found.logs / spent


def _made_before(blocks: int) -> Any:
    """Return a transport whose lists are written once: the node's own work is not the client's."""
    log = json.dumps(_log(1, 0))
    ready: dict[int, bytes] = {}

    def carry(body: bytes) -> bytes:
        asked = json.loads(body)
        if asked["method"] == "eth_getBlockByNumber":
            number = int(asked["params"][0], 16)
            return json.dumps({"id": 1, "result": _header(number)}).encode()
        first, last = (int(asked["params"][0][n], 16) for n in ("fromBlock", "toBlock"))
        # one more than a multiple, for a round number would be taken as cut off
        count = PER_BLOCK * (last - first + 1) + 1
        if count not in ready:
            ready[count] = f'{{"id":1,"result":[{",".join([log] * count)}]}}'.encode()
        return ready[count]

    return carry


def _hash(number: int) -> str:
    return f"0x{number:064x}"


def _header(number: int) -> dict[str, str]:
    return {"number": hex(number), "hash": _hash(number), "parentHash": _hash(number - 1)}


def _log(block: int, index: int) -> dict[str, Any]:
    return {
        "address": TOKEN,
        "topics": [TRANSFER_TOPIC, STRANGER, STRANGER],
        "data": "0x" + f"{10**6:064x}",
        "blockNumber": hex(block),
        "blockHash": _hash(block),
        "transactionHash": _hash(2**200 + block),
        "transactionIndex": "0x0",
        "logIndex": hex(index),
        "removed": False,
    }


@contextlib.contextmanager
def devnet() -> Iterator[Node]:
    """Run the embedded chain in a process of its own, mined by hand."""
    command = [sys.executable, "-m", "chain.devnet", "--port", "0", "--block-time", "0"]
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip().rpartition(" ")[2]
            yield http(url, url)
        finally:
            process.terminate()


def site_of(node: Node, folder: Path) -> tuple[Network, InsideSigner]:
    """Return a network for a chain, and its signer."""
    from chain.signer.policy import Contracts, Policy  # noqa: PLC0415 (keys stay out of imports)

    info: Any = node.call("devnet_info", [], dict)
    known = {n: str(info[n]).lower() for n in ("token", "disperse", "sweeper", "treasury")}
    contracts = Contracts(**known, signing_name="Test USD")
    policy = Policy(
        chains={int(info["chainId"], 16): contracts}, per_day_micro=10**15, per_payment_micro=10**12
    )
    signer = InsideSigner(desk_of(folder, policy))
    network = embedded_setup.prepare(node, signer)
    Network.objects.filter(pk=network.pk).update(
        endpoints=[node.name], heads=node.name, cancel_window_s=0
    )
    network.refresh_from_db()
    return network, signer


def _delays(found: Rounds, count: int) -> None:
    """Note how long after its block a deposit is visible, and after the final one credited."""
    with devnet() as node, tempfile.TemporaryDirectory() as folder:
        network, signer = site_of(node, Path(folder))
        endpoints.nodes_of(network)
        setattr(signers, "configured", lambda: signer)  # noqa: B010 (a module's own function)
        user = funded_user("0")
        address = addresses.address_of(user).address
        stop = threading.Event()
        thread = threading.Thread(target=_follow, args=(stop,))
        thread.start()
        node.call("anvil_mine", ["0x14"], Any)
        time.sleep(2.0)
        seen, credited = [], []
        try:
            for number in range(count):
                embedded_setup.faucet(network, node, address, 1_000_000 + number)
                rows = Deposit.objects.filter(amount_micro=1_000_000 + number)
                seen.append(_until(node, 1, rows.exists))
                node.call("anvil_mine", ["0xf"], Any)
                time.sleep(0.1)
                done = rows.filter(state=Deposit.State.CREDITED)
                credited.append(_until(node, 1, done.exists))
        finally:
            stop.set()
            thread.join()
        found.add("seen", percentile(seen, 0.95))
        found.add("credited", percentile(credited, 0.95))
        ScannedBlock.objects.all().delete()


def _follow(stop: threading.Event) -> None:
    try:
        follow.follow(stop)
    finally:
        connection.close()


def _until(node: Node, blocks: int, done: Any) -> float:
    """Mine and return after how many milliseconds something is so."""
    node.call("anvil_mine", [hex(blocks)], Any)
    began = time.perf_counter()
    while not done():
        assert time.perf_counter() - began < 10, "it never came"
        time.sleep(0.002)
    return 1_000 * (time.perf_counter() - began)
