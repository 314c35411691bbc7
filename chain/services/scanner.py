"""One step of the scan of one network, under a lease: head, walk back, forward, credit, final line.

The five parts run in this order and each is safe to be killed in. A reorg below the final line
stops the scanner: that is never the ordinary course of a chain.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from django.db.models import Q

from chain.clients.rpc import Header, Node
from chain.core import ranges
from chain.core.finality import Lines
from chain.core.ranges import Sizing
from chain.errors import NodeFault, Reorged
from chain.models import Network, ScannedBlock, ScanState
from chain.services import credit, final_line, scan_read, scan_write, sizes, verify
from chain.services.scan_read import Chunk
from chain.services.seams import crash_here
from chain.services.watched import Watched
from exchange import clock

LEASE = timedelta(seconds=30)
CHUNKS_A_STEP = 16
# Where the chain can still move, each header is read: no more of them than one batch holds.
OPEN_BLOCKS_MOST = 100
TRIES = 4
WALK_FIRST, WALK_MOST = 4, 64

log = structlog.get_logger()


class FinalReorged(NodeFault):
    """The chain contradicts a block that was final."""

    code = "final_reorged"


@dataclass(slots=True)
class Report:
    """What one step did."""

    idle: bool = False
    # the scanned node gave all that was asked of it; an error is another's, then
    is_read: bool = False
    blocks: int = 0
    hits: int = 0
    credited: int = 0
    orphaned: int = 0
    behind: int = 0
    halted: str = ""
    error: str = ""


@dataclass(slots=True)
class Scan:
    """One step's own facts."""

    network: Network
    nodes: Sequence[Node]
    owner: str
    watched: Watched
    most: int
    report: Report = field(default_factory=Report)

    @property
    def node(self) -> Node:
        """The endpoint that is scanned; the others are asked to confirm."""
        return self.nodes[0]


def step(  # one pass, with what a test may bound
    network: Network,
    nodes: Sequence[Node],
    *,
    owner: str,
    watched: Watched | None = None,
    most: int = ranges.MOST,
    chunks: int = CHUNKS_A_STEP,
) -> Report:
    """Advance the scan of a network by one step and say what was done.

    Faults of nodes end the step and are noted; the next one begins where this one left off.
    Raises:  nothing of the world's.
    """
    scan = Scan(network, nodes, owner, (watched or Watched()).refresh(), most)
    state = lease_take(network, owner)
    if state is None:
        return Report(idle=True)
    if state.halted_at is not None:
        return Report(halted=state.halted_reason)
    try:
        _advance(scan, chunks)
        _error_note(network, "")
    except FinalReorged as broken:
        scan.report.halted = str(broken)
        _halt(network, str(broken))
    except NodeFault as fault:
        scan.report.error = str(fault)
        _error_note(network, str(fault))
    return scan.report


def lease_take(network: Network, owner: str) -> ScanState | None:
    """Take or keep the lease of a network's scan; None while another process has it.

    Locks:   the scan state, by a conditional update.
    """
    now = clock.now()
    ScanState.objects.get_or_create(
        network=network, defaults={"scanned_number": network.start_block - 1,
                                   "verified_number": network.start_block - 1}
    )  # fmt: skip
    free = Q(lease_until=None) | Q(lease_until__lt=now) | Q(lease_owner=owner)
    taken = ScanState.objects.filter(free, network=network).update(
        lease_owner=owner, lease_until=now + LEASE
    )
    return ScanState.objects.get(network=network) if taken else None


def lease_give(network: Network, owner: str) -> None:
    """Give the lease back, so that another process need not wait for its end."""
    ScanState.objects.filter(network=network, lease_owner=owner).update(lease_until=None)


def _advance(scan: Scan, chunks: int) -> None:
    at = _heads(scan)
    crash_here("scan.head")
    _walk_back(scan)
    _forward(scan, at, chunks)
    scan.report.is_read = True
    asked = scan.nodes[: final_line.ASKED]
    at = _lowered(scan, at)
    line = _final(scan, at)
    agreed = verify.verified_advance(
        network=scan.network, nodes=asked, owner=scan.owner, watched=scan.watched.topics
    )
    state = ScanState.objects.get(network=scan.network)
    safe, final = min(at.safe, state.scanned_number), min(at.final, line, agreed)
    scan.report.credited += credit.deposits_advance(
        network=scan.network,
        nodes=asked,
        at=Lines(at.head, max(safe, final), final),
    )


def _heads(scan: Scan) -> Lines:
    """Read the newest block and the node's tags, and keep the head for pages and alarms."""
    at = final_line.lines_of(scan.network, scan.node)
    rows = ScanState.objects.filter(network=scan.network)
    rows.filter(head_number__lt=at.head).update(head_at=clock.now())
    rows.update(head_number=at.head)
    return at


def _lowered(scan: Scan, at: Lines) -> Lines:
    """Take back what the second node does not call safe or final, and keep what is left for pages.

    Raises:  NodeFault: without its word no line moves.
    """
    at = final_line.lowered(at, scan.network, scan.nodes[1 : final_line.ASKED])
    ScanState.objects.filter(network=scan.network).update(safe_number=at.safe)
    return at


