"""The address book: an address is checked when it enters, and may be paid two days later."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction

from chain.clients.rpc import Node
from chain.core import addresses
from chain.errors import NodeFault
from chain.hashing import checksummed, keccak256
from chain.models import AddressBookEntry, DepositAddress, HotWallet, Network
from chain.services.notices import tell
from exchange import clock
from exchange.errors import Malformed, Unprocessable
from exchange.models import User

LABEL_MAX = 40
ENTRIES_MAX = 50
FAULTS = {
    "malformed": "an address is 0x and 40 hexadecimal digits",
    "checksum": "the capitals of this address do not match it: copy it again, whole",
    "burn": "whatever is sent there is lost",
    "reserved": "this address is a program of the chain itself",
    "token": "this is the token's own address",
    "ours": "this is an address of ours: money sent there does not leave",
    "contract": "this is a contract: confirm that it can pay out what it receives",
}


def entry_add(  # what was typed, and who answers for the chain
    *,
    user: User,
    address: str,
    label: str,
    is_contract: bool,
    nodes: Sequence[Node],
    network: Network | None = None,
) -> AddressBookEntry:
    """Enter an address; it may be paid there once it has stood in the book for two days.

    `nodes` say whether it is a contract; unasked (none given) it is taken as confirmed. Without a
    network it may be paid on each.
    Raises:  Malformed address_refused with the fault and its words, Unprocessable book_full or
             already_so; NodeFault where no node says what the address is.
    """
    fault = addresses.fault_of(address, keccak256) or _fault_here(address.lower())
    if not fault and not is_contract and _is_contract(nodes, address):
        fault = "contract"
    if fault:
        raise Malformed(
            FAULTS[fault], code="address_refused", fields={"fault": fault, "field": "address"}
        )
    label = label.strip()[:LABEL_MAX] or f"{address[:6]}…{address[-4:]}"
    where = f" on {network.name}" if network else ""
    mine = AddressBookEntry.objects.filter(user=user, removed_at=None)
    if mine.count() >= ENTRIES_MAX:
        raise Unprocessable("the book is full; remove an address first", code="book_full")
    if mine.filter(network=None, address=address.lower()).exists():
        raise _there_already()
    try:
        with transaction.atomic():
            row = AddressBookEntry.objects.create(
                user=user,
                network=network,
                address=address.lower(),
                label=label,
                is_contract=is_contract,
                created_at=clock.now(),
            )
            tell(
                user,
                "A withdrawal address was added",
                f"{checksummed(row.address)} ({label}) may be paid{where} from 48 hours from now"
                " on.",
            )
    except IntegrityError as twice:
        raise _there_already() from twice
    return row


def entry_remove(*, entry: AddressBookEntry) -> bool:
    """Take an address out of the book; entered again, its two days begin anew."""
    rows = AddressBookEntry.objects.filter(pk=entry.pk, removed_at=None)
    return rows.update(removed_at=clock.now()) == 1


def _there_already() -> Unprocessable:
    return Unprocessable("this address is in your book already", code="already_so")


def _fault_here(address: str) -> str:
    for network in Network.objects.all():
        if address in {network.token, network.bridged_token, network.disperse, network.sweeper}:
            return "token"
    if HotWallet.objects.filter(treasury=address).exists():
        return "ours"
    if DepositAddress.objects.filter(address=address).exists():
        return "ours"
    return "ours" if HotWallet.objects.filter(address=address).exists() else ""


def _is_contract(nodes: Sequence[Node], address: str) -> bool:
    """Say whether any node that answers knows a contract there. Raises NodeFault if none does."""
    told, fault = [], None
    for node in nodes:
        try:
            told.append(_has_code(node, address))
        except NodeFault as error:
            fault = error
    if fault is not None and not told:
        raise fault
    return any(told)


def _has_code(node: Node, address: str) -> bool:
    return (node.call("eth_getCode", [address, "latest"], str) or "0x") != "0x"
