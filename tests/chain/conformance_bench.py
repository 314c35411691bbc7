"""Two nodes under one interface: our own and anvil, both on loopback and mined by hand.

Traps of anvil that this stays clear of: under automine a burst beyond the block's gas hangs for
good; a batch runs its requests at once; a reorg over empty blocks may give the same hashes again;
no `removed` logs follow a reorg; a replacement that adds one wei is accepted.
"""

import contextlib
import itertools
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from eth_abi.abi import decode, encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from chain.contracts import artifact
from chain.devnet import genesis
from exchange import clock
from megatron.embedded import tied
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
ANVIL = ROOT / "tests/browser/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
GWEI, ETHER, USD = 10**9, 10**18, 10**6
FOR_EVER = 2**40
AT = genesis.deployed()
TRANSFER = "0x" + keccak(b"Transfer(address,address,uint256)").hex()
Json = dict[str, Any]


class Refusal(Exception):
    """A JSON-RPC error."""

    def __init__(self, error: Json) -> None:
        super().__init__(error["message"])
        self.code = error["code"]
        self.words = error["message"].lower()
        self.data = error.get("data")


def encoded(contract: str, name: str, *arguments: Any) -> str:
    """Return the calldata of a function of ours."""
    part = next(p for p in artifact(contract).abi if p.get("name") == name)
    types = [collapse_if_tuple(i) for i in part["inputs"]]
    selector = keccak(f"{name}({','.join(types)})".encode())[:4]
    return "0x" + (selector + encode(types, arguments)).hex()


def topic(address: str) -> str:
    """Return an address as it stands in a topic."""
    return "0x" + address[2:].lower().rjust(64, "0")


class Bench:
    """A node and the few things that every test does with it."""

    def __init__(self, url: str, kind: str) -> None:
        self.url = url
        self.kind = kind
        self._session = requests.Session()
        self._keys = itertools.count(1)

    # --- asking

    def post(self, body: bytes, **headers: str) -> requests.Response:
        """Send `body` as it is."""
        kinds = {"content-type": "application/json", **headers}
        return self._session.post(self.url, data=body, headers=kinds, timeout=30)

    def ask(self, method: str, *params: Any) -> Any:
        """Return the result of a method."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        response = self.post(json.dumps(body).encode()).json()
        if "error" in response:
            raise Refusal(response["error"])
        return response["result"]

    def number(self, method: str, *params: Any) -> int:
        """Return the result of a method as a number."""
        return int(self.ask(method, *params), 16)

    def head(self) -> int:
        """Return the newest block's number."""
        return self.number("eth_blockNumber")

    def block(self, tag: int | str = "latest", *, full: bool = False) -> Json:
        """Return a block."""
        name = hex(tag) if isinstance(tag, int) else tag
        found: Json = self.ask("eth_getBlockByNumber", name, full)
        return found

    def balance(self, address: str, tag: str = "latest") -> int:
        """Return wei."""
        return self.number("eth_getBalance", address, tag)

    def nonce(self, address: str, tag: str = "latest") -> int:
        """Return a nonce."""
        return self.number("eth_getTransactionCount", address, tag)

    def view(self, contract: str, name: str, *arguments: Any, at: str = AT.token) -> Any:
        """Return what a view of one of our contracts answers."""
        wanted = {"to": at, "data": encoded(contract, name, *arguments)}
        part = next(p for p in artifact(contract).abi if p.get("name") == name)
        types = [collapse_if_tuple(o) for o in part["outputs"]]
        output = bytes.fromhex(self.ask("eth_call", wanted, "latest")[2:])
        return decode(types, output)[0]

    def usd(self, address: str) -> int:
        """Return how much of the token an address holds."""
        return int(self.view("TestUSD", "balanceOf", address))

    # --- acting

    def mine(self, count: int = 1) -> None:
        """Make blocks."""
        for _ in range(count):
            self.ask("evm_mine")

    def fresh(self, *, ether: int = 10, usd: int = 0) -> LocalAccount:
        """Return a key nobody used before, with money."""
        seed = f"{self.kind} {next(self._keys)}".encode()
        key: LocalAccount = Account.from_key(keccak(seed))
        if ether:
            self.ask("anvil_setBalance", key.address, hex(ether * ETHER))
        if usd:
            self.do(genesis.account(genesis.OWNER), AT.token, "TestUSD", "mint", key.address, usd)
        return key

    def sign(self, key: LocalAccount, to: str | None = None, **other: Any) -> str:
        """Return a signed transaction; what is not named gets a usual value."""
        fields: Json = {
            "type": 2,
            "chainId": genesis.CHAIN_ID,
            "gas": 1_000_000,
            "maxFeePerGas": 5 * GWEI,
            "maxPriorityFeePerGas": 0,
            "value": 0,
            "data": "0x",
            **other,
        }
        if "nonce" not in fields:
            fields["nonce"] = self.nonce(key.address, "pending")
        if "gasPrice" in fields:
            del fields["maxFeePerGas"], fields["maxPriorityFeePerGas"]
        if fields["type"] == 0:
            # The library knows the old kind by having none.
            del fields["type"]
        if to is not None:
            fields["to"] = to
        return "0x" + bytes(key.sign_transaction(fields).raw_transaction).hex()

    def send(self, key: LocalAccount, to: str | None = None, **other: Any) -> str:
        """Sign and send, and return the hash."""
        sent: str = self.ask("eth_sendRawTransaction", self.sign(key, to, **other))
        return sent

    def receipt(self, tx_hash: str) -> Json:
        """Return the receipt of a transaction that has been mined."""
        deadline = clock.monotonic() + PATIENCE_S
        while (found := self.ask("eth_getTransactionReceipt", tx_hash)) is None:
            assert clock.monotonic() < deadline, f"no receipt of {tx_hash}"
        receipt: Json = found
        return receipt

    def do(
        self, key: LocalAccount, to: str, contract: str, name: str, *arguments: Any, gas: int = 0
    ) -> Json:
        """Call a function of ours in a transaction of its own and return the receipt."""
        payload = encoded(contract, name, *arguments)
        sent = self.send(key, to, data=payload, gas=gas or 1_000_000)
        self.mine()
        return self.receipt(sent)

    def own(self, name: str, *arguments: Any) -> Json:
        """Let the token's owner call it."""
        return self.do(genesis.account(genesis.OWNER), AT.token, "TestUSD", name, *arguments)

    def logs(self, **wanted: Any) -> list[Json]:
        """Return logs."""
        found: list[Json] = self.ask("eth_getLogs", wanted)
        return found


