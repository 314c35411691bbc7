"""Where a network's nodes are: names of environment variables, never addresses with keys in them.

`env:NAME` reads NAME, or the file that NAME_FILE names. A bare address may only be loopback.
"""

import os
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from chain.clients.rpc import Node, http
from chain.errors import NodeFault
from chain.models import Network

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def nodes_of(network: Network) -> list[Node]:
    """Return the network's nodes, the first one the scanner's. Raises NodeFault without any."""
    found = [_node(resolved(reference), n) for n, reference in enumerate(network.endpoints)]
    if not found:
        raise NodeFault(f"{network} has no endpoint")
    return found


def node_at(reference: str) -> Node:
    """Return the node behind one reference. Raises NodeFault."""
    return _node(resolved(reference), 0)


def resolved(reference: str) -> str:
    """Return the address behind a reference. Raises NodeFault for one that says nothing."""
    if reference.startswith("env:"):
        name = reference.removeprefix("env:")
        if file := os.environ.get(f"{name}_FILE"):
            return Path(file).read_text().strip()
        if url := os.environ.get(name):
            return url
        raise NodeFault(f"{name} is not set")
    if urlsplit(reference).hostname not in LOOPBACK:
        raise NodeFault("an address of a node that is not on this machine belongs into a variable")
    return reference


@lru_cache(maxsize=32)
def _node(url: str, number: int) -> Node:
    # the name stands in logs and on pages, the address may carry a key
    return http(url, f"endpoint {number + 1}")
