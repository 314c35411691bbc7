"""How many blocks each node of a network takes at once, kept between steps."""

from chain.clients.rpc import Node
from chain.core import ranges
from chain.core.ranges import Sizing
from chain.models import Network, ScanState


def size_of(network: Network, node: Node) -> Sizing:
    """Return the size that was kept for a node."""
    kept = ScanState.objects.get(network=network).sizes
    return Sizing(*kept.get(node.name, (ranges.FIRST, 0)))


def size_keep(network: Network, node: Node, sizing: Sizing) -> None:
    """Keep a node's size beside those of the others."""
    state = ScanState.objects.get(network=network)
    state.sizes = {**state.sizes, node.name: [sizing.size, sizing.good]}
    state.save(update_fields=["sizes"])
