"""The proof of reserves: what is owed to everybody, what is held on the chains, and the difference.

Liabilities are the ledger as of one entry; holdings are the token's balances at one final block of
each network. The leaves sum to the liabilities exactly, the house's own among them, so that nobody
can be left out without it showing in the total.
"""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction

from chain.clients import endpoints
from chain.clients.rpc import Node
from chain.core import merkle
from chain.errors import NodeFault
from chain.models import (
    Deposit,
    DepositAddress,
    HotWallet,
    Network,
    ReserveLeaf,
    ReserveProof,
    ScanState,
)
from chain.services import calls, in_flight
from chain.services.in_flight import Crossing
from exchange import clock
from exchange.ids import public_id
from exchange.models import Entry

EVERY = timedelta(days=1)
KEPT = 30
AT_ONCE = 500
HOUSE = "house"
WAYS = ("paid_micro", "leaving_micro", "arriving_micro")
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('chain.reserves'))"
# What sessions play with is owed to nobody, and what gas has cost is an expense.
BALANCES = """
    SELECT a.user_id, a.kind, sum(a.balance_micro)::bigint
      FROM exchange_account a
     WHERE a.kind NOT IN ('external', 'gas_spent') AND left(a.kind, 5) <> 'play_'
     GROUP BY a.user_id, a.kind HAVING sum(a.balance_micro) <> 0"""
# Play money is credited from outside without a chain: it is named, and never hidden in the rest.
UNBACKED = """
    SELECT coalesce(sum(-e.amount_micro), 0)::bigint
      FROM exchange_entry e JOIN exchange_transfer t ON t.id = e.transfer_id
      JOIN exchange_account a ON a.id = e.account_id
     WHERE a.kind = 'external' AND t.kind NOT IN ('deposit', 'captured', 'gas')"""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Owed:
    """The liabilities of one moment, and how far each chain was read in it."""

    entry_id: int
    by_user: dict[int | None, int]
    by_kind: dict[str, int]
    play_micro: int
    read: dict[int, ScanState] = field(default_factory=dict)
    crossing: dict[int, Crossing] = field(default_factory=dict)


def is_due() -> bool:
    """Say whether a day has passed since the newest proof."""
    newest = ReserveProof.objects.first()
    return newest is None or clock.now() - newest.at >= EVERY


def prove() -> ReserveProof:
    """Publish a proof of this moment; a shortfall sounds the alarm and is public.

    Of two made at once the first to be stored is both.
    Raises:  NodeFault where a chain cannot be read: a proof without it would be a false one.
    """
    # Reading balances takes a while. What is credited meanwhile is in neither of the two.
    began_at, owed = clock.now(), _owed()
    holdings = [
        _proven(network, endpoints.nodes_of(network)[0], owed)
        for network in Network.objects.filter(is_enabled=True)
    ]
    return proof_of(holdings, owed, began_at)


def proof_of(
    holdings: list[dict[str, Any]], owed: Owed | None = None, began_at: datetime | None = None
) -> ReserveProof:
    """Store a proof over holdings that were read, and the ledger of their moment or as it is now.

    Keeps:   the leaves sum to the liabilities.
    """
    owed = owed or _owed()
    held = sum(int(row["held_micro"]) for row in holdings)
    leaves = sorted(owed.by_user.items(), key=lambda item: (item[0] is None, item[0] or 0))
    salts = [secrets.token_bytes(merkle.SALT_BYTES) for _ in leaves]
    hashed = [
        merkle.leaf(salt, account_of(user), amount)
        for salt, (user, amount) in zip(salts, leaves, strict=True)
    ]
    root = merkle.levels(hashed)[-1][0]
    total = sum(amount for _, amount in leaves)
    assert root.sum_micro == total
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(ONE_AT_A_TIME)
        other = ReserveProof.objects.filter(at__gte=began_at).first() if began_at else None
        if other is not None:
            return other
        proof = ReserveProof.objects.create(
            entry_id=owed.entry_id,
            liabilities_micro=total,
            holdings_micro=held,
            unmatched_micro=sum(int(row["waiting_micro"]) for row in holdings),
            play_micro=owed.play_micro,
            **{name: sum(int(row.get(name, 0)) for row in holdings) for name in WAYS},
            kinds={kind: str(amount) for kind, amount in sorted(owed.by_kind.items())},
            holdings=holdings,
            root=root.hash.hex(),
            leaves_count=len(leaves),
        )
        _leaves_store(proof, leaves, salts)
    if proof.shortfall_micro:
        log.error("chain.reserves_short", missing_micro=proof.shortfall_micro)
    return proof


