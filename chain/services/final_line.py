"""Up to where a chain is final, by every node asked: what is settled is settled by this alone."""

from collections.abc import Sequence

from chain.clients.rpc import Header, Node
from chain.core import finality
from chain.errors import NodeFault
from chain.models import Network

# Two nodes are asked, where there are two.
ASKED = 2


def final_line(network: Network, nodes: Sequence[Node]) -> int:
    """Return the number up to which blocks are final by every node asked. Raises NodeFault."""
    policy, found = network.policy, []
    for node in nodes[:ASKED]:
        head, final = header(node, "latest"), None
        if not policy.blocks:
            final = node.header("finalized")
        at = finality.lines(policy, head.height, head.height, final.height if final else -1)
        found.append(at.final)
    return min(found)


def header(node: Node, block: int | str) -> Header:
    """Return a header that must be there. Raises NodeFault."""
    found = node.header(block)
    if found is None:
        raise NodeFault(f"{node.name} has no block {block}")
    return found
