"""Each deposit address's balance on the chain against the rows, and the paying wallet's ether."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.db.models import Sum

from chain.clients import endpoints
from chain.clients.rpc import Node
from chain.errors import NodeFault
from chain.models import DepositAddress, Network, ScanState, Sweep
from chain.services import calls, credit, gas
from exchange import clock

AT_ONCE = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Difference:
    """An address that holds something else than arrived and stayed there by our rows."""

    address: str
    chain_micro: int
    rows_micro: int


def reconcile(network: Network, node: Node) -> list[Difference]:
    """Compare every address at the final line. Raises NodeFault."""
    state = ScanState.objects.filter(network=network).first()
    if state is None or state.final_number < 0:
        return []
    booked = credit.by_address(network)
    moved, moving = _swept(network, open_=False), _swept(network, open_=True)
    given = DepositAddress.objects.filter(user__isnull=False).order_by("pk")
    addresses = list(given.values_list("address", flat=True))
    found: list[Difference] = []
    for start in range(0, len(addresses), AT_ONCE):
        part: Sequence[str] = addresses[start : start + AT_ONCE]
        held = calls.balances(node, network.token, part, state.final_number)
        for address, amount in zip(part, held, strict=True):
            left = booked.get(address, 0) - moved.get(address, 0)
            # a sweep that is not settled has taken the money from that block, or not yet
            if amount not in {left, left - moving.get(address, 0)}:
                found.append(Difference(address, amount, left))
    return found


def note(network: Network, different: Sequence[Difference]) -> None:
    """Keep how many addresses differ, and that somebody has looked."""
    ScanState.objects.filter(network=network).update(
        differing=len(different), reconciled_at=clock.now()
    )


def _swept(network: Network, *, open_: bool) -> dict[str, int]:
    """Return what sweeps have moved from each address, or are about to."""
    rows = Sweep.objects.filter(network=network, token=network.token)
    rows = rows.filter(ended_at=None) if open_ else rows.filter(state=Sweep.State.DONE)
    totals = rows.order_by().values_list("address__address").annotate(total=Sum("amount_micro"))
    return dict(totals)


def reconcile_all() -> int:
    """Compare every network; return how many addresses differ, which sounds the alarm."""
    total = 0
    for network in Network.objects.filter(is_enabled=True):
        try:
            node = endpoints.nodes_of(network)[0]
            different = reconcile(network, node)
            gas.read(network, node)
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
        note(network, different)
    return total
