"""The one way from an outside id to a row of the chain side. Raises NotFound and leaks nothing."""

from chain.models import AddressBookEntry, Network, ReserveLeaf, ReserveProof, Withdrawal
from chain.models.withdrawals import BOOK_PREFIX, PREFIX
from exchange.errors import NotFound
from exchange.ids import key_of
from exchange.models import User


def network_of(chain_id: int | None = None) -> Network:
    """Return an enabled network, the first one unless a chain is named."""
    rows = Network.objects.filter(is_enabled=True).order_by("id")
    row = rows.first() if chain_id is None else rows.filter(chain_id=chain_id).first()
    if row is None:
        raise NotFound("no network is set up here")
    return row


def withdrawal_of(user: User, withdrawal_id: str) -> Withdrawal:
    """Return the user's own withdrawal; somebody else's does not exist for them."""
    rows = Withdrawal.objects.select_related("network", "entry", "slot")
    row = rows.filter(pk=key_of(PREFIX, withdrawal_id), user=user).first()
    if row is None:
        raise NotFound(f"there is no withdrawal {withdrawal_id[:40]!r}")
    return row


def entry_of(user: User, entry_id: str) -> AddressBookEntry:
    """Return an address of the user's own book; somebody else's does not exist for them."""
    rows = AddressBookEntry.objects.filter(user=user, removed_at=None)
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
