import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chain.devnet.chain import Chain
from chain.devnet.journal import Journal, JournalBroken
from chain.devnet.node import Node
from chain.devnet.server import Options
from megatron.embedded import tied
from tests.chain.conformance_bench import ROOT, Bench
from tests.chain.devnet_bench import GWEI, KEYS, NOBODY, NOW, ask, opened, send

SEEDS = range(25)


def _hashes(chain: Chain) -> list[bytes]:
    return [block.hash for block in chain.blocks]


def _lived(path: Path, seed: int, steps: int = 25) -> Node:
    """Return a node with a random past: transfers, blocks, reorgs, gifts and ordered fees."""
    chance = random.Random(seed)
    node = opened(path)
    for _ in range(steps):
        match chance.randrange(6):
            case 0 | 1:
                key = chance.choice(KEYS)
                nonce = int(ask(node, "eth_getTransactionCount", key.address, "pending"), 16)
                to = chance.choice([*(k.address for k in KEYS), NOBODY])
                send(node, key, nonce, to=to, value=chance.randrange(10**18))
            case 2 | 3:
                ask(node, "anvil_mine", chance.randint(1, 3))
            case 4 if node.chain.head.number > 1:
                depth = chance.randint(1, node.chain.head.number - 1)
                mined = [r.tx.hash for b in node.chain.blocks[-depth:] for r in b.receipts]
                kept = ["0x" + h.hex() for h in mined if chance.random() < 0.7]
                ask(node, "devnet_reorg", depth, chance.choice(["all", "none", kept]))
            case _:
                ask(node, "anvil_setBalance", NOBODY, hex(chance.randrange(10**20)))
                if chance.random() < 0.3:
                    ask(node, "anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    return node


@pytest.mark.parametrize("seed", SEEDS)
def test_a_restart_gives_the_same_chain(tmp_path: Path, seed: int) -> None:
    before = _lived(tmp_path / "journal", seed)
    before.chain.close()

    after = opened(tmp_path / "journal")

    assert _hashes(after.chain) == _hashes(before.chain)
    assert after.chain.world._values == before.chain.world._values
    after.chain.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_reorgs_leave_what_the_branch_alone_would_give(tmp_path: Path, seed: int) -> None:
    lived = _lived(tmp_path / "journal", seed)
    balances = {key.address: int(ask(lived, "eth_getBalance", key.address), 16) for key in KEYS}
    spent = dict.fromkeys(balances, 0)
    gained = dict.fromkeys(balances, 0)

    for block in lived.chain.blocks[2:]:
        for receipt in block.receipts:
            sender = next(k for k in KEYS if k.address.lower()[2:] == receipt.tx.sender.hex())
            spent[sender.address] += receipt.tx.value + receipt.gas_used * receipt.price
            for key in KEYS:
                if key.address.lower()[2:] == receipt.tx.to.hex():
                    gained[key.address] += receipt.tx.value

    assert balances == {a: 10**24 + gained[a] - spent[a] for a in balances}
    lived.chain.close()


def test_the_past_is_as_it_was(tmp_path: Path) -> None:
    node = opened()
    seen = []
    for nonce in range(6):
        send(node, KEYS[0], nonce, value=nonce)
        ask(node, "evm_mine")
        seen.append(ask(node, "eth_getBalance", NOBODY))

    past = [ask(node, "eth_getBalance", NOBODY, hex(2 + place)) for place in range(6)]

    assert past == seen


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    node = _lived(path, seed=3)
    ask(node, "evm_mine")
    node.chain.close()
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, len(whole) - 1) + 1

    for cut in range(last, len(whole)):
        path.write_bytes(whole[:cut])
        again = opened(path)
        assert _hashes(again.chain) == _hashes(node.chain)[:-1]
        ask(again, "evm_mine")
        again.chain.close()
        healed = opened(path)
        assert _hashes(healed.chain) == _hashes(again.chain)
        healed.chain.close()


def test_a_line_damaged_in_the_middle_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    _lived(path, seed=4).chain.close()
    whole = path.read_bytes()

    for place in range(0, whole.rindex(b"\n", 0, len(whole) - 1), 293):
        changed = bytes((whole[place] ^ 1,))
        path.write_bytes(whole[:place] + changed + whole[place + 1 :])
        with pytest.raises(JournalBroken, match="damaged"):
            opened(path)


def test_the_journal_of_another_chain_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    opened(path).chain.close()
    text = path.read_bytes()
    held = Journal(path)
    with pytest.raises(JournalBroken, match="another process"):
        opened(path)
    held.close()
    path.write_bytes(text + text)

    with pytest.raises(JournalBroken, match="another beginning"):
        opened(path)


def _started(journal: Path, *flags: str) -> tuple["subprocess.Popen[str]", Bench]:
    words = [sys.executable, "-m", "chain.devnet", "--port", "0", "--journal", str(journal)]
    tie = tied(signal.SIGKILL)
    process = subprocess.Popen(
        [*words, *flags],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=tie,  # noqa: PLW1509 (one system call)
    )
    assert process.stdout is not None
    found = re.search(r"http://\S+", process.stdout.readline())
    assert found is not None
    return process, Bench(found[0], "devnet")


@pytest.mark.fault
def test_a_kill_loses_no_block_that_was_told(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    seen: dict[int, str] = {}
    for _ in range(2):
        process, bench = _started(journal, "--block-time", "0.02")
        try:
            for number, block_hash in seen.items():
                assert bench.block(number)["hash"] == block_hash
            nonce = bench.nonce(KEYS[0].address)
            for _ in range(15):
                bench.send(KEYS[0], NOBODY, nonce=nonce, value=1, gas=21_000)
                nonce += 1
                head = bench.head()
                seen[head] = bench.block(head)["hash"]
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
    assert len(seen) > 3


def test_stops_when_told(tmp_path: Path) -> None:
    process, bench = _started(tmp_path / "journal", "--block-time", "1")
    bench.head()

    process.send_signal(signal.SIGTERM)

    assert process.wait(10) == 0
    process.communicate()


def test_options_default_to_a_block_a_second() -> None:
    options = Options()

    assert options.block_time == 1.0
    assert options.host == "127.0.0.1"
    assert options.clock() > NOW
