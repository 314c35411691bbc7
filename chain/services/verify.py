"""A second endpoint's word: final ranges are read again from another node and must be the same.

What one node hid or made up shows here, before anything in the range is credited. While the two
disagree nothing is credited at all, and the alarm sounds.
"""

from collections.abc import Collection, Sequence

import structlog
from django.db import transaction

from chain.clients.rpc import Node
from chain.core import ranges
from chain.errors import NodeFault, Reorged
from chain.models import Deposit, Network, ScanState
from chain.services import locks, scan_read, scan_write, sizes
from chain.services.scan_read import Hit
from chain.services.seams import crash_here
from exchange import clock

RANGE_MOST = 5_000
RANGES_A_STEP = 16
TRIES = 4
State = Deposit.State

log = structlog.get_logger()


class Disagree(NodeFault):
    """Two endpoints show different chains or different transfers."""

    code = "nodes_disagree"


def verified_advance(
    *, network: Network, nodes: Sequence[Node], owner: str, watched: Collection[str]
) -> int:
    """Compare the final blocks that were not compared yet; return the line up to which they agree.

    With one node there is nothing to compare, and its final line is taken. A range that cannot be
    read holds up what comes after it, not what was agreed before it.
    Raises:  Disagree, after it was noted; NodeFault.
    Locks:   the scan state.
    """
    state = ScanState.objects.get(network=network)
    if len(nodes) < 2:  # noqa: PLR2004 (a comparison takes two)
        return state.final_number
    line = state.verified_number
    for _ in range(RANGES_A_STEP):
        if line >= state.final_number:
            break
        try:
            found = _range(network, nodes, watched, line + 1, state.final_number)
        except Disagree as difference:
            disagreement_note(network, str(difference))
            raise
        except NodeFault:
            if line == state.verified_number:
                raise
            break
        _keep(network, owner, found)
        line = found.last
    _settled(state)
    return line


def _range(
    network: Network, nodes: Sequence[Node], watched: Collection[str], first: int, final: int
) -> scan_read.Chunk:
    """Read one range from every node, smaller after each fault. Raises Disagree, NodeFault."""
    fault = NodeFault("no range was read")
    for _ in range(TRIES):
        sizings = [sizes.size_of(network, node) for node in nodes]
        last = min(final, first + min(RANGE_MOST, *(s.size for s in sizings)) - 1)
        try:
            found = agreed(network, nodes, watched, first, last)
        except Disagree:
            raise
        except NodeFault as error:
            fault = error
            continue
        for node, sizing in zip(nodes, sizings, strict=True):
            # a range that was shorter than a node's own size proves nothing about longer ones
            if last - first + 1 == sizing.size:
                sizes.size_keep(network, node, ranges.after_success(sizing))
        return found
    raise fault


def _keep(network: Network, owner: str, found: scan_read.Chunk) -> None:
    crash_here("verify.before")
    with transaction.atomic():
        state = locks.scan_state(network)
        scan_write.require_lease(state, owner)
        scan_write.deposits_note(network, found.hits)
        _orphan_others(network, found.hits, found.first, found.last)
        state.verified_number = found.last
        state.save(update_fields=["verified_number"])


def agreed(
    network: Network, nodes: Sequence[Node], watched: Collection[str], first: int, last: int
) -> scan_read.Chunk:
    """Return what every node shows alike in a range of final blocks. Raises Disagree, NodeFault."""
    told = [_read(node, network, watched, first, last) for node in nodes]
    if len({found.headers[-1].hash for found in told}) > 1:
        raise Disagree(f"the endpoints have different blocks {last}")
    if len({frozenset(found.hits) for found in told}) > 1:
        counts = " and ".join(str(len(found.hits)) for found in told)
        raise Disagree(f"blocks {first} to {last} hold {counts} transfers to us by endpoint")
    return told[0]


def _read(
    node: Node, network: Network, watched: Collection[str], first: int, last: int
) -> scan_read.Chunk:
    try:
        return scan_read.final_chunk(node, network, watched, first, last)
    except Reorged as moved:
        # final blocks do not move: this node contradicts itself, or is behind the other
        raise Disagree(f"{node.name}: {moved.message}") from moved
    except NodeFault as fault:
        sizing = ranges.after_failure(last - first + 1, fault.message)
        sizes.size_keep(network, node, sizing)
        raise


def _orphan_others(network: Network, hits: Collection[Hit], first: int, last: int) -> None:
    """Orphan what only one node had shown in a range on which both agree now."""
    shown = {(hit.tx_hash, hit.position) for hit in hits}
    rows = Deposit.objects.filter(
        network=network, block_number__range=(first, last), final_at=None
    ).exclude(state=State.ORPHANED)
    for row in rows:
        if (row.tx_hash, row.position) in shown:
            continue
        if row.state == State.CREDITED:
            log.error("chain.credited_deposits_lost", network=network.name, count=1)
            Deposit.objects.filter(pk=row.pk).update(lost_at=clock.now())
        else:
            Deposit.objects.filter(pk=row.pk).update(state=State.ORPHANED, orphaned_at=clock.now())


def disagreement_note(network: Network, reason: str) -> None:
    """Keep why nothing is credited, from when it began."""
    log.error("chain.nodes_disagree", network=network.name, reason=reason)
    rows = ScanState.objects.filter(network=network)
    rows.filter(disagrees_at=None).update(disagrees_at=clock.now())
    rows.update(disagrees_reason=reason[:200])


def _settled(state: ScanState) -> None:
    if state.disagrees_at is not None:
        ScanState.objects.filter(pk=state.pk).update(disagrees_reason="", disagrees_at=None)
