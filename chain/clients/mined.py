"""Transactions as a node shows them whole: whose they are, which nonce, what they do."""

import msgspec

from chain.clients.rpc import Node
from chain.errors import NodeFault


class Mined(msgspec.Struct, rename="camel", frozen=True):
    """A transaction in a block."""

    hash: str
    sender: str = msgspec.field(name="from")
    nonce: str
    input: str
    value: str = "0x0"
    to: str | None = None
    block_number: str | None = None
    block_hash: str | None = None

    @property
    def terms(self) -> tuple[str, int, str, str, int]:
        """Who sends it by which nonce, and to whom, with what: equal for the same payment."""
        to = (self.to or "").lower()
        return (
            self.sender.lower(),
            int(self.nonce, 16),
            to,
            self.input.lower(),
            int(self.value, 16),
        )


class Full(msgspec.Struct, frozen=True):
    """A block with its transactions."""

    hash: str
    transactions: list[Mined]


def mined(node: Node, tx_hash: str) -> Mined:
    """Return a transaction that is in a block. Raises NodeFault where there is none."""
    found = node.call("eth_getTransactionByHash", [tx_hash], Mined)
    if found is None or found.block_number is None or found.hash.lower() != tx_hash:
        raise NodeFault(f"{node.name} knows no mined transaction {tx_hash}")
    return found


def nonces_used(node: Node, sender: str, block: int | str) -> int:
    """Return how many nonces of a sender are used by a block. Raises NodeFault."""
    at = hex(block) if isinstance(block, int) else block
    return node.number("eth_getTransactionCount", sender, at)


def taker(node: Node, sender: str, nonce: int, final: int) -> Mined | None:
    """Return the transaction that used a nonce by block `final`, found by counting.

    None where the block does not show it. Raises NodeFault, also for a node that keeps no states.
    """
    high, low, step = final, final - 1, 1
    while low >= 0 and nonces_used(node, sender, low) > nonce:
        high, low, step = low, low - step, step * 2
    low = max(low, -1)
    while high - low > 1:
        middle = (low + high) // 2
        if nonces_used(node, sender, middle) > nonce:
            high = middle
        else:
            low = middle
    block = node.call("eth_getBlockByNumber", [hex(high), True], Full)
    told = block.transactions if block else []
    return next(
        (tx for tx in told if tx.sender.lower() == sender and int(tx.nonce, 16) == nonce), None
    )
