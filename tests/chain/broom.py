"""One line each for a treasury, its Sweeper, and deposit addresses with money that is final."""

from pathlib import Path
from typing import Any

from chain.models import DepositAddress, HotWallet, KeyAccount, NonceSlot, Sweep, Withdrawal
from chain.services import addresses, sweeps
from chain.services.final_line import header
from chain.services.pump import Pumped
from exchange.models import User
from tests.chain.driver import Chain, word
from tests.chain.paying import Till, stranger
from tests.chain.purses import signer_of
from tests.chain.stage import depositor, scan_all
from tests.factories import usdc

PATH = "m/44'/60'/1'"
QUIET_ROUNDS = 2


class Broom(Till):
    """A till with a treasury; everything is looked at in each round."""

    def __init__(
        self, chain: Chain, folder: Path, *, sweeper: bool = True, float_: str = "0", **fields: Any
    ) -> None:
        self.treasury = stranger()
        self.sweeper = deploy_sweeper(chain, self.treasury) if sweeper else ""
        self.bridged = fields.get("bridged_token", "")
        fields = {"sweep_every_s": 0, "sweep_min_micro": usdc("5"), **fields}
        super().__init__(chain, folder, float_=float_, sweeper=self.sweeper, **fields)
        self.signer = signer_of(
            folder, chain, str(self.network.disperse), sweeper=self.sweeper,
            treasury=self.treasury, bridged=self.bridged,
        )  # fmt: skip
        HotWallet.objects.update(treasury=self.treasury, float_cap_micro=usdc("100"))
        # the deposits of this test belong to the signer's seed
        KeyAccount.objects.update(is_active=False)
        addresses.register_xpub(self.signer.about()["xpub"], PATH)

    def round(self) -> Pumped:
        """Do everything that is due once, sweeping too."""
        done = super().round()
        self.network.refresh_from_db()
        sweeps.sweeps_advance(network=self.network, nodes=self.nodes, signer=self.signer)
        return done

    def finish(self, rounds: int = 12) -> None:
        """Work, mine and read until everything has had time to be final, or nothing is open."""
        quiet = 0
        for _ in range(rounds):
            self.round()
            self.chain.mine()
            self.read()
            quiet = 0 if self.is_busy else quiet + 1
            if quiet == QUIET_ROUNDS:
                return

    @property
    def is_busy(self) -> bool:
        """Say whether any payment or sweep has not ended."""
        waits = (NonceSlot.objects.filter(settled_at=None), Sweep.objects.filter(ended_at=None),
                 Withdrawal.objects.filter(ended_at=None))  # fmt: skip
        return any(rows.exists() for rows in waits)

    def read(self) -> None:
        """Read the chain to its newest block."""
        scan_all(self.network, self.nodes)

    def paid_in(self, *amounts: str, token: str | None = None) -> list[tuple[User, DepositAddress]]:
        """Return one person for each amount, which is final at their address."""
        people = [depositor() for _ in amounts]
        for (_, row), amount in zip(people, amounts, strict=True):
            self.chain.pay(row.address, usdc(amount), token)
        self.chain.mine(5)
        self.read()
        return people

    def later(self, seconds: int) -> None:
        """Let so much of the chain's own time pass."""
        head = header(self.chain.node, "latest")
        until = int(head.timestamp, 16) + seconds
        self.chain.node.call("evm_setNextBlockTimestamp", [until], Any)
        self.chain.mine(4)
        self.read()

    @property
    def states(self) -> list[str]:
        """The states of all sweeps, the oldest first."""
        return list(Sweep.objects.order_by("pk").values_list("state", flat=True))


def deploy_sweeper(chain: Chain, treasury: str, token: str | None = None) -> str:
    """Deploy a Sweeper of the chain's token to a treasury."""
    ends = word(token or chain.token) + word(treasury)
    return chain.deploy("Sweeper", ends)
