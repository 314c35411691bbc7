"""A network that is known by name, made a row: its terms from a file, its endpoints from staff."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chain.clients import endpoints
from chain.clients.rpc import Node
from chain.core.addresses import fault_of
from chain.errors import NodeFault
from chain.hashing import keccak256
from chain.models import Network
from chain.services import calls, final_line

FILE = Path(__file__).resolve().parent.parent / "data" / "networks.json"
ENDPOINTS_LEAST = 2
DECIMALS = 6


def known() -> dict[str, dict[str, Any]]:
    """Return the networks that are known by name, as the file has them."""
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
    return found


def network_add(
    *, name: str, references: Sequence[str], heads: str = "", alone: bool = False
) -> Network:
    """Make the row of a known network, read from its present final block on.

    Every endpoint has to be on that chain and to have the token there, with six decimals.
    Raises:  ValueError for a name, an address or a number of endpoints that is not right, or a
             network that is there; NodeFault.
    """
    terms = known().get(name)
    if terms is None:
        raise ValueError(f"known are {', '.join(known())}")
    if len(set(references)) < ENDPOINTS_LEAST and not alone:
        raise ValueError("two endpoints are needed: with one alone nobody would notice a lie")
    if Network.objects.filter(chain_id=terms["chain_id"]).exists():
        raise ValueError(f"{terms['name']} is there already")
    row = Network(
        endpoints=list(references), heads=heads, **{**terms, **_lower(terms)}, is_demo=False
    )
    row.start_block = 1 + min(_checked(row, node) for node in endpoints.nodes_of(row))
    row.save()
    return row


def _lower(terms: dict[str, Any]) -> dict[str, str]:
    """Return the tokens as rows keep them; a slip in the file shows in the checksum."""
    found = {}
    for field in ("token", "bridged_token"):
        address = terms[field]
        if address and (fault := fault_of(address, keccak256)):
            raise ValueError(f"the {field} of {terms['name']} is not right: {fault}")
        found[field] = address.lower()
    return found


def _checked(row: Network, node: Node) -> int:
    """Return the node's final block, if it is on this chain and has the token. Raises NodeFault."""
    told = node.number("eth_chainId")
    if told != row.chain_id:
        raise NodeFault(f"{node.name} is on chain {told}, not on {row.chain_id}")
    if calls.decimals(node, row.token) != DECIMALS:
        raise NodeFault(f"{node.name} has no token of six decimals at {row.token}")
    return final_line.lines_of(row, node).final
