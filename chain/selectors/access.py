"""The one way from an outside id to a row of the chain side. Raises NotFound and leaks nothing."""

from chain.models import AddressBookEntry, Network, ReserveLeaf, ReserveProof, Withdrawal
from chain.models.withdrawals import BOOK_PREFIX, PREFIX
from exchange.errors import NotFound
from exchange.ids import key_of
from exchange.models import User

CHAIN_ID_DIGITS = 18


def networks() -> list[Network]:
    """Return the networks that are served, the one that is meant where none is named first."""
    return list(Network.objects.filter(is_enabled=True).order_by("id"))


def network_of(chain_id: int | None = None) -> Network:
    """Return an enabled network, the first one unless a chain is named."""
    served = networks()
    if chain_id is None:
        if served:
            return served[0]
        raise NotFound("no network is set up here")
    for row in served:
        if row.chain_id == chain_id:
            return row
    known = ", ".join(f"{row.chain_id} ({row.name})" for row in served) or "none"
    raise NotFound(
        f"there is no network {chain_id} here; there are: {known}",
        code="network_unknown",
        fields={"chain_ids": [str(row.chain_id) for row in served]},
    )


def network_named(text: str | None) -> Network:
    """Return the network whose chain id a page's query or form names; empty is the first one."""
    if not text:
        return network_of()
    # longer than any id that the table holds; what is no number is no network's either
    is_id = text.isascii() and text.isdigit() and len(text) <= CHAIN_ID_DIGITS
    return network_of(int(text) if is_id else -1)


def withdrawal_of(user: User, withdrawal_id: str) -> Withdrawal:
    """Return the user's own withdrawal; somebody else's does not exist for them."""
    rows = Withdrawal.objects.select_related("network", "entry", "slot")
    row = rows.filter(pk=key_of(PREFIX, withdrawal_id), user=user).first()
    if row is None:
        raise NotFound(f"there is no withdrawal {withdrawal_id[:40]!r}")
    return row


def entry_of(user: User, entry_id: str) -> AddressBookEntry:
    """Return an address of the user's own book; somebody else's does not exist for them."""
    rows = AddressBookEntry.objects.filter(user=user, removed_at=None).select_related("network")
    row = rows.filter(pk=key_of(BOOK_PREFIX, entry_id)).first()
    if row is None:
        raise NotFound(f"there is no address {entry_id[:40]!r}")
    return row


def leaf_of(user: User) -> ReserveLeaf:
    """Return the user's leaf in the newest proof."""
    newest = ReserveProof.objects.first()
    rows = ReserveLeaf.objects.select_related("proof")
    row = rows.filter(proof=newest, user=user).first() if newest else None
    if row is None:
        raise NotFound("the newest proof has no leaf of yours: nothing was owed to you")
    return row
