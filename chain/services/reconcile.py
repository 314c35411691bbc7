"""The balance of each deposit address on the chain against what the rows say arrived there."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from chain.clients import endpoints
from chain.clients.rpc import Node
from chain.errors import NodeFault
from chain.models import DepositAddress, Network, ScanState
from chain.services import calls, credit

AT_ONCE = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Difference:
    """An address that holds something else than arrived there by our rows."""

    address: str
    chain_micro: int
    rows_micro: int


def reconcile(network: Network, node: Node) -> list[Difference]:
    """Compare every address at the final line. Raises NodeFault."""
    state = ScanState.objects.filter(network=network).first()
    if state is None or state.final_number < 0:
        return []
    booked = credit.by_address(network)
    given = DepositAddress.objects.filter(user__isnull=False).order_by("pk")
    addresses = list(given.values_list("address", flat=True))
    found: list[Difference] = []
    for start in range(0, len(addresses), AT_ONCE):
        part: Sequence[str] = addresses[start : start + AT_ONCE]
        held = calls.balances(node, network.token, part, state.final_number)
        found += [
            Difference(address, amount, booked.get(address, 0))
            for address, amount in zip(part, held, strict=True)
            if amount != booked.get(address, 0)
        ]
    return found


def reconcile_all() -> int:
    """Compare every network; return how many addresses differ, which sounds the alarm."""
    total = 0
    for network in Network.objects.filter(is_enabled=True):
        try:
            different = reconcile(network, endpoints.nodes_of(network)[0])
        except NodeFault as fault:
            log.warning("chain.not_reconciled", network=network.name, error=fault.message)
            continue
        for row in different:
            log.error(
                "chain.balance_differs",
                network=network.name,
                address=row.address,
                chain=row.chain_micro,
                rows=row.rows_micro,
            )
        total += len(different)
        ScanState.objects.filter(network=network).update(differing=len(different))
    return total
