"""Credit what the policy allows and whose block is still the chain's, once, into the ledger."""

from collections import defaultdict
from collections.abc import Sequence

import structlog
from django.db import transaction
from django.db.models import Sum

from chain.clients.rpc import Node
from chain.core import finality
from chain.core.finality import Level, Lines
from chain.errors import NodeFault
from chain.hashing import TRANSFER_TOPIC
from chain.models import Deposit, Network
from chain.services import locks
from chain.services.seams import crash_here
from chain.services.watched import topic_of
from exchange import clock
from exchange.services import ledger

KIND = "deposit"
AT_ONCE = 500
State = Deposit.State

log = structlog.get_logger()


def deposits_advance(*, network: Network, nodes: Sequence[Node], at: Lines) -> int:
    """Credit, or mark final, every deposit whose time has come; return how many were credited.

    Raises:  NodeFault where the chain does not show what we have, or two nodes disagree.
    """
    due = Deposit.objects.filter(
        network=network,
        final_at=None,
        lost_at=None,
        state__in=(State.SEEN, State.CREDITED, State.FOREIGN),
        block_number__lte=max(at.safe, at.final),
    )
    rows = list(due.select_related("address").order_by("block_number", "id")[:AT_ONCE])
    if not rows:
        return 0
    for node in nodes:
        _require_canonical(node, rows)
    crash_here("credit.before")
    credited = 0
    for row in rows:
        credited += _advance(row.pk, network, at)
        crash_here("credit.after")
    return credited


def _require_canonical(node: Node, rows: Sequence[Deposit]) -> None:
    """Ask a node for the blocks and the receipts of deposits. Raises NodeFault for a difference."""
    numbers = sorted({row.block_number for row in rows})
    hashes = {h.height: h.hash for h in node.headers(numbers) if h is not None}
    for row in rows:
        if hashes.get(row.block_number) != row.block_hash:
            raise NodeFault(f"{node.name} has another block {row.block_number}")
    transactions = sorted({row.tx_hash for row in rows})
    receipts = dict(zip(transactions, node.receipts(transactions), strict=True))
    for row in rows:
        receipt = receipts[row.tx_hash]
        logs = receipt.logs if receipt else []
        if receipt is None or int(receipt.status, 16) != 1 or len(logs) <= row.position:
            raise NodeFault(f"{node.name} does not show the transaction of {row}")
        if (receipt.transaction_hash.lower(), receipt.block_hash) != (row.tx_hash, row.block_hash):
            raise NodeFault(f"{node.name} shows another transaction for {row}")
        told = logs[row.position]
        if (told.address.lower(), told.topics, told.data.lower()) != _transfer(row):
            raise NodeFault(f"{node.name} shows another transfer for {row}")


def _transfer(row: Deposit) -> tuple[str, list[str], str]:
    """Return the log that a deposit must be: whose event it is, from whom, to whom, how much."""
    ends = [topic_of(address) for address in (row.sender, row.address.address)]
    return row.token, [TRANSFER_TOPIC, *ends], f"0x{row.amount_micro:064x}"


def _advance(pk: int, network: Network, at: Lines) -> int:
    """Move one deposit under its lock; return how many were credited with it."""
    with transaction.atomic():
        row = locks.deposit(pk)
        is_final = row.block_number <= at.final
        match row.state:
            case State.SEEN:
                return _judge(row, network, at, is_final=is_final)
            case State.CREDITED | State.FOREIGN if is_final and row.final_at is None:
                row.final_at = clock.now()
                row.save(update_fields=["final_at"])
    return 0


def _judge(row: Deposit, network: Network, at: Lines, *, is_final: bool) -> int:
    if row.amount_micro < network.deposit_min_micro:
        return _gather(row, network) if is_final else 0
    level = finality.level_for(
        network.policy,
        row.amount_micro,
        user_micro=exposed_micro(network, row.user_id),
        total_micro=exposed_micro(network),
    )
    if not finality.reached(level, row.block_number, at):
        return 0
    _credit(row, Level.FINAL if is_final else level)
    return 1


def _gather(row: Deposit, network: Network) -> int:
    """Keep a final deposit below the minimum, or credit all of them once they reach it together."""
    row.state, row.final_at = State.SMALL, clock.now()
    row.save(update_fields=["state", "final_at"])
    small = Deposit.objects.filter(network=network, user=row.user_id, state=State.SMALL)
    rows = list(small.order_by("id"))
    if sum(each.amount_micro for each in rows) < network.deposit_min_micro:
        return 0
    for each in rows:
        _credit(locks.deposit(each.pk), Level.FINAL)
    return len(rows)


def _credit(row: Deposit, level: Level) -> None:
    booked = ledger.credit_external(
        user_id=row.user_id, amount_micro=row.amount_micro, kind=KIND, ref=row.ref
    )
    crash_here("credit.booked")
    if not booked:
        log.error("chain.credited_before", deposit=row.public_id)
    now = clock.now()
    row.state, row.credited_level, row.credited_at = State.CREDITED, level.value, now
    row.final_at = now if level is Level.FINAL else row.final_at
    row.save(update_fields=["state", "credited_level", "credited_at", "final_at"])


def exposed_micro(network: Network | None, user_id: int | None = None) -> int:
    """Return what is credited and not yet final, of one or all networks and people."""
    rows = Deposit.objects.filter(state=State.CREDITED, final_at=None)
    if network is not None:
        rows = rows.filter(network=network)
    if user_id is not None:
        rows = rows.filter(user=user_id)
    return rows.aggregate(total=Sum("amount_micro"))["total"] or 0


def by_address(network: Network) -> dict[str, int]:
    """Return what each address has received in final transfers of the token, by the rows."""
    totals: defaultdict[str, int] = defaultdict(int)
    rows = Deposit.objects.filter(network=network, token=network.token, final_at__isnull=False)
    for address, amount in rows.values_list("address__address", "amount_micro"):
        totals[address] += amount
    return dict(totals)
