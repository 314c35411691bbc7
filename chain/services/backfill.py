"""Reading final blocks again, for a range that somebody doubts; no line of the scan moves by it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from chain.clients.rpc import Node
from chain.core import ranges
from chain.core.ranges import Sizing
from chain.errors import NodeFault
from chain.models import Network, ScanState
from chain.services import locks, scan_write, verify
from chain.services.scan_read import Chunk
from chain.services.verify import Disagree
from chain.services.watched import Watched
from exchange.errors import Malformed


@dataclass(slots=True)
class Found:
    """What a backfill came upon."""

    blocks: int = 0
    logs: int = 0
    hits: int = 0
    new: int = 0


def backfill(network: Network, nodes: Sequence[Node], first: int, last: int) -> Found:
    """Read final blocks `first` to `last` again and keep what was missed.

    Keeps:   nothing of a range in which one node shows something else than another.
    Raises:  Malformed for a range that is none, or not final yet; Disagree; NodeFault.
    """
    require_final(network, first, last)
    watched, found, sizing = Watched().refresh().topics, Found(), Sizing()
    while first <= last:
        got, sizing = piece(network, nodes, watched, first, last, sizing)
        # the scan notes deposits under the same lock, so that no two make one row twice
        with locks.scan_turn(network):
            found.new += scan_write.deposits_note(network, got.hits)
        found.blocks += got.last - first + 1
        found.logs += got.logs
        found.hits += len(got.hits)
        first = got.last + 1
    return found


def require_final(network: Network, first: int, last: int) -> None:
    """Refuse a range that is none, or that reaches above the final line. Raises Malformed."""
    if not 0 <= first <= last:
        raise Malformed("a range begins at 0 or above and does not end before it begins")
    final = ScanState.objects.filter(network=network).values_list("final_number", flat=True).first()
    if final is None or last > final:
        raise Malformed(f"only final blocks are read again: up to {-1 if final is None else final}")


def piece(  # noqa: PLR0917 (a range, what to look for, and how much at once)
    network: Network,
    nodes: Sequence[Node],
    watched: Collection[str],
    first: int,
    last: int,
    sizing: Sizing,
) -> tuple[Chunk, Sizing]:
    """Return what every node shows from `first` on, as far as they tell at once.

    Raises:  Disagree; NodeFault where a single block cannot be read.
    """
    while True:
        end = min(last, first + sizing.size - 1)
        try:
            got = verify.agreed(network, nodes, watched, first, end)
        except Disagree:
            raise
        except NodeFault as fault:
            if first == end:
                raise
            sizing = ranges.after_failure(end - first + 1, fault.message)
        else:
            return got, ranges.after_success(sizing)
