"""Gas: in wei on each nonce, in the ledger once ether has a price, and against the chain."""

from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from chain.core import sweeping
from chain.models import GasReading, Network, NonceSlot
from chain.services import gas, metrics, reserves
from chain.services import staff as verbs
from exchange.errors import NotAllowed, Unprocessable
from exchange.models import Account, StaffAction, Transfer, User
from exchange.services import audit
from tests.chain.broom import Broom
from tests.chain.driver import Chain
from tests.chain.paying import withdraw
from tests.factories import usdc

pytestmark = pytest.mark.django_db


@pytest.fixture
def broom(chain: Chain, tmp_path: Path) -> Broom:
    return Broom(chain, tmp_path, float_="50")


def _ether(broom: Broom) -> int:
    return broom.chain.node.number("eth_getBalance", broom.hot, "latest")


def _read(broom: Broom) -> GasReading:
    broom.chain.mine(5)
    broom.read()
    found = gas.read(broom.network, broom.chain.node)
    assert found is not None
    return found


def test_every_wei_that_leaves_is_in_a_row(broom: Broom, alice: User) -> None:
    first = _read(broom)
    withdraw(alice, broom.network)
    broom.paid_in("10", "20")
    broom.finish()
    then = _read(broom)

    paid = sum(int(n) for n in NonceSlot.objects.values_list("gas_paid_wei", flat=True))
    assert int(first.opening_wei) - _ether(broom) == paid > 0
    assert (int(then.gas_wei), int(then.missing_wei), int(then.refilled_wei)) == (paid, 0, 0)
    assert gas.total_wei(broom.network) == paid
    withdraw(alice, broom.network)
    broom.finish()
    slots = NonceSlot.objects.values_list("gas_paid_wei", flat=True)
    assert gas.total_wei(broom.network) == sum(map(int, slots)) > paid


def test_gifts_of_gas_are_sent_on_and_not_spent(chain: Chain, tmp_path: Path) -> None:
    broom = Broom(chain, tmp_path, sweeper=False)
    opening = _read(broom).opening_wei
    ((_, row),) = broom.paid_in("10")
    broom.finish(20)
    then = _read(broom)

    gift = NonceSlot.objects.get(purpose="topup")
    assert int(then.sent_wei) == int(gift.value_wei) > 0
    assert opening == then.balance_wei + then.gas_wei + then.sent_wei
    own = NonceSlot.objects.get(sender=row.address)
    left = chain.node.number("eth_getBalance", row.address, "latest")
    assert left == int(gift.value_wei) - int(own.gas_paid_wei)


def test_a_refill_is_named_and_what_is_gone_without_a_row_sounds(broom: Broom) -> None:
    _read(broom)
    broom.chain.ether(broom.hot, 10**17)
    assert int(_read(broom).refilled_wei) == 10**17
    stolen = hex(_ether(broom) - 7)
    broom.chain.node.call("anvil_setBalance", [broom.hot, stolen], object)
    assert int(_read(broom).missing_wei) == 7

    registry = CollectorRegistry()
    registry.register(metrics.Chains())
    text = generate_latest(registry).decode()
    name = broom.network.name
    assert f'megatron_chain_gas_missing_wei{{network="{name}"}} 7.0' in text
    assert f'megatron_chain_sweeps_failed{{network="{name}"}} 0.0' in text
    # a refill is named whole, and does not hide what went before it
    broom.chain.ether(broom.hot, 10**16)
    then = _read(broom)
    assert (int(then.refilled_wei), int(then.missing_wei)) == (10**17 + 10**16, 7)


def test_with_a_price_each_settled_transaction_is_an_expense_once(
    broom: Broom, alice: User, staff: User
) -> None:
    before = _owed()
    _priced(broom, staff)
    withdraw(alice, broom.network)
    broom.paid_in("10")
    broom.finish()

    worth = sum(
        sweeping.price_micro(int(slot.gas_paid_wei), usdc("2500"))
        for slot in NonceSlot.objects.all()
    )
    spent = Account.objects.get(kind="gas_spent")
    assert spent.balance_micro == worth > 0
    assert Transfer.objects.filter(kind="gas").count() == NonceSlot.objects.count() == 2
    for slot in NonceSlot.objects.all():
        assert not gas.book(slot)
    # an expense is owed to nobody, and no play money
    assert "house gas_spent" not in _owed().by_kind
    assert _owed().play_micro == before.play_micro
    assert audit.examine() == []


def _owed() -> reserves.Owed:
    return reserves._owed()


def _priced(broom: Broom, who: User) -> None:
    verbs.ether_price_set(
        actor=who, network=broom.network, micro=usdc("2500"), reason="by the day's rate"
    )
    broom.network.refresh_from_db()


def test_staff_pause_sweeps_and_ask_for_one(broom: Broom, alice: User, staff: User) -> None:
    with pytest.raises(NotAllowed):
        verbs.sweeps_set(actor=alice, network=broom.network, on=False, reason="because")
    broom.network.sweep_every_s = 3_600
    broom.network.save()
    broom.round()
    broom.paid_in("10")
    broom.round()
    assert not broom.states
    verbs.sweep_now(actor=staff, network=broom.network, reason="the treasury is short")
    broom.round()
    assert broom.states == ["open"]
    verbs.sweeps_set(actor=staff, network=broom.network, on=False, reason="a key is suspected")

    assert not Network.objects.get().sweeps_on
    with pytest.raises(Unprocessable):
        verbs.sweep_now(actor=staff, network=Network.objects.get(), reason="once more")
    told = StaffAction.objects.order_by("pk").values_list("verb", flat=True)
    assert list(told) == ["network.sweep_asked", "network.sweeps_paused"]
