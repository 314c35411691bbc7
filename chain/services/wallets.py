"""The paying wallet itself: whether its key is ours alone, and what stops and resumes it."""

from collections.abc import Sequence

import structlog
from django.db import transaction

from chain.clients.mined import nonces_used
from chain.clients.rpc import Node
from chain.clients.signer import Signer
from chain.models import HotWallet, Network
from chain.services import locks
from chain.services.final_line import ASKED
from exchange import clock
from exchange.errors import NotAllowed, Unprocessable
from exchange.models import StaffAction, User
from exchange.services.staff import reason_of

log = structlog.get_logger()


def halt(network: Network, reason: str) -> None:
    """Sign nothing new with a network's wallet until staff have looked; the alarm sounds.

    Locks:   the wallet's row, by a conditional update.
    """
    log.error("chain.key_suspected", network=network.name, reason=reason)
    rows = HotWallet.objects.filter(network=network, halted_at=None)
    rows.update(halted_at=clock.now(), halted_reason=reason[:200])


def why_halted(network: Network) -> str:
    """Return why nothing is signed with a network's wallet, or nothing."""
    rows = HotWallet.objects.filter(network=network, halted_at__isnull=False)
    return rows.values_list("halted_reason", flat=True).first() or ""


def require_ours(network: Network, nodes: Sequence[Node]) -> None:
    """Halt where the chain has seen more nonces of the wallet than we have ever allotted.

    Raises:  NodeFault.
    """
    hot = HotWallet.objects.get(network=network)
    used = min(nonces_used(node, hot.address, "latest") for node in nodes[:ASKED])
    # read after the chain: a nonce is allotted before its transaction can be sent
    hot.refresh_from_db()
    if used > hot.next_nonce:
        halt(
            network,
            f"the chain has seen {used} transactions of the wallet, we have signed"
            f" {hot.next_nonce}: somebody else has its key, or our rows are an older copy",
        )


def resume(*, actor: User, wallet: HotWallet, nodes: Sequence[Node], reason: str) -> None:
    """Let a halted wallet pay again, from the first nonce on that the chain has not seen.

    Raises:  NotAllowed, Malformed, Unprocessable already_so; NodeFault.
    Locks:   the wallet.
    """
    if not (actor.is_staff and actor.is_active and actor.has_perm("chain.change_hotwallet")):
        raise NotAllowed("this is for staff who may release payments")
    reason = reason_of(reason)
    used = max(nonces_used(node, wallet.address, "latest") for node in nodes[:ASKED])
    with transaction.atomic():
        row = locks.hot_wallet(wallet.network)
        if row.halted_at is None:
            raise Unprocessable("this wallet is not halted", code="already_so")
        row.halted_at, row.halted_reason = None, ""
        row.next_nonce = max(row.next_nonce, used)
        row.save(update_fields=["halted_at", "halted_reason", "next_nonce"])
        StaffAction.objects.create(
            actor=actor, verb="wallet.resumed", target=f"network {row.network}", reason=reason
        )


def wallet_set(
    *, network: Network, nodes: Sequence[Node], signer: Signer, treasury: str = ""
) -> HotWallet:
    """Make the signer's key the one that pays on a network: the first one, or one in its place.

    What is open on an address before it is settled by what the chain says, and signed no more.
    Raises:  NodeFault, SignerFault.
    Locks:   the wallet, where there is one.
    """
    address = signer.about()["address"]
    used = max(nonces_used(node, address, "latest") for node in nodes[:ASKED])
    with transaction.atomic():
        row, is_new = HotWallet.objects.get_or_create(
            network=network,
            defaults={"address": address, "next_nonce": used, "treasury": treasury},
        )
        if is_new:
            return row
        row = locks.hot_wallet(network)
        if row.address != address:
            row.address, row.next_nonce = address, used
            row.halted_at, row.halted_reason = None, ""
        row.treasury = treasury or row.treasury
        row.save()
    log.info("chain.wallet_set", network=network.name, address=address)
    return row
