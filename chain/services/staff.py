"""What staff may do with a network: pause and resume, never credit and never pay."""

from django.db import transaction

from chain.clients import endpoints
from chain.models import Network, ScanState
from chain.services import reconcile
from exchange.errors import NotAllowed, Unprocessable
from exchange.models import StaffAction, User
from exchange.services.staff import reason_of


@transaction.atomic
def withdrawals_set(*, actor: User, network: Network, on: bool, reason: str) -> None:
    """Let withdrawals be asked for on a network, or refuse new ones.

    Raises:  NotAllowed, Malformed, Unprocessable already_so.
    Locks:   the network's row, by a conditional update.
    """
    reason = _allowed(actor, "chain.change_network", reason)
    rows = Network.objects.filter(pk=network.pk, withdrawals_on=not on)
    if not rows.update(withdrawals_on=on):
        raise Unprocessable("it is so already", code="already_so")
    word = "resumed" if on else "paused"
    _record(actor, f"network.withdrawals_{word}", network, reason)


@transaction.atomic
def scan_resume(*, actor: User, state: ScanState, reason: str) -> None:
    """Let a halted scan try again; it halts again where the chain still differs.

    Raises:  NotAllowed, Malformed, Unprocessable already_so.
    """
    reason = _allowed(actor, "chain.change_scanstate", reason)
    rows = ScanState.objects.filter(pk=state.pk, halted_at__isnull=False)
    if not rows.update(halted_at=None, halted_reason=""):
        raise Unprocessable("this scan is not halted", code="already_so")
    _record(actor, "network.scan_resumed", state.network, reason)


def reconcile_now(*, actor: User, state: ScanState, reason: str) -> int:
    """Compare every address's balance with our rows; return how many differ.

    Raises:  NotAllowed, Malformed; Unavailable node_fault.
    """
    reason = _allowed(actor, "chain.change_scanstate", reason)
    different = reconcile.reconcile(state.network, endpoints.nodes_of(state.network)[0])
    ScanState.objects.filter(pk=state.pk).update(differing=len(different))
    _record(actor, "network.reconciled", state.network, reason)
    return len(different)


def _allowed(actor: User, right: str, reason: str) -> str:
    if not (actor.is_staff and actor.is_active and actor.has_perm(right)):
        raise NotAllowed("this is for staff with the right to it")
    return reason_of(reason)


def _record(actor: User, verb: str, network: Network, reason: str) -> None:
    StaffAction.objects.create(
        actor=actor, verb=verb, target=f"network {network.name}", reason=reason
    )
