"""Reading final blocks again, for a range that somebody doubts."""

from dataclasses import dataclass

from django.db import transaction

from chain.clients.rpc import Node
from chain.core import ranges
from chain.core.ranges import Sizing
from chain.errors import NodeFault, Reorged
from chain.models import Network, ScanState
from chain.services import scan_read, scan_write
from chain.services.watched import Watched


@dataclass(slots=True)
class Found:
    """What a backfill came upon."""

    blocks: int = 0
    logs: int = 0
    hits: int = 0
    new: int = 0


def backfill(network: Network, node: Node, first: int, last: int) -> Found:
    """Read final blocks `first` to `last` again and keep what was missed; no line moves.

    Raises:  NodeFault; for a range that is not final yet, too.
    """
    state = ScanState.objects.filter(network=network).first()
    if state is None or last > state.final_number:
        raise NodeFault("only final blocks are read again")
    watched, found, sizing = Watched().refresh().topics, Found(), Sizing()
    while first <= last:
        end = min(last, first + sizing.size - 1)
        try:
            got = scan_read.final_chunk(node, network, watched, first, end)
        except Reorged:
            raise
        except NodeFault as fault:
            if first == end:
                raise
            sizing = ranges.after_failure(end - first + 1, fault.message)
            continue
        with transaction.atomic():
            found.new += scan_write.deposits_note(network, got.hits)
        found.blocks += end - first + 1
        found.logs += got.logs
        found.hits += len(got.hits)
        first, sizing = end + 1, ranges.after_success(sizing)
    return found
