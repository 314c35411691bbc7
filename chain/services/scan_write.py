"""Writing what a scan read: deposits and blocks in one transaction, and what a reorg takes back."""

from collections.abc import Iterable

import structlog
from django.db import transaction
from django.db.models import Q

from chain.errors import Reorged
from chain.models import Deposit, DepositAddress, Network, ScannedBlock, ScanState
from chain.services import locks
from chain.services.scan_read import Chunk, Hit
from chain.services.seams import crash_here
from exchange import clock

State = Deposit.State
NOT_CREDITED = (State.SEEN, State.SMALL, State.FOREIGN)

log = structlog.get_logger()


def require_lease(state: ScanState, owner: str) -> None:
    """Refuse to write for a scanner whose lease another one has taken. Raises Reorged."""
    if state.lease_owner != owner:
        raise Reorged("another process scans this network now")


def chunk_store(*, network: Network, owner: str, chunk: Chunk) -> int:
    """Keep a range with its deposits; return how many transfers to us were in it.

    Raises:  Reorged when another scanner was here.
    Locks:   the scan state.
    """
    crash_here("scan.before_store")
    with transaction.atomic():
        state = locks.scan_state(network)
        require_lease(state, owner)
        if state.scanned_number != chunk.first - 1:
            raise Reorged("another process has read this range")
        deposits_note(network, chunk.hits)
        ScannedBlock.objects.bulk_create(
            ScannedBlock(network=network, number=h.height, hash=h.hash, parent=h.parent_hash)
            for h in chunk.headers
        )
        state.scanned_number = chunk.last
        state.save(update_fields=["scanned_number"])
        crash_here("scan.in_store")
    crash_here("scan.after_store")
    return len(chunk.hits)


def deposits_note(network: Network, hits: Iterable[Hit]) -> int:
    """Keep transfers to us, inside the caller's transaction; return how many were new.

    One that was mined again is the same deposit in another block.
    """
    hits = list(hits)
    if not hits:
        return 0
    recipients = {hit.recipient for hit in hits}
    addresses = {
        row.address: row
        for row in DepositAddress.objects.filter(address__in=recipients, user__isnull=False)
    }
    wanted = Q(network=network, tx_hash__in={hit.tx_hash for hit in hits})
    known = {(row.tx_hash, row.position): row for row in Deposit.objects.filter(wanted)}
    new = 0
    for hit in hits:
        address = addresses.get(hit.recipient)
        row = known.get((hit.tx_hash, hit.position))
        if address is None or address.user_id is None:
            continue
        if row is not None:
            _mined_again(row, address, hit)
        else:
            _create(network, address, hit)
            new += 1
    return new


def _create(network: Network, address: DepositAddress, hit: Hit) -> None:
    assert address.user_id is not None
    Deposit.objects.create(
        network=network,
        tx_hash=hit.tx_hash,
        position=hit.position,
        address=address,
        user_id=address.user_id,
        token=hit.token,
        sender=hit.sender,
        amount_micro=hit.amount_micro,
        block_number=hit.block_number,
        block_hash=hit.block_hash,
        state=_first_state(network, hit.token),
    )


def _mined_again(row: Deposit, address: DepositAddress, hit: Hit) -> None:
    """Move a deposit to the block it is in now, with what the chain says of it now."""
    if row.final_at is not None:
        return
    told = (address.pk, hit.token, hit.amount_micro)
    if (row.address_id, row.token, row.amount_micro) != told:
        if row.state == State.CREDITED:
            log.error("chain.credited_deposit_differs", deposit=row.public_id)
            return
        assert address.user_id is not None
        row.address, row.user_id = address, address.user_id
        row.token, row.amount_micro = hit.token, hit.amount_micro
        row.state = _first_state(row.network, hit.token)
    row.sender = hit.sender
    row.block_number, row.block_hash = hit.block_number, hit.block_hash
    row.lost_at = row.orphaned_at = None
    if row.state == State.ORPHANED:
        row.state = _first_state(row.network, row.token)
    row.save()


def _first_state(network: Network, token: str) -> str:
    return State.SEEN if token == network.token else State.FOREIGN


def rewind(*, network: Network, owner: str, to: int) -> int:
    """Forget the blocks above `to` and orphan their deposits; return how many of those.

    A deposit that was credited at `safe` stays credited and is marked lost: that is the risk the
    owner took, and the alarm sounds. Mined again, it is no longer lost, and not credited twice.
    Raises:  Reorged when another scanner was here.
    Locks:   the scan state.
    """
    crash_here("scan.before_rewind")
    with transaction.atomic():
        state = locks.scan_state(network)
        require_lease(state, owner)
        assert to >= state.final_number, "the final line never moves back"
        ScannedBlock.objects.filter(network=network, number__gt=to).delete()
        above = Deposit.objects.filter(network=network, block_number__gt=to, final_at=None)
        orphaned = above.filter(state__in=NOT_CREDITED).update(
            state=State.ORPHANED, orphaned_at=clock.now()
        )
        lost = above.filter(state=State.CREDITED, lost_at=None).update(lost_at=clock.now())
        state.scanned_number = min(state.scanned_number, to)
        state.save(update_fields=["scanned_number"])
        crash_here("scan.in_rewind")
    if lost:
        log.error("chain.credited_deposits_lost", network=network.name, count=lost)
    return orphaned


def final_advance(*, network: Network, owner: str, number: int, block_hash: str) -> None:
    """Move the final line forward; blocks below it are forgotten, for nothing can change there.

    Raises:  Reorged when another scanner was here.
    Locks:   the scan state.
    """
    with transaction.atomic():
        state = locks.scan_state(network)
        require_lease(state, owner)
        if number <= state.final_number:
            return
        state.final_number, state.final_hash = number, block_hash
        state.save(update_fields=["final_number", "final_hash"])
        ScannedBlock.objects.filter(network=network, number__lt=number).delete()
        crash_here("scan.in_final")
