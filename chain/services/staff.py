"""What staff may do with a network: pause and resume, never credit and never pay."""

from django.db import transaction

from chain.clients import endpoints
from chain.hashing import checksummed
from chain.models import HotWallet, Network, ScanState
from chain.services import backfills, gas, lag, reconcile
from exchange.errors import Malformed, NotAllowed, Unprocessable
from exchange.models import StaffAction, User
from exchange.services.staff import reason_of

ETHER_MICRO_MAX = 10**12
NAMED_MOST = 10


@transaction.atomic
def withdrawals_set(*, actor: User, network: Network, on: bool, reason: str) -> None:
    """Let withdrawals be asked for and paid, or do neither; what is signed goes on.

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
def sweeps_set(*, actor: User, network: Network, on: bool, reason: str) -> None:
    """Let money be moved to the treasury, or sign no sweep any more; what is signed goes on.

    Raises:  NotAllowed, Malformed, Unprocessable already_so.
    Locks:   the network's row, by a conditional update.
    """
    reason = _allowed(actor, "chain.change_network", reason)
    if not Network.objects.filter(pk=network.pk, sweeps_on=not on).update(sweeps_on=on):
        raise Unprocessable("it is so already", code="already_so")
    _record(actor, f"network.sweeps_{'resumed' if on else 'paused'}", network, reason)


@transaction.atomic
def sweep_now(*, actor: User, network: Network, reason: str) -> None:
    """Let the next pass look for what to sweep, however long ago the last one did.

    Raises:  NotAllowed, Malformed, Unprocessable already_so where nothing sweeps here.
    """
    reason = _allowed(actor, "chain.change_network", reason)
    rows = HotWallet.objects.filter(network=network).exclude(treasury="")
    if not network.sweeps_on or not rows.update(swept_at=None):
        raise Unprocessable("nothing is swept on this network", code="already_so")
    _record(actor, "network.sweep_asked", network, reason)


@transaction.atomic
def ether_price_set(*, actor: User, network: Network, micro: int, reason: str) -> None:
    """Set what an ether is worth from now on, for the books and for what sweeping is worth.

    Units:   micro-USDC; 0: gas is booked in wei alone.
    Raises:  NotAllowed, Malformed.
    """
    reason = _allowed(actor, "chain.change_network", reason)
    if not 0 <= micro <= ETHER_MICRO_MAX:
        raise Malformed("a price between 0 and a million USDC", code="malformed")
    Network.objects.filter(pk=network.pk).update(ether_micro=micro)
    _record(actor, f"network.ether_at_{micro}_micro", network, reason)


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


def reconcile_now(*, actor: User, state: ScanState, reason: str) -> str:
    """Compare every address's balance and the wallet's ether with our rows; say what was found.

    Raises:  NotAllowed, Malformed; Unavailable node_fault.
    """
    reason = _allowed(actor, "chain.change_scanstate", reason)
    node = endpoints.nodes_of(state.network)[0]
    different = reconcile.reconcile(state.network, node)
    gas.read(state.network, node)
    reconcile.note(state.network, different)
    _record(actor, "network.reconciled", state.network, reason)
    named = ", ".join(checksummed(row.address) for row in different[:NAMED_MOST])
    return f"{len(different)} addresses differ{': ' if named else ''}{named}"


def backfill_ask(*, actor: User, state: ScanState, first: int, last: int, reason: str) -> str:
    """Queue a range of final blocks to be read again, in the background; say how many they are.

    Raises:  NotAllowed; Malformed for a range that is none, too long or not final; Unprocessable
             already_so while another one is read.
    """
    reason = _allowed(actor, "chain.change_scanstate", reason)
    with transaction.atomic():
        row = backfills.ask(network=state.network, first=first, last=last, actor=actor)
        _record(actor, f"network.backfill_{first}_{last}", state.network, reason)
    return f"{row.blocks_left} blocks are read in the background; see the table of backfills"


def lag_read(*, actor: User, state: ScanState, reason: str) -> str:
    """Ask every endpoint how far it is, and say it beside how far we are.

    Raises:  NotAllowed, Malformed.
    """
    reason = _allowed(actor, "chain.change_scanstate", reason)
    found = lag.lag_of(state)
    _record(actor, "network.lag_read", state.network, reason)
    return "; ".join([lag.in_words(found), *lag.endpoints_in_words(state.network)])


def _allowed(actor: User, right: str, reason: str) -> str:
    if not (actor.is_staff and actor.is_active and actor.has_perm(right)):
        raise NotAllowed("this is for staff with the right to it")
    return reason_of(reason)


def _record(actor: User, verb: str, network: Network, reason: str) -> None:
    StaffAction.objects.create(
        actor=actor, verb=verb, target=f"network {network.name}", reason=reason
    )
