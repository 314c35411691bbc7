"""Driving a local chain in a test, whichever it is: deploy, transfer, mine, reorganise, look.

Everything goes through JSON-RPC, so one driver serves anvil and the embedded chain.
"""

import contextlib
import itertools
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount

from chain.clients.rpc import Node, Receipt
from chain.contracts import artifact
from chain.devnet import genesis, jsonrpc, server
from chain.devnet.server import Options, node_of
from chain.errors import NodeRefused
from chain.hashing import checksummed, selector

GAS_PRICE = 2 * 10**9
# The keys that anvil prints for everybody.
ANVIL_KEYS = (
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
)
NOBODY = "0x00000000000000000000000000000000000fffff"


def word(value: int | str) -> str:
    """Return an argument of a call as 64 hex digits."""
    return f"{int(value, 16) if isinstance(value, str) else value:064x}"


def call_data(signature: str, *arguments: int | str) -> str:
    """Return the data of a call with plain arguments."""
    return "0x" + selector(signature).hex() + "".join(map(word, arguments))


class Chain:
    """A chain with our token on it and somebody rich; on anvil, whose owner we are."""

    def __init__(self, node: Node, *, finality_lag: int = 2) -> None:
        self.node = node
        # how far `finalized` is behind the head, by the node's own tags
        self.finality_lag = finality_lag
        self.chain_id = node.number("eth_chainId")
        self.bank, self.marker = self._accounts()
        self._recount()
        self._begin()
        self.floor = self.height

    def _accounts(self) -> tuple[LocalAccount, LocalAccount]:
        first, second = (Account.from_key(key) for key in ANVIL_KEYS)
        return first, second

    def _begin(self) -> None:
        self.token = self.deploy("TestUSD")
        self.mint(self.bank.address, 10**15)
        self.mine()

    def _recount(self) -> None:
        count = self.node.number("eth_getTransactionCount", self.bank.address, "latest")
        self._nonces = itertools.count(count)

    def deploy(self, name: str, arguments: str = "") -> str:
        """Deploy one of our contracts and return its address in lower case."""
        tx = self.send(None, "0x" + artifact(name).bytecode.hex() + arguments, gas=3_000_000)
        self.mine()
        found = self.node.call("eth_getTransactionReceipt", [tx], dict)
        assert found is not None
        assert int(found["status"], 16) == 1
        return str(found["contractAddress"]).lower()

    def signed(self, to: str | None, data: str, *, gas: int = 120_000, value: int = 0) -> str:
        """Sign a transaction of the bank's next nonce."""
        fields = _fields(self.chain_id, next(self._nonces), to, data, gas=gas, value=value)
        return "0x" + bytes(self.bank.sign_transaction(fields).raw_transaction).hex()

    def send(self, to: str | None, data: str, *, gas: int = 120_000, value: int = 0) -> str:
        """Send a transaction from the bank and return its hash; `mine` includes it."""
        raw = self.signed(to, data, gas=gas, value=value)
        found = self.node.call("eth_sendRawTransaction", [raw], str)
        assert found is not None
        return found

    def mint(self, to: str, amount: int) -> str:
        """Mint the token."""
        return self.send(self.token, call_data("mint(address,uint256)", to, amount))

    def pay(self, to: str, amount: int, token: str | None = None) -> str:
        """Transfer the token from the bank."""
        return self.send(token or self.token, call_data("transfer(address,uint256)", to, amount))

    def ether(self, to: str, wei: int) -> None:
        """Give gas money."""
        self.send(to, "0x", value=wei, gas=21_000)

    def mine(self, blocks: int = 1) -> int:
        """Mine blocks and return the height."""
        self.node.call("anvil_mine", [hex(blocks)], Any)
        return self.height

    @property
    def height(self) -> int:
        """The newest block."""
        return self.node.number("eth_blockNumber")

    def reorg(self, depth: int, *, keep: bool = True) -> None:
        """Replace the last blocks by others, whose transactions come back in one of them or not.

        The first new block always holds a transaction of its own, so that no hash repeats.
        """
        top = self.height
        depth = min(depth, top - self.floor)
        if depth < 1:
            return
        self._replace(top, depth, self._mark(top - depth), keep=keep)
        self._recount()

    def _mark(self, number: int) -> str:
        """Sign a transaction that no chain has yet, valid after that block."""
        nonce = self.node.number("eth_getTransactionCount", self.marker.address, hex(number))
        fields = _fields(self.chain_id, nonce, NOBODY, "0x", gas=21_000, value=1 + next(_marks))
        return "0x" + bytes(self.marker.sign_transaction(fields).raw_transaction).hex()

    def _replace(self, top: int, depth: int, mark: str, *, keep: bool) -> None:
        raws = self._raws(top - depth + 1, top) if keep else []
        self.node.call("anvil_rollback", [depth], Any)
        self.node.call("anvil_dropAllTransactions", [], Any)
        for raw in (mark, *raws):
            with contextlib.suppress(NodeRefused):  # an earlier mark has lost its nonce
                self.node.call("eth_sendRawTransaction", [raw], str)
        for _ in range(depth):
            self.mine()

    def _raws(self, first: int, last: int) -> list[str]:
        raws = []
        for number in range(first, last + 1):
            block = self.node.call("eth_getBlockByNumber", [hex(number), False], dict)
            for tx in (block or {})["transactions"]:
                raw = self.node.call("eth_getRawTransactionByHash", [tx], str)
                assert raw is not None
                raws.append(raw)
        return raws

    def balance(self, address: str, token: str | None = None) -> int:
        """Return how much of the token an address holds."""
        data = call_data("balanceOf(address)", address)
        return int(self.node.eth_calls([(token or self.token, data)], "latest")[0], 16)

    def receipt(self, tx: str) -> Receipt | None:
        """Return a receipt."""
        return self.node.receipts([tx])[0]


class Embedded(Chain):
    """The same on the chain of our own, inside this process."""

    def __init__(self, *, finality_lag: int = 16) -> None:
        options = Options(block_time=0, safe_lag=finality_lag // 2, finalized_lag=finality_lag)
        self.inside = node_of(options)
        handle = server._handler(self.inside)
        node = Node("embedded", lambda body: jsonrpc.answer(body, handle))
        super().__init__(node, finality_lag=finality_lag)

    def _accounts(self) -> tuple[LocalAccount, LocalAccount]:
        return genesis.account(genesis.OWNER), genesis.account(9)

    def _begin(self) -> None:
        self.token = genesis.deployed().token.lower()
        self.mint(self.bank.address, 10**15)
        self.mine()

    def _replace(self, top: int, depth: int, mark: str, *, keep: bool) -> None:
        words = "all" if keep else "none"
        self.node.call("devnet_reorg", [hex(depth), words, [mark]], Any)
        self.node.call("anvil_dropAllTransactions", [], Any)


def _fields(
    chain_id: int, nonce: int, to: str | None, data: str, *, gas: int, value: int
) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "chainId": chain_id,
        "nonce": nonce,
        "gas": gas,
        "maxFeePerGas": GAS_PRICE * 10,
        "maxPriorityFeePerGas": GAS_PRICE,
        "value": value,
        "data": data,
        "type": 2,
    }
    if to is not None:
        fields["to"] = checksummed(to.lower())
    return fields


_marks = itertools.count(1)
