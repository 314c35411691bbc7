"""Money whose block and whose entry in the books lie on two sides of one proof of reserves.

A payment leaves the chain in its block and the books when that block is final and somebody has
looked; a deposit that is credited early is in the books before its block is final. Each is counted
by its amount, so that what is merely on its way neither looks missing nor hides what is.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from chain.clients.rpc import Node
from chain.models import Deposit, NonceSlot

BATCH, LOOKED_AT = 100, 20_000
Purpose = NonceSlot.Purpose
# A sweep's excess goes from one pocket to another: it is held all the time.
LEAVES = (Purpose.PAYOUT, Purpose.BATCH)


@dataclass(slots=True)
class Crossing:
    """One network's rows as of the moment whose books are proven."""

    # of payments that are not settled in the books: the amount, and what could be mined of it
    unsettled: list[tuple[int, list[str]]] = field(default_factory=list)
    # of those that are, the newest first: the amount, and the hash that paid
    settled: list[tuple[int, str]] = field(default_factory=list)
    # of deposits that are in the books before their block is final: the amount, and the block
    early: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnItsWay:
    """What is counted beside the holdings at one block, in micro-USDC."""

    paid_micro: int = 0
    leaving_micro: int = 0
    arriving_micro: int = 0


def noted() -> dict[int, Crossing]:
    """Return every network's rows; the caller reads the books in the same snapshot."""
    found: defaultdict[int, Crossing] = defaultdict(Crossing)
    slots = NonceSlot.objects.filter(purpose__in=LEAVES)
    for slot in slots.filter(settled_at=None).prefetch_related("attempts"):
        hashes = [a.tx_hash for a in slot.attempts.all() if not a.is_cancel]
        found[slot.network_id].unsettled.append((slot.amount_micro, hashes))
    paid = slots.filter(state=NonceSlot.State.SETTLED, reverted=False).order_by("-settled_at")
    newest = paid.values_list("network", "amount_micro", "settled_hash")[:LOOKED_AT]
    for network, amount, tx_hash in newest:
        found[network].settled.append((amount, tx_hash))
    early = Deposit.objects.filter(state=Deposit.State.CREDITED, final_at=None)
    for network, amount, block in early.values_list("network", "amount_micro", "block_number"):
        found[network].early.append((amount, block))
    return dict(found)


def on_its_way(node: Node, rows: Crossing, block: int) -> OnItsWay:
    """Return what crosses a proof at `block`. Raises NodeFault."""
    return OnItsWay(
        paid_micro=sum(
            amount
            for amount, hashes in rows.unsettled
            if any(at <= block for at in _blocks(node, hashes))
        ),
        leaving_micro=_leaving(node, rows.settled, block),
        arriving_micro=sum(amount for amount, at in rows.early if at > block),
    )


def _leaving(node: Node, settled: Sequence[tuple[int, str]], block: int) -> int:
    """Return what was paid above the block, though the books have let it go already.

    Read from the newest on, as long as a batch has any such: what is older is below the line.
    """
    total = 0
    for start in range(0, len(settled), BATCH):
        part = settled[start : start + BATCH]
        receipts = node.receipts([tx_hash for _, tx_hash in part])
        above = [
            amount
            for (amount, _), receipt in zip(part, receipts, strict=True)
            if receipt is None or int(receipt.block_number, 16) > block
        ]
        total += sum(above)
        if not above:
            break
    return total


def _blocks(node: Node, hashes: Sequence[str]) -> list[int]:
    """Return the blocks in which any of these transactions paid."""
    told = node.receipts(hashes)
    return [int(r.block_number, 16) for r in told if r is not None and int(r.status, 16) == 1]
