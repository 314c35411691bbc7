"""Backfills as rows: asked for by staff, read a piece at a time by whoever has the lease."""

import math
from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from chain.clients import endpoints
from chain.clients.rpc import Node
from chain.core.ranges import Sizing
from chain.errors import NodeFault, Reorged
from chain.models import Backfill, Network
from chain.services import backfill, locks, scan_write
from chain.services.scan_read import Chunk
from chain.services.watched import Watched
from exchange import clock
from exchange.errors import Malformed, Unprocessable
from exchange.models import User

# A week of Arbitrum; what is older than that is asked for in parts.
BLOCKS_MOST = 2_500_000
LEASE = timedelta(seconds=60)
TURN_S = 10.0
FAULTS_MOST = 20

log = structlog.get_logger()


def ask(
    *, network: Network, first: int, last: int, actor: User | None = None, leased: bool = False
) -> Backfill:
    """Queue a range of final blocks to be read again; `leased`, the caller reads it.

    Raises:  Malformed for a range that is none, too long or not final; Unprocessable already_so.
    """
    backfill.require_final(network, first, last)
    if last - first >= BLOCKS_MOST:
        raise Malformed(f"at most {BLOCKS_MOST} blocks are read again at once")
    try:
        with transaction.atomic():
            return Backfill.objects.create(
                network=network,
                first=first,
                last=last,
                next_number=first,
                asked_by=actor,
                lease_until=clock.now() + LEASE if leased else None,
            )
    except IntegrityError as twice:
        raise Unprocessable(
            "another range of this network is being read again", code="already_so"
        ) from twice


def advance_all() -> int:
    """Read on in every backfill that nobody else reads; return how many blocks were read."""
    waiting = Backfill.objects.filter(ended_at=None, network__is_enabled=True)
    return sum(_turn(row) for row in waiting.select_related("network").order_by("pk"))


def run(network: Network, nodes: Sequence[Node], first: int, last: int) -> Backfill:
    """Read a range again here and now; a fault ends it, and what was read until then is kept.

    Raises:  as `ask`; NodeFault, Disagree.
    """
    row = ask(network=network, first=first, last=last, leased=True)
    try:
        _read_on(row, nodes, math.inf)
    except NodeFault:
        Backfill.objects.filter(pk=row.pk, ended_at=None).update(ended_at=clock.now())
        raise
    return row


def advance(row: Backfill, nodes: Sequence[Node], *, turn_s: float = TURN_S) -> int:
    """Read on for a while, each piece kept by itself; return how many blocks were read.

    Locks:   the backfill, by a lease; the scan state, for each piece.
    Raises:  NodeFault, Disagree, after they were noted.
    """
    if not _take(row):
        return 0
    row.refresh_from_db()
    began_at = row.next_number
    _read_on(row, nodes, turn_s)
    return row.next_number - began_at


def _read_on(row: Backfill, nodes: Sequence[Node], turn_s: float) -> None:
    started, sizing = clock.monotonic(), Sizing()
    watched = Watched().refresh().topics
    try:
        while row.ended_at is None and clock.monotonic() - started < turn_s:
            got, sizing = backfill.piece(
                row.network, nodes, watched, row.next_number, row.last, sizing
            )
            _keep(row, got)
    except NodeFault as fault:
        _note_fault(row, fault)
        raise
    finally:
        Backfill.objects.filter(pk=row.pk).update(lease_until=None)


def _turn(row: Backfill) -> int:
    try:
        return advance(row, endpoints.nodes_of(row.network))
    except NodeFault as fault:
        log.warning("chain.backfill_waits", network=row.network.name, error=fault.message)
        return 0


def _take(row: Backfill) -> bool:
    now = clock.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    rows = Backfill.objects.filter(free, pk=row.pk, ended_at=None)
    return rows.update(lease_until=now + LEASE) == 1


def _keep(row: Backfill, got: Chunk) -> None:
    """Keep a piece with how far it goes, in one transaction. Raises Reorged for a lost lease."""
    with locks.scan_turn(row.network):
        new = scan_write.deposits_note(row.network, got.hits)
        now = clock.now()
        moved = Backfill.objects.filter(pk=row.pk, next_number=got.first, ended_at=None).update(
            next_number=got.last + 1,
            logs=F("logs") + got.logs,
            hits=F("hits") + len(got.hits),
            new=F("new") + new,
            faults=0,
            error="",
            lease_until=now + LEASE,
            ended_at=now if got.last == row.last else None,
        )
        if not moved:
            raise Reorged("another process reads this range")
    row.refresh_from_db()
    if row.ended_at is not None:
        log.info("chain.backfilled", network=row.network.name, new=row.new)


def _note_fault(row: Backfill, fault: NodeFault) -> None:
    """Keep what went wrong; so many faults in a row give the range up, visibly."""
    rows = Backfill.objects.filter(pk=row.pk, ended_at=None)
    rows.update(faults=F("faults") + 1, error=fault.message[:200])
    if rows.filter(faults__gte=FAULTS_MOST).update(ended_at=clock.now()):
        log.error("chain.backfill_given_up", network=row.network.name, error=fault.message)
