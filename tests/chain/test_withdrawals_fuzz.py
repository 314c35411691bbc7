"""Six workers, kills at each seam, a wiped pool, fees too low: each is paid exactly once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.clients.rpc import Node
from chain.core.withdrawal import State
from chain.models import Attempt, Network, NonceSlot, Withdrawal
from chain.services import payouts, pump, withdrawals
from exchange.models import Account, Hold
from tests.chain import seam_names
from tests.chain.driver import Embedded
from tests.chain.paying import Till, withdraw
from tests.chain.trouble import SEED, Trouble, impatient
from tests.factories import funded_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault]


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with impatient(monkeypatch):
        yield


def _run(folder: Path, count: int, seed: int) -> None:
    till = Till(Embedded(), folder, disperse=True, stuck_after_s=0, withdrawal_fee_micro=0)
    payouts.disperse_allow(network=till.network, node=till.chain.node, signer=till.signer)
    till.finish(3)
    # a book holds fifty addresses, and each payment here goes to one of its own
    people = [funded_user("100000") for _ in range(-(-count // 40))]
    rows = [
        withdraw(people[i % len(people)], till.network, f"{1 + i % 7}.{i:06d}")
        for i in range(count)
    ]
    before = till.chain.balance(till.hot)

    def one_pass(network: Network, nodes: list[Node]) -> None:
        withdrawals.windows_close(network, limit=10)
        payouts.sign_due(network=network, nodes=nodes, signer=till.signer)
        pump.pump(network=network, nodes=nodes, signer=till.signer)

    open_ = Withdrawal.objects.filter(ended_at=None)
    trouble = Trouble(till, seed, one_pass, lambda: open_.all().exists())
    trouble.run()

    _judge(till, rows, before, seed)
    assert trouble.seams >= {*seam_names.PAYOUT, *seam_names.PUMP}
    assert (
        min(trouble.kills, trouble.wipes, Attempt.objects.count() - NonceSlot.objects.count()) > 0
    )


def _judge(till: Till, rows: list[Withdrawal], before: int, seed: int) -> None:
    paid = {row.pk: till.chain.balance(row.address) for row in rows}
    assert paid == {row.pk: row.amount_micro for row in rows}, f"SEED={seed}"
    assert set(Withdrawal.objects.values_list("state", flat=True)) == {State.FINAL.value}
    assert before - till.chain.balance(till.hot) == sum(paid.values())
    assert set(Hold.objects.values_list("state", flat=True)) == {"captured"}
    assert not Account.objects.filter(kind="reserved").exclude(balance_micro=0).exists()
    nonces = list(NonceSlot.objects.order_by("nonce").values_list("nonce", flat=True))
    assert nonces == list(range(len(nonces)))


@pytest.mark.usefixtures("_impatient")
@pytest.mark.timeout(600)
def test_each_of_three_hundred_is_paid_exactly_once(tmp_path: Path) -> None:
    _run(tmp_path, 300, SEED)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_each_of_a_thousand_is_paid_exactly_once(tmp_path: Path) -> None:
    _run(tmp_path, 1_000, SEED + 2)
