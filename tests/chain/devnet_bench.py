"""Our own node inside the test's process, with a clock that stands still."""

from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from chain.devnet import genesis
from chain.devnet.dev_methods import DEV_METHODS
from chain.devnet.methods import METHODS
from chain.devnet.node import Node
from chain.devnet.server import Options, node_of

NOW = 1_760_000_000
GWEI = 10**9
KEYS = [genesis.account(index) for index in range(4, 8)]
NOBODY = "0x" + "77" * 20


def opened(journal: Path | None = None, **other: Any) -> Node:
    """Return a node that is asked directly and mines when told."""
    return node_of(Options(journal=journal, block_time=0, clock=lambda: NOW, **other))


def ask(node: Node, method: str, *params: Any) -> Any:
    """Return the result of a method."""
    return (METHODS | DEV_METHODS)[method](node, list(params))


def fresh(node: Node, seed: str) -> LocalAccount:
    """Return a key with a million ether."""
    key: LocalAccount = Account.from_key(keccak(seed.encode()))
    ask(node, "anvil_setBalance", key.address, hex(10**24))
    return key


def signed(key: LocalAccount, nonce: int, **other: Any) -> str:
    """Return a signed transfer of one wei; what is named differs."""
    fields = {
        "type": 2,
        "chainId": genesis.CHAIN_ID,
        "nonce": nonce,
        "to": NOBODY,
        "value": 1,
        "gas": 21_000,
        "maxFeePerGas": 4 * GWEI,
        "maxPriorityFeePerGas": GWEI,
        **other,
    }
    return "0x" + bytes(key.sign_transaction(fields).raw_transaction).hex()


def send(node: Node, key: LocalAccount, nonce: int, **other: Any) -> str:
    """Sign, send, and return the hash."""
    sent: str = ask(node, "eth_sendRawTransaction", signed(key, nonce, **other))
    return sent