@contextlib.contextmanager
def started(words: list[str], kind: str, port: int) -> Iterator[Bench]:
    """Run a node until the block ends."""
    tie = tied(signal.SIGKILL)  # however these tests end, their node ends with them
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        words,
        stdout=quiet,
        cwd=ROOT,
        preexec_fn=tie,  # noqa: PLW1509 (one system call)
    )
    bench = Bench(f"http://127.0.0.1:{port}", kind)
    deadline = clock.monotonic() + PATIENCE_S
    try:
        while True:
            assert process.poll() is None, f"{kind} does not start"
            assert clock.monotonic() < deadline, f"{kind} does not answer"
            with contextlib.suppress(requests.ConnectionError):
                bench.ask("eth_chainId")
                break
        yield bench
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def devnet(*flags: str) -> Iterator[Bench]:
    """Run our own node, mined by hand, its finality one and two blocks behind as anvil's here."""
    port = free_port()
    words = [sys.executable, "-m", "chain.devnet", "--port", str(port), "--block-time", "0"]
    lags = ["--safe-lag", "1", "--finalized-lag", "2"]
    with started([*words, *lags, *flags], "devnet", port) as bench:
        yield bench


@contextlib.contextmanager
def anvil() -> Iterator[Bench]:
    """Run anvil with the accounts and the contracts of our own node."""
    port = free_port()
    words = [str(ANVIL), "--port", str(port), "--silent", "--no-mining", "--hardfork", "prague"]
    accounts = ["--mnemonic", genesis.MNEMONIC, "--balance", "1000000"]
    chain = ["--chain-id", str(genesis.CHAIN_ID), "--slots-in-an-epoch", "1"]
    with started([*words, *accounts, *chain], "anvil", port) as bench:
        for raw in genesis.deployments():
            bench.ask("eth_sendRawTransaction", "0x" + raw.hex())
        bench.mine()
        yield bench


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
