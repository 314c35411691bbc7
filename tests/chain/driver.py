"""Driving a local chain in a test, whichever it is: deploy, transfer, mine, reorganise, look.

Everything goes through JSON-RPC, so one driver serves anvil and the embedded chain.
"""

import itertools
from typing import Any

from eth_account import Account

from chain.clients.rpc import Node, Receipt
from chain.contracts import artifact
from chain.hashing import checksummed, selector

MNEMONIC = "test test test test test test test test test test test junk"
GAS_PRICE = 2 * 10**9
BANKS = [
    Account.from_key("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    Account.from_key("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
]


def word(value: int | str) -> str:
    """Return an argument of a call as 64 hex digits."""
    return f"{int(value, 16) if isinstance(value, str) else value:064x}"


def call_data(signature: str, *arguments: int | str) -> str:
    """Return the data of a call with plain arguments."""
    return "0x" + selector(signature).hex() + "".join(map(word, arguments))


class Chain:
    """A chain with our token on it and somebody rich."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.chain_id = node.number("eth_chainId")
        self.bank = BANKS[0]
        self._nonces = itertools.count(
            node.number("eth_getTransactionCount", self.bank.address, "latest")
        )
        self.token = self.deploy("TestUSD")
        self.mint(self.bank.address, 10**15)
        self.mine()
        self.floor = self.height

    def deploy(self, name: str) -> str:
        """Deploy one of our contracts and return its address in lower case."""
        tx = self.send(None, "0x" + artifact(name).bytecode.hex(), gas=3_000_000)
        self.mine()
        found = self.node.call("eth_getTransactionReceipt", [tx], dict)
        assert found is not None
        assert int(found["status"], 16) == 1
        return str(found["contractAddress"]).lower()

    def signed(self, to: str | None, data: str, *, gas: int = 120_000, value: int = 0) -> str:
        """Sign a transaction of the bank's next nonce."""
        fields: dict[str, Any] = {
            "chainId": self.chain_id,
            "nonce": next(self._nonces),
            "gas": gas,
            "maxFeePerGas": GAS_PRICE * 10,
            "maxPriorityFeePerGas": GAS_PRICE,
            "value": value,
            "data": data,
            "type": 2,
        }
        if to is not None:
            fields["to"] = checksummed(to.lower())
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
        for _ in range(blocks):
            self.node.call("evm_mine", [], str)
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
        lost = [] if not keep else self._raws(top - depth + 1, top)
        self.node.call("anvil_rollback", [depth], Any)
        nonce = self.node.number("eth_getTransactionCount", self.bank.address, "latest")
        self.node.call("anvil_dropAllTransactions", [], Any)
        self._nonces = itertools.count(nonce)
        for raw in lost:
            self.node.call("eth_sendRawTransaction", [raw], str)
            next(self._nonces)
        self.ether("0x00000000000000000000000000000000000fffff", 1 + next(_marks))
        self.mine(depth)

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


_marks = itertools.count(1)
