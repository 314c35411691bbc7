"""How sweeps end: by the end of their nonce, or by what the token says of an authorisation.

An authorisation is played by anybody who sees it, so the token is asked and not the transaction.
One that may still be played is never given up: only its own end makes a new one possible.
"""

from collections.abc import Sequence

import structlog
from django.db import transaction

from chain.clients.rpc import Node
from chain.models import Network, NonceSlot, Sweep
from chain.services import calls, locks
from chain.services.final_line import ASKED, final_line, header
from chain.services.seams import crash_here
from exchange import clock

AT_ONCE = 500
State = Sweep.State

log = structlog.get_logger()


def slot_ended(slot: NonceSlot, *, is_paid: bool) -> None:
    """End the sweep whose own transaction this nonce was, inside the caller's transaction.

    A batch of authorisations ends by `close_due`, and a gift of gas ends no sweep.
    Locks:   the sweeps of the nonce.
    """
    if slot.purpose != NonceSlot.Purpose.SWEEP or slot.deposit_id is None:
        return
    words = "" if is_paid else "the transfer failed, or was taken back"
    for row in locks.sweeps_of(slot):
        end(row, State.DONE if is_paid else State.FAILED, words)


def close_due(*, network: Network, nodes: Sequence[Node]) -> int:
    """End every authorisation whose transaction is final; return how many were ended.

    Raises:  NodeFault.
    Locks:   each sweep.
    """
    due = Sweep.objects.filter(
        network=network, state=State.OPEN, slot__settled_at__isnull=False
    ).exclude(authorization="")
    rows = list(due.select_related("address").order_by("pk")[:AT_ONCE])
    if not rows:
        return 0
    line = final_line(network, nodes)
    wanted = [(row.address.address, row.authorization) for row in rows]
    # the transaction may be final by a newer block than the line just read: ask at the line alone
    told = [calls.authorizations_used(node, network.token, wanted, line) for node in nodes[:ASKED]]
    times = [int(header(node, line).timestamp, 16) for node in nodes[:ASKED]]
    ended = 0
    for row, *used in zip(rows, *told, strict=True):
        if all(used):
            ended += _close(row.pk, State.DONE, "")
        elif not any(used) and min(times) >= row.valid_before_s:
            ended += _close(row.pk, State.FAILED, "the token did not take the authorisation")
    return ended


def end(row: Sweep, state: Sweep.State, words: str) -> None:
    """End a sweep whose lock is held."""
    row.state, row.reason, row.ended_at = state, words, clock.now()
    row.save(update_fields=["state", "reason", "ended_at"])
    if state == State.FAILED:
        log.warning("chain.sweep_failed", sweep=row.pk, reason=words)


def _close(pk: int, state: Sweep.State, words: str) -> int:
    crash_here("sweep.before_close")
    with transaction.atomic():
        row = locks.sweep(pk)
        if row.ended_at is not None:
            return 0
        end(row, state, words)
        crash_here("sweep.in_close")
    return 1
