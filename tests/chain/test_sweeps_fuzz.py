"""Sweeping under six workers that die anywhere: each address is emptied exactly once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.clients.rpc import Node
from chain.core import sweeping
from chain.models import (
    Attempt,
    DepositAddress,
    HotWallet,
    Network,
    NonceSlot,
    ScanState,
    Sweep,
)
from chain.services import gas, pump, reconcile, reserves, sweeps
from exchange.models import Entry
from tests.chain import seam_names
from tests.chain.broom import Broom
from tests.chain.driver import Embedded
from tests.chain.trouble import SEED, Trouble, impatient
from tests.factories import usdc

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # a wave of signatures is small, so that there are many moments to die in
    monkeypatch.setattr(sweeping, "LEGS_MOST", 3)
    with impatient(monkeypatch):
        yield


@pytest.mark.usefixtures("_impatient")
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("sweeper", "count"), [(True, 24), (False, 8)])
def test_each_address_is_emptied_once(tmp_path: Path, sweeper: bool, count: int) -> None:
    broom = Broom(Embedded(), tmp_path, sweeper=sweeper, float_="130", stuck_after_s=0)
    amounts = [f"{10 + n}.{n:06d}" for n in range(count)]
    people = broom.paid_in(*amounts)
    held, entries = _held(broom), Entry.objects.count()
    gas.read(broom.network, broom.chain.node)

    def one_pass(network: Network, nodes: list[Node]) -> None:
        sweeps.sweeps_advance(network=network, nodes=nodes, signer=broom.signer)
        pump.pump(network=network, nodes=nodes, signer=broom.signer)

    def is_open() -> bool:
        with trouble.one:
            left = sum(broom.chain.balance(row.address) for _, row in people)
        running = NonceSlot.objects.filter(settled_at=None).exists()
        return bool(left or running or Sweep.objects.filter(ended_at=None).exists())

    trouble = Trouble(broom, SEED, one_pass, is_open)
    trouble.run()

    own = seam_names.BATCH if sweeper else seam_names.CLASSIC
    assert trouble.seams >= {*seam_names.PUMP, *own}
    replaced = Attempt.objects.count() - NonceSlot.objects.count()
    assert min(trouble.kills, trouble.wipes, replaced) > 0
    assert broom.chain.balance(broom.treasury) == sum(map(usdc, amounts)) + usdc("30")
    _judge(broom, [row for _, row in people], held, entries)


def _judge(broom: Broom, rows: list[DepositAddress], held: int, entries: int) -> None:
    done = Sweep.objects.filter(state="done")
    assert sorted(done.values_list("address", flat=True)) == sorted(row.pk for row in rows)
    own = NonceSlot.objects.filter(sender=broom.hot).order_by("nonce")
    assert list(own.values_list("nonce", flat=True)) == list(range(own.count()))
    assert HotWallet.objects.get().next_nonce == own.count()
    broom.chain.mine(5)
    broom.read()
    # nothing was credited, nothing is owed or held that was not before, and every wei is told
    assert (_held(broom), Entry.objects.count()) == (held, entries)
    assert reconcile.reconcile(broom.network, broom.chain.node) == []
    reading = gas.read(broom.network, broom.chain.node)
    assert reading is not None
    assert (int(reading.missing_wei), int(reading.refilled_wei)) == (0, 0)


def _held(broom: Broom) -> int:
    state = ScanState.objects.get(network=broom.network)
    return int(reserves._holding(broom.network, broom.chain.node, state)["held_micro"])
