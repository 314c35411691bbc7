"""What nodes say became of transactions of ours, and whether they say the same."""

from collections.abc import Sequence

from chain.clients.rpc import Node, Receipt
from chain.errors import NodeFault
from chain.models import Attempt
from chain.services.final_line import ASKED


def mined(node: Node, attempts: Sequence[Attempt]) -> dict[int, Receipt]:
    """Return the receipts of those attempts that are in a block. Raises NodeFault."""
    asked = node.receipts([attempt.tx_hash for attempt in attempts])
    pairs = zip(attempts, asked, strict=True)
    found = [(attempt, receipt) for attempt, receipt in pairs if receipt is not None]
    if any(receipt.transaction_hash.lower() != attempt.tx_hash for attempt, receipt in found):
        raise NodeFault(f"{node.name} answered with the receipt of another transaction")
    return {attempt.pk: receipt for attempt, receipt in found}


def is_canonical(nodes: Sequence[Node], receipt: Receipt) -> bool:
    """Say whether every node asked has the receipt's block."""
    number = int(receipt.block_number, 16)
    headers = [node.header(number) for node in nodes[:ASKED]]
    return all(header is not None and header.hash == receipt.block_hash for header in headers)


def outcome(receipt: Receipt | None) -> tuple[str, int] | None:
    """Return what nodes have to tell alike: the block and how it ended."""
    return (receipt.block_hash, int(receipt.status, 16)) if receipt else None
