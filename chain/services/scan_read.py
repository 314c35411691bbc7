"""Reading a range of blocks so that what was read belongs to one chain, or nothing was read.

Headers come first and must link; then the logs, each with its header's hash; then the last header
again, because an empty list from another fork looks like an empty list. Blocks that are final
cannot change any more: of those only the last header and those with a transfer to us are read.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from chain.clients.rpc import Header, Log, Node, Receipt
from chain.core import ranges
from chain.errors import NodeFault, Reorged
from chain.hashing import TRANSFER_TOPIC
from chain.models import Network
from chain.services.seams import crash_here

AMOUNT_MAX = 2**63 - 1
TRANSFER_TOPICS = 3
WORD_CHARACTERS = 66


@dataclass(frozen=True, slots=True)
class Hit:
    """A transfer of the token to one of our addresses, by its lasting identity."""

    tx_hash: str
    position: int
    token: str
    sender: str
    recipient: str
    amount_micro: int
    block_number: int
    block_hash: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A range that was read: the headers to keep and the transfers to us."""

    first: int
    last: int
    headers: tuple[Header, ...]
    hits: tuple[Hit, ...]
    logs: int


def chunk(  # noqa: PLR0917 (a range, what it follows, and what to look for)
    node: Node, network: Network, watched: Collection[str], first: int, last: int, parent: str = ""
) -> Chunk:
    """Return everything in a range that may still change, checked block by block.

    Raises:  Reorged when the chain moved meanwhile; NodeFault.
    """
    headers = [_there(found) for found in node.headers(range(first, last + 1))]
    _require_links(headers, first, parent)
    crash_here("scan.headers")
    logs = transfers(node, network, first, last)
    crash_here("scan.logs")
    hashes = {header.height: header.hash for header in headers}
    for log in logs:
        if hashes.get(int(log.block_number, 16)) != log.block_hash:
            raise Reorged("a log names a block that is not in this chain")
    hits = hits_of(node, network, logs, watched)
    _require_same(node, headers[-1])
    return Chunk(first, last, tuple(headers), hits, len(logs))


def final_chunk(  # noqa: PLR0917 (as above)
    node: Node, network: Network, watched: Collection[str], first: int, last: int, parent: str = ""
) -> Chunk:
    """Return everything in a range of final blocks, with the header of its last block alone.

    Raises:  Reorged where a log's block is not the chain's; NodeFault.
    """
    newest = _there(node.header(last))
    _require_links([newest], last, parent if first == last else "")
    crash_here("scan.headers")
    logs = transfers(node, network, first, last)
    crash_here("scan.logs")
    hits = hits_of(node, network, logs, watched)
    told = {hit.block_number: hit.block_hash for hit in hits}
    for header in map(_there, node.headers(sorted(told))):
        if told[header.height] != header.hash:
            raise Reorged("a log names a block that is not in this chain")
    _require_same(node, newest)
    return Chunk(first, last, (newest,), hits, len(logs))


def transfers(node: Node, network: Network, first: int, last: int) -> list[Log]:
    """Return every transfer of the token, and of its bridged twin, in a range.

    Raises:  NodeFault, also for a list that was probably cut off.
    """
    tokens = [network.token, *([network.bridged_token] if network.bridged_token else [])]
    logs = node.logs(first, last, tokens, [TRANSFER_TOPIC])
    if ranges.looks_truncated(len(logs), last - first + 1):
        raise NodeFault(f"a list of exactly {len(logs)} logs was probably cut off")
    return logs


def hits_of(
    node: Node, network: Network, logs: Sequence[Log], watched: Collection[str]
) -> tuple[Hit, ...]:
    """Return the transfers to us, with their place in their transaction from its receipt.

    Credited is only what moved something to us: our contract, a transaction that succeeded, an
    amount, another sender than the recipient.
    """
    ours = [log for log in logs if len(log.topics) == TRANSFER_TOPICS and log.topics[2] in watched]
    if not ours:
        return ()
    tokens = {network.token, network.bridged_token} - {""}
    hashes = list(dict.fromkeys(log.transaction_hash for log in ours))
    receipts = dict(zip(hashes, node.receipts(hashes), strict=True))
    found: dict[tuple[str, int], Hit] = {}
    for log in ours:
        hit = _hit(log, receipts[log.transaction_hash], tokens)
        if hit is not None:
            found[hit.tx_hash, hit.position] = hit
    return tuple(found.values())


def _hit(log: Log, receipt: Receipt | None, tokens: set[str]) -> Hit | None:
    token = log.address.lower()
    if token not in tokens or log.topics[0] != TRANSFER_TOPIC or log.removed:
        return None
    amount = int(log.data, 16) if len(log.data) == WORD_CHARACTERS else 0
    if not 0 < amount <= AMOUNT_MAX or log.topics[1] == log.topics[2]:
        return None
    if receipt is None or receipt.block_hash != log.block_hash:
        raise Reorged("a log's transaction is in another block, or in none")
    position = position_in(receipt, log)
    if int(receipt.status, 16) != 1 or position < 0:
        return None
    return Hit(
        tx_hash=log.transaction_hash.lower(),
        position=position,
        token=token,
        sender="0x" + log.topics[1][26:],
        recipient="0x" + log.topics[2][26:],
        amount_micro=amount,
        block_number=int(log.block_number, 16),
        block_hash=log.block_hash,
    )


def position_in(receipt: Receipt, log: Log) -> int:
    """Return where the log stands within its transaction, or -1 when the receipt lacks it."""
    for position, other in enumerate(receipt.logs):
        same = (other.address.lower(), other.topics, other.data)
        if other.log_index == log.log_index and same == (
            log.address.lower(),
            log.topics,
            log.data,
        ):
            return position
    return -1


def _there(header: Header | None) -> Header:
    if header is None:
        raise Reorged("a block that was there is gone")
    return header


def _require_links(headers: Sequence[Header], first: int, parent: str) -> None:
    before = parent
    for number, header in enumerate(headers, first):
        if header.height != number or (before and header.parent_hash != before):
            raise Reorged("the headers do not link")
        before = header.hash


def _require_same(node: Node, header: Header) -> None:
    again = node.header(header.height)
    if again is None or again.hash != header.hash:
        raise Reorged("the chain moved while it was read")
