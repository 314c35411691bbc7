"""Somebody else who has the paying wallet's key."""

from typing import Any

from eth_account import Account

from chain.hashing import checksummed
from tests.chain.driver import GAS_PRICE, call_data
from tests.chain.paying import Till, stranger

GAS = 120_000


def steal(till: Till, nonce: int, amount: int, to: str | None = None) -> str:
    """Send the wallet's token somewhere by one of its nonces, and return the hash."""
    data = call_data("transfer(address,uint256)", to or stranger(), amount)
    return send(till, nonce=nonce, to=till.chain.token, data=data)


def send(till: Till, *, nonce: int, to: str, data: str) -> str:
    """Sign by the wallet's own key, outside the signer, and send it."""
    key = till.signer.desk._backend._key.secret  # type: ignore[attr-defined]
    fields: dict[str, Any] = {
        "chainId": till.chain.chain_id, "nonce": nonce, "gas": GAS, "value": 0, "type": 2,
        "maxFeePerGas": GAS_PRICE * 20, "maxPriorityFeePerGas": GAS_PRICE * 2,
        "to": checksummed(to), "data": data,
    }  # fmt: skip
    raw = bytes(Account.from_key(key).sign_transaction(fields).raw_transaction)
    found = till.chain.node.call("eth_sendRawTransaction", ["0x" + raw.hex()], str)
    assert found is not None
    return found
