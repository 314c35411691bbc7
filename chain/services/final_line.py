"""Up to where a chain is final, by every node asked: only by this is credited and settled."""

from collections.abc import Sequence

from chain.clients.rpc import Header, Node
from chain.core import finality
from chain.core.finality import Lines
from chain.errors import NodeFault
from chain.models import Network

# Two nodes are asked, where there are two.
ASKED = 2


def final_line(network: Network, nodes: Sequence[Node]) -> int:
    """Return the number up to which blocks are final by every node asked. Raises NodeFault."""
    return min(lines_of(network, node).final for node in nodes[:ASKED])


def lines_of(network: Network, node: Node) -> Lines:
    """Return the newest block of a node and what it calls safe and final. Raises NodeFault."""
    policy = network.policy
    tags = ["latest"] if policy.blocks else ["latest", "safe", "finalized"]
    found = node.headers(tags)
    if found[0] is None:
        raise NodeFault(f"{node.name} has no newest block")
    head, *marks = (h.height if h else -1 for h in found)
    safe, final = marks or (head, head)
    return finality.lines(policy, head, safe, final)


def lowered(at: Lines, network: Network, nodes: Sequence[Node]) -> Lines:
    """Return a node's lines with safe and final no higher than `nodes` put them, the head its own.

    Raises:  NodeFault.
    """
    told = [at, *(lines_of(network, node) for node in nodes)]
    safe, final = min(each.safe for each in told), min(each.final for each in told)
    return Lines(at.head, safe, final)


def header(node: Node, block: int | str) -> Header:
    """Return a header that must be there. Raises NodeFault."""
    found = node.header(block)
    if found is None:
        raise NodeFault(f"{node.name} has no block {block}")
    return found
