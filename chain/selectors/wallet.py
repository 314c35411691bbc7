"""What a wallet page and the API show: deposits with how far they are, withdrawals, the book."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from chain.core import finality
from chain.core import withdrawal as states
from chain.core.finality import Lines, Progress
from chain.core.withdrawal import State
from chain.hashing import checksummed
from chain.models import AddressBookEntry, Deposit, Network, ScanState, Withdrawal
from exchange import clock
from exchange.models import User


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositView:
    """A deposit with its progress and where to look it up."""

    row: Deposit
    progress: Progress
    link: str
    expected_at: datetime | None

    @property
    def state(self) -> str:
        """The state in one word; one that was taken out after its credit says so."""
        return "lost" if self.row.lost_at else self.row.state


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalView:
    """A withdrawal with what its owner may still do."""

    row: Withdrawal
    address: str
    link: str
    cancellable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """An address of the book and from when it may be paid."""

    row: AddressBookEntry
    address: str
    payable_from: datetime

    @property
    def is_payable(self) -> bool:
        """Whether its two days have passed."""
        return self.payable_from <= clock.now()


def deposits_of(
    user: User, network: Network | None = None, *, before: int | None = None, limit: int = 20
) -> list[DepositView]:
    """Return the user's deposits, newest first, one more than `limit` where there are more.

    Those of every network, unless one is named: then its own, and of networks served no more.
    """
    rows = Deposit.objects.filter(user=user).select_related("network", "address").order_by("-id")
    if network is not None:
        rows = rows.filter(_shown_with(network))
    if before is not None:
        rows = rows.filter(id__lt=before)
    lines = _lines()
    return [_deposit(row, lines.get(row.network_id)) for row in rows[: limit + 1]]


def withdrawals_of(
    user: User, network: Network | None = None, *, before: int | None = None, limit: int = 20
) -> list[WithdrawalView]:
    """Return the user's withdrawals likewise."""
    rows = Withdrawal.objects.filter(user=user).select_related("network", "entry", "slot")
    rows = rows.order_by("-id")
    if network is not None:
        rows = rows.filter(_shown_with(network))
    if before is not None:
        rows = rows.filter(id__lt=before)
    return [withdrawal_view(row) for row in rows[: limit + 1]]


def withdrawal_view(row: Withdrawal) -> WithdrawalView:
    """Return a withdrawal as pages show it."""
    tx_hash = _hash_of(row)
    return WithdrawalView(
        row=row,
        address=checksummed(row.address),
        link=link_of(row.network, tx_hash) if tx_hash else "",
        cancellable=State(row.state) in states.CANCELLABLE,
    )


def book_of(user: User, network: Network | None = None) -> list[EntryView]:
    """Return the user's address book, newest first; of one network, what may be paid there."""
    rows = AddressBookEntry.objects.filter(user=user, removed_at=None).order_by("-id")
    rows = rows.select_related("network")
    if network is not None:
        rows = rows.filter(Q(network=None) | Q(network=network))
    return [entry_view(row) for row in rows]


def entry_view(row: AddressBookEntry) -> EntryView:
    """Return an address as pages show it."""
    wait = timedelta(seconds=states.NEW_ADDRESS_S)
    return EntryView(row=row, address=checksummed(row.address), payable_from=row.created_at + wait)


def link_of(network: Network, tx_hash: str) -> str:
    """Return where a transaction can be looked up, or nothing where there is no explorer."""
    return f"{network.explorer_url}/tx/{tx_hash}" if network.explorer_url else ""


def _shown_with(network: Network) -> Q:
    return Q(network=network) | Q(network__is_enabled=False)


def _deposit(row: Deposit, at: Lines | None) -> DepositView:
    progress = finality.progress(row.network.policy, row.block_number, at or Lines(0, 0, -1))
    if row.final_at is not None:
        progress = Progress(progress.needed, progress.needed, 0)
    waits = row.state == Deposit.State.SEEN and progress.seconds_left
    expected = clock.now() + timedelta(seconds=progress.seconds_left) if waits else None
    return DepositView(
        row=row,
        progress=progress,
        link=link_of(row.network, row.tx_hash),
        expected_at=expected,
    )


def _lines() -> dict[int, Lines]:
    rows = ScanState.objects.values_list("network_id", "head_number", "safe_number", "final_number")
    return {network: Lines(*numbers) for network, *numbers in rows}


def _hash_of(row: Withdrawal) -> str:
    """Return the hash that pays, or the newest that was sent."""
    if row.slot is None:
        return ""
    if row.slot.settled_hash:
        return str(row.slot.settled_hash)
    newest = row.slot.attempts.order_by("-id").values_list("tx_hash", flat=True).first()
    return newest or ""