def _walk_back(scan: Scan) -> None:
    """Find the highest block that we and the chain share, and forget everything above it.

    A node that is merely behind shows a shorter piece of the same chain: nothing is forgotten.
    Raises:  FinalReorged; NodeFault for a node that is behind what was read.
    """
    stored = ScannedBlock.objects.filter(network=scan.network).order_by("-number")
    start, count, differs = 0, 1, False
    while rows := list(stored.values_list("number", "hash")[start : start + count]):
        found = scan.node.headers([number for number, _ in rows])
        for (number, mine), theirs in zip(rows, found, strict=True):
            if theirs is not None and theirs.hash == mine:
                _shared(scan, number, differs=differs)
                return
            differs = differs or theirs is not None
        start, count = start + count, min(max(WALK_FIRST, count * 2), WALK_MOST)
    if not start:
        return
    if not differs:
        raise NodeFault(f"{scan.node.name} is behind what is final")
    state = ScanState.objects.get(network=scan.network)
    if state.final_number >= 0:
        raise FinalReorged(f"block {state.final_number} was final and is another one now")
    _shared(scan, scan.network.start_block - 1, differs=True)


def _shared(scan: Scan, number: int, *, differs: bool) -> None:
    """Forget what lies above the block both have, if the chain showed something else there."""
    top = ScannedBlock.objects.filter(network=scan.network).order_by("-number")
    newest = top.values_list("number", flat=True).first()
    if newest is None or newest == number:
        return
    if not differs:
        raise NodeFault(f"{scan.node.name} is behind what was read")
    scan.report.orphaned += scan_write.rewind(network=scan.network, owner=scan.owner, to=number)


def _forward(scan: Scan, at: Lines, chunks: int) -> None:
    """Read on to the head, a few ranges a step, each stored before the next is read."""
    state = ScanState.objects.get(network=scan.network)
    sizing = sizes.size_of(scan.network, scan.node)
    after, parent = state.scanned_number, _hash_of(scan.network, state.scanned_number)
    for _ in range(chunks):
        if after >= at.head:
            break
        got, sizing = _range(scan, at, after + 1, parent, sizing)
        scan.report.hits += scan_write.chunk_store(
            network=scan.network, owner=scan.owner, chunk=got
        )
        scan.report.blocks += got.last - got.first + 1
        after, parent = got.last, got.headers[-1].hash
        sizes.size_keep(scan.network, scan.node, sizing)
    scan.report.behind = max(0, at.head - after)


def _range(scan: Scan, at: Lines, first: int, parent: str, sizing: Sizing) -> tuple[Chunk, Sizing]:
    """Read one range, smaller after each fault; the size that worked is remembered."""
    fault = NodeFault("no range was read")
    for _ in range(TRIES):
        is_final = first <= at.final
        most = min(sizing.size, scan.most, *([] if is_final else [OPEN_BLOCKS_MOST]))
        last = min(first + most - 1, at.final if is_final else at.head)
        read = scan_read.final_chunk if is_final else scan_read.chunk
        try:
            got = read(scan.node, scan.network, scan.watched.topics, first, last, parent)
        except Reorged:
            raise
        except NodeFault as error:
            fault = error
            sizing = ranges.after_failure(last - first + 1, error.message)
            sizes.size_keep(scan.network, scan.node, sizing)
        else:
            # a range that was short for want of blocks proves nothing about longer ones
            whole = last - first + 1 == sizing.size
            return got, ranges.after_success(sizing) if whole else sizing
    raise fault


def _final(scan: Scan, at: Lines) -> int:
    """Move the final line to what is final and scanned; return where it stands.

    Keeps:   the line never moves back, whatever a node says.
    """
    state = ScanState.objects.get(network=scan.network)
    number = min(at.final, state.scanned_number)
    if number <= state.final_number:
        return state.final_number
    mine = _hash_of(scan.network, number)
    theirs = scan.node.header(number)
    if theirs is None or (mine and mine != theirs.hash):
        raise Reorged("the chain moved while it was read")
    if not mine:
        _anchor(scan.network, theirs)
    scan_write.final_advance(
        network=scan.network, owner=scan.owner, number=number, block_hash=theirs.hash
    )
    crash_here("scan.after_final")
    return number


def _anchor(network: Network, header: Header) -> None:
    """Keep a final block from inside a range: walking back has to end on it."""
    ScannedBlock.objects.get_or_create(
        network=network,
        number=header.height,
        defaults={"hash": header.hash, "parent": header.parent_hash},
    )


def _hash_of(network: Network, number: int) -> str:
    rows = ScannedBlock.objects.filter(network=network, number=number)
    return rows.values_list("hash", flat=True).first() or ""


def _error_note(network: Network, words: str) -> None:
    rows = ScanState.objects.filter(network=network)
    if words:
        log.warning("chain.step_ended", network=network.name, error=words)
        rows.update(error=words[:200], error_at=clock.now())
    else:
        rows.exclude(error="").update(error="", error_at=None)


def _halt(network: Network, reason: str) -> None:
    """Stop the scan for good, until staff have looked."""
    log.error("chain.scan_halted", network=network.name, reason=reason)
    rows = ScanState.objects.filter(network=network, halted_at=None)
    rows.update(halted_reason=reason[:200], halted_at=clock.now())