def _leaves_store(
    proof: ReserveProof, leaves: Sequence[tuple[int | None, int]], salts: Sequence[bytes]
) -> None:
    """Keep everybody's leaf, and forget those of proofs that are old."""
    ReserveLeaf.objects.bulk_create(
        ReserveLeaf(
            proof=proof,
            user_id=user,
            index=index,
            account=account_of(user),
            salt=salts[index],
            amount_micro=amount,
        )
        for index, (user, amount) in enumerate(leaves)
    )
    old = ReserveProof.objects.order_by("-id").values_list("pk", flat=True)[KEPT:]
    ReserveLeaf.objects.filter(proof__in=list(old)).delete()


def path_of(leaf: ReserveLeaf) -> dict[str, Any]:
    """Return everything its owner needs to check a leaf: salt, amount, siblings, root."""
    rows = ReserveLeaf.objects.filter(proof=leaf.proof_id).order_by("index")
    hashed = [merkle.leaf(bytes(r.salt), r.account, r.amount_micro) for r in rows]
    tree = merkle.levels(hashed)
    return {
        "proof": leaf.proof_id,
        "account": leaf.account,
        "amount_micro": str(leaf.amount_micro),
        "salt": bytes(leaf.salt).hex(),
        "path": [
            {
                "hash": step.sibling.hash.hex(),
                "sum_micro": str(step.sibling.sum_micro),
                "left": step.is_left,
            }
            for step in merkle.path(tree, leaf.index)
        ],
        "root": leaf.proof.root,
        "total_micro": str(leaf.proof.liabilities_micro),
    }


def account_of(user_id: int | None) -> str:
    """Return the name of an account as its leaf binds it."""
    return public_id("usr", user_id) if user_id is not None else HOUSE


def _owed() -> Owed:
    """Read the liabilities in one snapshot."""
    with transaction.atomic(), connection.cursor() as cursor:
        if not connection.savepoint_ids:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        newest = Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0
        cursor.execute(BALANCES)
        rows = cursor.fetchall()
        cursor.execute(UNBACKED)
        play = cursor.fetchone()
        # a deposit is credited after the final line has passed it, so these blocks have them all
        read = {state.network_id: state for state in ScanState.objects.all()}
        crossing = in_flight.noted()
    by_user: defaultdict[int | None, int] = defaultdict(int)
    by_kind: defaultdict[str, int] = defaultdict(int)
    for user, kind, amount in rows:
        by_user[user] += amount
        by_kind[kind if user is not None else f"{HOUSE} {kind}"] += amount
    assert all(amount >= 0 for amount in by_user.values()), "a liability is never negative"
    unbacked = max(0, play[0] if play else 0)
    return Owed(newest, dict(by_user), dict(by_kind), unbacked, read, crossing)


def _proven(network: Network, node: Node, owed: Owed) -> dict[str, Any]:
    """Return what is held on a network, and what was on its way there. Raises NodeFault."""
    held = _holding(network, node, owed.read.get(network.pk))
    rows = owed.crossing.get(network.pk, Crossing())
    way = in_flight.on_its_way(node, rows, held["block"])
    return {**held, **{name: str(getattr(way, name)) for name in WAYS}}


def _holding(network: Network, node: Node, state: ScanState | None) -> dict[str, Any]:
    """Return what we hold of a network's token at its final line. Raises NodeFault."""
    if state is None or state.final_number < 0:
        raise NodeFault(f"{network} has not been read to a final block yet")
    ours = list(DepositAddress.objects.filter(user__isnull=False).values_list("address", flat=True))
    hot = HotWallet.objects.filter(network=network).first()
    house = [hot.address, *([hot.treasury] if hot.treasury else [])] if hot else []
    # each once: a treasury that was set to another address of ours is not there twice
    addresses, held = list(dict.fromkeys([*house, *ours])), 0
    for start in range(0, len(addresses), AT_ONCE):
        part = addresses[start : start + AT_ONCE]
        held += sum(calls.balances(node, network.token, part, state.final_number))
    waiting = Deposit.objects.filter(network=network, final_at__isnull=False)
    small = waiting.filter(state=Deposit.State.SMALL).values_list("amount_micro", flat=True)
    return {
        "network": network.name,
        "chain_id": network.chain_id,
        "token": network.token,
        "block": state.final_number,
        "hash": state.final_hash,
        "held_micro": str(held),
        "waiting_micro": str(sum(small)),
        "addresses": len(addresses),
        "house": house,
    }
