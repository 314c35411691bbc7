"""One line each for a paying wallet, an aged address, and withdrawals on their way."""

import secrets
from pathlib import Path
from typing import Any

from chain.clients.rpc import Node
from chain.hashing import checksummed
from chain.models import AddressBookEntry, CredentialChange, HotWallet, Network, Withdrawal
from chain.services import book, payouts, pump, withdrawals
from chain.services.withdrawal_rules import Proof
from exchange import clock
from exchange.models import User
from tests.chain.driver import Chain
from tests.chain.purses import InsideSigner, signer_of
from tests.chain.stage import network_of
from tests.factories import key, usdc

TWO_DAYS = 48 * 3_600


class Till:
    """A network whose wallet has money and gas, with its signer; `nodes` are those asked."""

    def __init__(
        self, chain: Chain, folder: Path, *, disperse: bool = False, float_: str = "100000",
        **fields: Any,
    ) -> None:  # fmt: skip
        self.chain = chain
        self.nodes: list[Node] = [chain.node]
        batch = chain.deploy("Disperse") if disperse else ""
        self.signer: InsideSigner = signer_of(folder, chain, batch)
        self.hot = self.signer.about()["address"]
        fields = {"cancel_window_s": 0, "finality_blocks": 3, "disperse": batch, **fields}
        self.network: Network = network_of(chain, **fields)
        HotWallet.objects.create(network=self.network, address=self.hot)
        chain.ether(self.hot, 10**18)
        if usdc(float_):
            chain.pay(self.hot, usdc(float_))
        chain.mine()

    def round(self) -> pump.Pumped:
        """Do everything that is due once."""
        self.network.refresh_from_db()
        withdrawals.windows_close(self.network)
        payouts.sign_due(network=self.network, nodes=self.nodes, signer=self.signer)
        return pump.pump(network=self.network, nodes=self.nodes, signer=self.signer)

    def finish(self, rounds: int = 6) -> None:
        """Work and mine until everything has had time to be final."""
        for _ in range(rounds):
            self.round()
            self.chain.mine()


def stranger() -> str:
    """Return an address that nobody has, in lower case."""
    return "0x" + secrets.token_bytes(20).hex()


def entry(user: User, address: str | None = None, *, age_s: int = TWO_DAYS) -> AddressBookEntry:
    """Enter an address that has stood in the book for so long."""
    row = book.entry_add(
        user=user,
        address=checksummed(address or stranger()),
        label="Elsewhere",
        is_contract=False,
        nodes=[],
    )
    row.created_at = clock.at(clock.now_s() - age_s)
    row.save()
    return row


def fresh() -> Proof:
    """Return the proof of somebody who has just signed in again."""
    return Proof(at=clock.now())


def withdraw(
    user: User, network: Network, amount: str = "10", *, to: AddressBookEntry | None = None,
    proof: Proof | None = None, key_: str | None = None,
) -> Withdrawal:  # fmt: skip
    """Ask for a withdrawal as its owner."""
    return withdrawals.withdrawal_request(
        user=user,
        network=network,
        entry=to or entry(user),
        amount_micro=usdc(amount),
        key=key_ or key(),
        proof=proof or fresh(),
    )


def settled_owner(user: User) -> User:
    """Make somebody an owner of a month, whose credentials have not changed lately."""
    user.date_joined = clock.at(clock.now_s() - 30 * 86_400)
    user.save()
    CredentialChange.objects.filter(user=user).delete()
    return user
