"""A process that forks followers of a chain, each of which may die by SIGKILL at a seam.

A follower scans, credits, signs, sends, settles and sweeps, mines a block, and begins again. It
does so until it dies, or until nothing is open any more.
"""

import json
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from tests.faults.nursery import Nursery, serve


@dataclass(kw_only=True)
class Life:
    """What one follower does: where the chain is, what it asks for, and where it is to die."""

    url: str
    folder: str
    network: int
    told: str
    die_at: str = ""
    # followers come one after another, each when the lease of the one before has run out
    shift_s: int = 0
    passes: int = 24
    # user, address and key of a withdrawal that is asked for first
    ask: list[Any] | None = None

    @property
    def end(self) -> str:
        """Return where the follower died, "done" where it did not, nothing if it failed."""
        path = Path(self.told)
        return path.read_text() if path.exists() else ""


class ChainNursery(Nursery):
    """The forking process, seen from the test."""

    module = "tests.faults.chain_nursery"

    def live(self, life: Life) -> str:
        """Let a follower live its life and return how that ended."""
        Path(life.told).unlink(missing_ok=True)
        self.join(self.start(life))
        return life.end


def _live(line: str) -> None:
    try:
        _follow(Life(**json.loads(line)))
    except BaseException:
        traceback.print_exc()  # nobody else would see it
        raise


def _follow(life: Life) -> None:
    from chain.clients.rpc import http
    from chain.models import Network
    from chain.services import payouts, pump, scanner, seams, sweeps, withdrawals
    from exchange import clock

    def at(name: str) -> None:
        if name == life.die_at:
            Path(life.told).write_text(name)
            os.kill(os.getpid(), signal.SIGKILL)

    seams.install(at)
    _arm_the_log(at)
    network = Network.objects.get(pk=life.network)
    nodes = [http(life.url, name) for name in ("one", "two")]
    signer = _signer(network, Path(life.folder))
    with clock.shifted(life.shift_s):
        if life.ask:
            _ask(network, *life.ask)
        for _ in range(life.passes):
            report = scanner.step(network, nodes, owner=f"follower {os.getpid()}")
            assert (report.error, report.halted, report.idle) == ("", "", False)
            withdrawals.windows_close(network)
            payouts.sign_due(network=network, nodes=nodes, signer=signer)
            pump.pump(network=network, nodes=nodes, signer=signer)
            sweeps.sweeps_advance(network=network, nodes=nodes, signer=signer)
            if not life.die_at and not _is_open(network):
                break
            nodes[0].call("anvil_mine", ["0x1"], object)
    Path(life.told).write_text("done")


def _is_open(network: Any) -> bool:
    from chain.models import Deposit, NonceSlot, Sweep, Withdrawal

    rows = [
        Deposit.objects.filter(final_at=None),
        *(kind.objects.filter(ended_at=None) for kind in (Sweep, Withdrawal)),
        NonceSlot.objects.filter(settled_at=None),
    ]
    return any(each.filter(network=network).exists() for each in rows)


def _ask(network: Any, user: int, entry: int, key: str) -> None:
    from chain.models import AddressBookEntry
    from chain.services import withdrawals
    from chain.services.withdrawal_rules import Proof
    from exchange import clock
    from exchange.models import User

    withdrawals.withdrawal_request(
        user=User.objects.get(pk=user), network=network, amount_micro=10**6, key=key,
        entry=AddressBookEntry.objects.get(pk=entry), proof=Proof(at=clock.now()),
    )  # fmt: skip


def _signer(network: Any, folder: Path) -> Any:
    """Return a signer that has read its log anew, as after a start."""
    from chain.models import HotWallet
    from tests.chain.driver import Chain
    from tests.chain.purses import signer_of

    known = cast(Chain, SimpleNamespace(token=network.token, chain_id=network.chain_id))
    treasury = HotWallet.objects.get(network=network).treasury
    more = {"sweeper": network.sweeper, "treasury": treasury, "bridged": network.bridged_token}
    return signer_of(folder, known, network.disperse, **more)


def _arm_the_log(at: Callable[[str], None]) -> None:
    """Let the signer die as well: before its log has a line, and before the line is used."""
    from chain.signer.journal import Journal

    write = Journal.write

    def around(self: Journal, **row: Any) -> None:
        at("journal.before")
        write(self, **row)
        at("journal.after")

    Journal.write = around  # type: ignore[method-assign]  # in this process alone


if __name__ == "__main__":
    serve(_live, "chain.services.follow", "tests.chain.purses")
