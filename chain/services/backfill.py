"""Reading final blocks again, for a range that somebody doubts."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from chain.clients.rpc import Node
from chain.core import ranges
from chain.core.ranges import Sizing
from chain.errors import NodeFault
from chain.models import Network, ScanState
from chain.services import scan_write, verify
from chain.services.verify import Disagree
from chain.services.watched import Watched


@dataclass(slots=True)
class Found:
    """What a backfill came upon."""

    blocks: int = 0
    logs: int = 0
    hits: int = 0
    new: int = 0


def backfill(network: Network, nodes: Sequence[Node], first: int, last: int) -> Found:
    """Read final blocks `first` to `last` again and keep what was missed; no line moves.

    Keeps:   nothing of a range in which one node shows something else than another.
    Raises:  Disagree; NodeFault; for a range that is not final yet, too.
    """
    state = ScanState.objects.filter(network=network).first()
    if state is None or last > state.final_number:
        raise NodeFault("only final blocks are read again")
    watched, found, sizing = Watched().refresh().topics, Found(), Sizing()
    while first <= last:
        end = min(last, first + sizing.size - 1)
        try:
            got = verify.agreed(network, nodes, watched, first, end)
        except Disagree:
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
