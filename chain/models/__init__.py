"""Every model of the chain side, one file per concept."""

from chain.models.backfills import Backfill
from chain.models.deposits import Deposit, DepositAddress, KeyAccount
from chain.models.networks import Network, ScannedBlock, ScanState
from chain.models.payouts import Attempt, HotWallet, NonceSlot
from chain.models.reserves import ReserveLeaf, ReserveProof
from chain.models.sweeps import GasReading, Sweep
from chain.models.withdrawals import AddressBookEntry, CredentialChange, Withdrawal, WithdrawalEvent

__all__ = [
    "AddressBookEntry",
    "Attempt",
    "Backfill",
    "CredentialChange",
    "Deposit",
    "DepositAddress",
    "GasReading",
    "HotWallet",
    "KeyAccount",
    "Network",
    "NonceSlot",
    "ReserveLeaf",
    "ReserveProof",
    "ScanState",
    "ScannedBlock",
    "Sweep",
    "Withdrawal",
    "WithdrawalEvent",
]
