"""kill -9 of a follower of the chain at every seam: its successor ends everything exactly once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from chain.models import Deposit, HotWallet, NonceSlot, Sweep, Withdrawal
from chain.services import gas, reconcile, seams
from exchange.models import Account, Hold, Transfer
from exchange.services import audit
from tests.chain.broom import Broom
from tests.chain.conftest import chain_of
from tests.chain.driver import call_data
from tests.chain.line import on_the_line
from tests.chain.paying import entry, settled_owner, withdraw
from tests.chain.seam_names import BATCH, CLASSIC, PAYOUT, PUMP, REQUEST, SCAN
from tests.chain.stage import cash_of
from tests.factories import funded_user, usdc
from tests.faults.chain_nursery import ChainNursery, Life
from tests.faults.nursery import database_url
from tests.faults.scale import NIGHTLY

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600), pytest.mark.usefixtures("books")]

# the signer's own: before its log has the line, and before the line is used
JOURNAL = ("journal.before", "journal.after")
ORDER = (*REQUEST, *SCAN, *JOURNAL, *PAYOUT, *PUMP, *BATCH, *CLASSIC)
REWIND = {"scan.before_rewind", "scan.in_rewind"}
AFTER_A_LEASE_S = 40


@pytest.fixture(scope="module")
def followers(django_db_setup: None) -> Iterator[ChainNursery]:
    home = ChainNursery(DATABASE_URL=database_url(str(connection.settings_dict["NAME"])))
    yield home
    home.close()


class World:
    """A chain with its wallet, and followers that die one after another; money comes and goes."""

    def __init__(self, broom: Broom, home: ChainNursery, url: str, folder: Path) -> None:
        self.broom, self.home, self.url, self.folder = broom, home, url, folder
        self.depositor, self.address = broom.paid_in("20")[0]
        self.owner = settled_owner(funded_user("1000"))
        self.paid_in = usdc("20")
        self.asked: list[Withdrawal] = []
        self.lives = 0

    def live(self, die_at: str = "", **more: Any) -> str:
        """Let a follower work until it dies there, or has nothing left to do."""
        self.lives += 1
        life = Life(
            url=self.url, folder=str(self.folder), network=self.broom.network.pk,
            told=str(self.folder / "told"), die_at=die_at,
            shift_s=self.lives * AFTER_A_LEASE_S, **more,
        )  # fmt: skip
        return self.home.live(life)

    def business(self) -> None:
        """Pay in, in both tokens, and ask for a withdrawal."""
        chain, to = self.broom.chain, self.address.address
        chain.pay(to, usdc("6"))
        self.paid_in += usdc("6")
        chain.send(self.broom.bridged, call_data("mint(address,uint256)", to, usdc("7")))
        chain.mine()
        self.asked.append(withdraw(self.owner, self.broom.network, "1"))

    def dies(self, seam: str) -> bool:
        """Say whether a follower dies at a seam by what is open now."""
        if seam in REWIND:
            self.live(passes=1)
            self.broom.chain.reorg(2)  # the follower mined one after it had read
        return self.live(seam, passes=6) == seam

    def asks_again(self, seam: str) -> None:
        """Die within a request, then ask under the same key twice."""
        ask = [self.owner.pk, entry(self.owner).pk, "the-key-that-is-used-thrice"]
        assert self.live(seam, ask=ask) == seam
        assert not Withdrawal.objects.filter(key=ask[2]).exists()
        for _ in range(2):
            assert self.live(passes=1, ask=ask) == "done"
        self.asked.append(Withdrawal.objects.get(key=ask[2]))

    def judge(self) -> None:
        """Books, chain and wallet agree, and everything happened once."""
        chain, hot = self.broom.chain, HotWallet.objects.get()
        paid = {row.pk: chain.balance(row.address) for row in self.asked}
        assert paid == {row.pk: usdc("1") for row in self.asked}
        assert set(Withdrawal.objects.values_list("state", flat=True)) == {"final"}
        assert set(Hold.objects.values_list("state", flat=True)) == {"captured"}
        assert Account.objects.get(user=self.owner, kind="reserved").balance_micro == 0

        assert cash_of(self.depositor) == self.paid_in
        own = [row.ref for row in Deposit.objects.filter(token=chain.token)]
        booked = Transfer.objects.filter(kind="deposit", ref__in=own)
        assert sorted(booked.values_list("ref", flat=True)) == sorted(own)

        assert chain.balance(self.address.address) == 0
        assert set(Sweep.objects.values_list("state", flat=True)) == {"done"}
        assert chain.balance(self.broom.treasury) == self.paid_in
        told = Deposit.objects.filter(token=self.broom.bridged)
        assert chain.balance(self.broom.treasury, self.broom.bridged) == usdc("7") * len(told)

        nonces = NonceSlot.objects.filter(sender=hot.address).order_by("nonce")
        assert list(nonces.values_list("nonce", flat=True)) == list(range(hot.next_nonce))
        used = chain.node.number("eth_getTransactionCount", hot.address, "latest")
        assert used == hot.next_nonce
        assert reconcile.reconcile(self.broom.network, chain.node) == []
        reading = gas.read(self.broom.network, chain.node)
        assert reading is not None
        assert (int(reading.missing_wei), int(reading.refilled_wei)) == (0, 0)


@pytest.mark.parametrize("kind", ["embedded", *(["anvil"] if NIGHTLY else [])])
def test_killed_at_each_seam_its_successor_ends_everything_once(
    followers: ChainNursery, tmp_path: Path, kind: str
) -> None:
    with chain_of(kind) as chain, on_the_line(chain.node._transport) as url:
        bridged = chain.deploy("TestUSD")
        broom = Broom(chain, tmp_path, float_="100", bridged_token=bridged, finality_blocks=2)
        world = World(broom, followers, url, tmp_path)
        gas.read(broom.network, chain.node)
        world.business()
        for seam in ORDER:
            chain.mine()
            if seam in REQUEST:
                world.asks_again(seam)
            elif not world.dies(seam):
                world.business()
                assert world.dies(seam), seam
            assert audit.examine() == [], seam
        assert world.live(passes=60) == "done"
        chain.mine(5)
        assert world.live(passes=2) == "done"
        world.judge()
    assert not seams._hook
