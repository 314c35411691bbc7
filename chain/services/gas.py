"""What gas costs: in wei by nonce, in the ledger at the price that was set, against the chain.

Ether is no user's and no liability. It is counted in whole wei where it is spent, so that an
auditor adds up rows; its worth in USDC is an expense of the house, once ether has a price.
"""

import structlog
from django.db.models import Q, QuerySet, Sum

from chain.clients.rpc import Node, Receipt
from chain.core.sweeping import price_micro
from chain.models import GasReading, HotWallet, Network, NonceSlot, ScanState
from exchange.models import AccountKind
from exchange.services import ledger

KIND = "gas"
Purpose = NonceSlot.Purpose

log = structlog.get_logger()


def paid_wei(receipt: Receipt) -> int:
    """Return what a transaction cost its sender, in wei."""
    fee = int(receipt.gas_used, 16) * int(receipt.effective_gas_price, 16)
    return fee + int(receipt.l1_fee or "0x0", 16)


def book(slot: NonceSlot) -> bool:
    """Book a settled nonce's gas as an expense, once; nothing where ether has no price.

    Units:   wei to micro-USDC.
    Rounds:  up.
    Locks:   the house's two accounts.
    """
    worth = price_micro(int(slot.gas_paid_wei), slot.network.ether_micro)
    if not worth:
        return False
    outside = ledger.account(kind=AccountKind.EXTERNAL)
    spent = ledger.account(kind=AccountKind.GAS_SPENT)
    ref = f"{slot.network.chain_id}:{slot.settled_hash}"
    return ledger.post(kind=KIND, ref=ref, amounts=[(outside, -worth), (spent, worth)])


def total_wei(network: Network) -> int:
    """Return all gas that a network's settled transactions have cost, whoever of us sent them."""
    hot = HotWallet.objects.filter(network=network).first()
    rows = NonceSlot.objects.filter(network=network, settled_at__isnull=False)
    last = _last(network, hot.address) if hot else None
    if hot is None or last is None:
        return _sum(rows, "gas_paid_wei")
    # what the newest reading has summed is not summed again
    rows = rows.filter(~Q(sender=hot.address) | Q(nonce__gte=last.nonces))
    return int(last.gas_wei) + _sum(rows, "gas_paid_wei")


def read(network: Network, node: Node) -> GasReading | None:
    """Compare the paying wallet's ether at the final line with what its nonces have spent.

    None where nothing is final yet, or a nonce the chain has seen is not settled here so far.
    Raises:  NodeFault.
    """
    state = ScanState.objects.filter(network=network).first()
    hot = HotWallet.objects.filter(network=network).first()
    if hot is None or state is None or state.final_number < 0:
        return None
    block, last = state.final_number, _last(network, hot.address)
    if last is not None and last.block >= block:
        return last
    nonces = node.number("eth_getTransactionCount", hot.address, hex(block))
    balance = node.number("eth_getBalance", hot.address, hex(block))
    since = last.nonces if last else 0
    rows = NonceSlot.objects.filter(
        network=network, sender=hot.address, nonce__gte=since, nonce__lt=nonces
    )
    if rows.filter(settled_at=None).exists():
        return None
    spent = _sum(rows, "gas_paid_wei") + (int(last.gas_wei) if last else 0)
    gifts = rows.filter(purpose=Purpose.TOPUP, state=NonceSlot.State.SETTLED, reverted=False)
    sent = _sum(gifts, "value_wei") + (int(last.sent_wei) if last else 0)
    opening = int(last.opening_wei) if last else balance + spent + sent
    refilled = int(last.refilled_wei) if last else 0
    gone = int(last.missing_wei) if last else 0
    # what was gone before is gone for good: a refill since then does not bring it back
    unexplained = balance + spent + sent + gone - opening - refilled
    found = GasReading.objects.create(
        network=network,
        sender=hot.address,
        block=block,
        nonces=nonces,
        opening_wei=opening,
        refilled_wei=refilled + max(0, unexplained),
        balance_wei=balance,
        gas_wei=spent,
        sent_wei=sent,
        missing_wei=gone + max(0, -unexplained),
    )
    if unexplained < 0:
        log.error("chain.gas_missing", network=network.name, wei=str(-unexplained))
    return found


def _last(network: Network, sender: str) -> GasReading | None:
    return GasReading.objects.filter(network=network, sender=sender).first()


def _sum(rows: QuerySet[NonceSlot], column: str) -> int:
    return int(rows.aggregate(total=Sum(column))["total"] or 0)
