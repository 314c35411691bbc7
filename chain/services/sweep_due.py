"""What lies at deposit addresses and may be moved: final by our rows, and there by the chain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Sum

from chain.clients.rpc import Node
from chain.models import Deposit, DepositAddress, Network, Sweep
from chain.services import calls
from exchange import clock

AT_ONCE = 500
# What failed is tried again after so long; what would fail again is seen before.
RETRY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Due:
    """An address with something worth moving."""

    address: DepositAddress
    amount_micro: int


def movable(network: Network, token: str, xpub: str) -> dict[int, int]:
    """Return by address what has arrived for good and was not moved: of keys that are at hand.

    An address with a sweep under way is left out.
    """
    ours = {"network": network, "token": token, "address__account__xpub": xpub}
    arrived = Deposit.objects.filter(**ours, final_at__isnull=False).values_list("address")
    left: dict[int, int] = dict(arrived.annotate(total=Sum("amount_micro")))
    moved = Sweep.objects.filter(**ours, state=Sweep.State.DONE).values_list("address")
    for address, amount in moved.annotate(total=Sum("amount_micro")):
        left[address] = left.get(address, 0) - amount
    for address in Sweep.objects.filter(**ours, ended_at=None).values_list("address", flat=True):
        left.pop(address, None)
    return {address: amount for address, amount in left.items() if amount > 0}


def due(
    network: Network, node: Node, token: str, *, xpub: str, least_micro: int, final: int
) -> list[Due]:
    """Return what is worth moving, the most first, by rows and chain alike. Raises NodeFault."""
    left = movable(network, token, xpub)
    failed = Sweep.objects.filter(
        network=network, token=token, state=Sweep.State.FAILED, ended_at__gt=clock.now() - RETRY
    )
    rest = set(failed.values_list("address", flat=True))
    wanted = [pk for pk, amount in left.items() if amount >= least_micro and pk not in rest]
    found: list[Due] = []
    # a token that is only passing through may know nothing of lists
    has_list = token == network.token
    for start in range(0, len(wanted), AT_ONCE):
        rows = DepositAddress.objects.filter(pk__in=wanted[start : start + AT_ONCE])
        found += _there(node, token, list(rows.order_by("pk")), left, final, has_list=has_list)
    worth = [row for row in found if row.amount_micro >= least_micro]
    return sorted(worth, key=lambda row: (-row.amount_micro, row.address.pk))


def _there(
    node: Node,
    token: str,
    rows: Sequence[DepositAddress],
    left: dict[int, int],
    final: int,
    *,
    has_list: bool,
) -> list[Due]:
    """Leave out whom the issuer has denied; count no more than is there now and was there then."""
    names = [row.address for row in rows]
    denied = calls.denied(node, token, names) if has_list else set()
    now, then = (calls.balances(node, token, names, block) for block in ("latest", final))
    return [
        Due(row, min(left[row.pk], *held))
        for row, held in zip(rows, zip(now, then, strict=True), strict=True)
        if row.address not in denied
    ]
