"""Sweeping to the treasury: only final money, every leg by itself, and nobody's balance moves."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from django.db.models import Sum

from chain.clients import endpoints
from chain.clients import signer as signers
from chain.clients.rpc import Node
from chain.clients.signer import Authorized
from chain.core import sweeping
from chain.errors import SignerRefused
from chain.management.commands.signer import make_embedded
from chain.models import Deposit, HotWallet, KeyAccount, NonceSlot, ScanState, Sweep
from chain.services import calls, embedded_setup, follow, payouts, reconcile, reserves, sweeps
from chain.signer.backends import LocalKeystore
from chain.signer.desk import Desk
from chain.signer.journal import Journal
from chain.signer.policy import Policy
from exchange import clock
from exchange.errors import Malformed
from exchange.models import Entry, User
from tests.chain.broom import Broom, deploy_sweeper
from tests.chain.driver import Chain, call_data
from tests.chain.paying import entry, stranger
from tests.chain.purses import InsideSigner
from tests.chain.stage import cash_of, depositor
from tests.factories import usdc

pytestmark = pytest.mark.django_db
State = Sweep.State


@pytest.fixture
def broom(chain: Chain, tmp_path: Path) -> Broom:
    return Broom(chain, tmp_path)


def _held(broom: Broom) -> int:
    """Return what a proof of reserves counts on this chain."""
    state = ScanState.objects.get(network=broom.network)
    return int(reserves._holding(broom.network, broom.chain.node, state)["held_micro"])


def test_many_addresses_are_emptied_by_one_transaction(broom: Broom) -> None:
    people = broom.paid_in("10", "20", "30")
    entries, held = Entry.objects.count(), _held(broom)
    broom.finish()

    assert broom.states == ["done"] * 3
    assert broom.chain.balance(broom.treasury) == usdc("60")
    assert {broom.chain.balance(row.address) for _, row in people} == {0}
    assert NonceSlot.objects.get().purpose == "sweep"
    # our own money went from one pocket to another: nobody's balance, no deposit, no reserve
    assert [cash_of(user) for user, _ in people] == [usdc("10"), usdc("20"), usdc("30")]
    assert (Entry.objects.count(), _held(broom)) == (entries, held)
    assert Deposit.objects.count() == 3
    assert reconcile.reconcile(broom.network, broom.chain.node) == []


@pytest.mark.parametrize("chain", ["embedded"], indirect=True)
def test_the_demonstration_sweeps_by_the_policy_that_it_makes(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_embedded(tmp_path)
    key = LocalKeystore(tmp_path / "keystore.json", (tmp_path / "password").read_bytes())
    policy, log = Policy.read(tmp_path / "policy.json"), Journal(tmp_path / "signed.log").open()
    signer = InsideSigner(Desk(key, policy, log, key.xpub))
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: [chain.node])
    monkeypatch.setattr(signers, "configured", lambda: signer)
    network = embedded_setup.prepare(chain.node, signer)
    network.finality_blocks, network.sweep_every_s, network.start_block = 3, 0, chain.height
    network.save()
    _, row = depositor()
    chain.pay(row.address, usdc("100"))
    treasury = HotWallet.objects.get().treasury
    before, follower = chain.balance(treasury), follow.Follower()
    for _ in range(9):
        chain.mine(2)
        follower.advance(network)

    assert (chain.balance(row.address), Sweep.objects.get().state) == (0, "done")
    assert chain.balance(treasury) == before + usdc("100")


def test_only_what_is_final_and_worth_it_is_moved(broom: Broom) -> None:
    broom.paid_in("4.999999")
    _, late = depositor()
    broom.chain.pay(late.address, usdc("50"))
    broom.chain.mine()
    broom.read()
    broom.round()
    assert not broom.states

    broom.chain.mine(4)
    broom.read()
    broom.finish()
    assert broom.chain.balance(broom.treasury) == usdc("50")


def test_a_price_of_ether_makes_small_sums_not_worth_their_gas(broom: Broom) -> None:
    broom.network.ether_micro = usdc("100000")
    broom.network.save()
    broom.paid_in("6", "1000000")
    broom.chain.node.call("anvil_setNextBlockBaseFeePerGas", [hex(10**9)], object)
    broom.chain.mine()
    broom.finish()

    assert list(Sweep.objects.values_list("amount_micro", flat=True)) == [usdc("1000000")]


def test_a_bad_leg_stops_no_other_and_is_tried_again_later(
    broom: Broom, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = broom.paid_in("10", "20", "30")
    denied = people[1][1].address
    # denied after it was looked up: the leg fails on the chain itself
    monkeypatch.setattr(calls, "denied", lambda *_: set())
    broom.chain.send(broom.chain.token, call_data("blacklist(address)", denied))
    broom.finish(6)
    assert sorted(broom.states) == ["done", "done", "open"]
    # as long as anybody may still play the authorisation it is not given up
    broom.later(sweeps.VALID_S)
    broom.round()
    assert sorted(broom.states) == ["done", "done", "failed"]
    broom.chain.send(broom.chain.token, call_data("unBlacklist(address)", denied))
    broom.finish(3)
    assert len(broom.states) == 3

    with clock.shifted(3_601):
        broom.finish(6)
    assert sorted(broom.states) == ["done", "done", "done", "failed"]
    assert broom.chain.balance(broom.treasury) == usdc("60")


def test_the_denied_and_the_paused_are_seen_before_anything_is_signed(broom: Broom) -> None:
    (_, row), _ = broom.paid_in("10", "20")
    broom.chain.send(broom.chain.token, call_data("blacklist(address)", row.address))
    broom.chain.send(broom.chain.token, call_data("pause()"))
    broom.chain.mine()
    broom.round()
    assert "paused" in HotWallet.objects.get().sweep_reason
    broom.chain.send(broom.chain.token, call_data("unpause()"))
    broom.chain.mine()
    broom.finish(6)

    assert broom.chain.balance(broom.treasury) == usdc("20")
    assert HotWallet.objects.get().sweep_reason == ""


def test_a_stranger_who_plays_an_authorisation_first_only_pays_for_it(broom: Broom) -> None:
    broom.paid_in("10")
    broom.round()
    slot = NonceSlot.objects.get()
    broom.chain.node.call("anvil_dropAllTransactions", [], object)
    broom.chain.send(broom.sweeper, "0x" + bytes(slot.data).hex(), gas=400_000)
    broom.chain.mine()
    broom.finish()

    assert broom.states == ["done"]
    assert broom.chain.balance(broom.treasury) == usdc("10")


def test_an_authorisation_moves_once(broom: Broom) -> None:
    ((_, row),) = broom.paid_in("10")
    broom.finish(6)
    broom.chain.pay(row.address, usdc("10"))
    broom.chain.mine()
    replayed = broom.chain.send(
        broom.sweeper, "0x" + bytes(NonceSlot.objects.get().data).hex(), gas=400_000
    )
    broom.chain.mine()

    receipt = broom.chain.receipt(replayed)
    assert receipt is not None
    assert len(receipt.logs) == 1  # the Sweeper names the leg that failed, and nothing moved
    assert broom.chain.balance(row.address) == usdc("10")


def _authorize(broom: Broom, **changes: object) -> Authorized:
    fields = {
        "chain_id": broom.chain.chain_id, "index": 0, "to": broom.treasury, "amount_micro": 5,
        "valid_before_s": 2**40, "nonce": "0x" + "07" * 32,
    }  # fmt: skip
    return broom.signer.authorize(**{**fields, **changes})


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("treasury", {"to": stranger()}),
        ("chain", {"chain_id": 1}),
        ("form", {"index": -1}),
        ("form", {"index": None}),
        ("form", {"nonce": "0x07"}),
        ("form", {"amount_micro": 0}),
        ("day_limit", {"amount_micro": 10**12 + 1}),
    ],
)
def test_the_signer_authorises_the_treasury_alone(
    broom: Broom, rule: str, change: dict[str, object]
) -> None:
    depositor()
    assert _authorize(broom).v in {27, 28}
    with pytest.raises(SignerRefused) as refusal:
        _authorize(broom, **change)
    assert refusal.value.rule == rule


def _transaction(broom: Broom, sender: str, to: str, data: bytes, **more: object) -> object:
    return broom.signer.sign(
        chain_id=broom.chain.chain_id, nonce=0, to=to, data=data.hex(), gas=100_000,
        max_fee_wei=10**9, tip_wei=1, index=0, sender=sender, **more,
    )  # fmt: skip


def test_a_deposit_address_signs_transfers_to_the_treasury_alone(broom: Broom) -> None:
    _, row = depositor()
    to_us, token = calls.transfer(broom.treasury, 5), broom.chain.token
    elsewhere = calls.transfer(stranger(), 5)
    for rule, sender, to, data, more in (
        ("treasury", row.address, token, elsewhere, {}),
        ("call", row.address, stranger(), to_us, {}),
        ("call", row.address, token, calls.data_of("approve(address,uint256)", row.address, 1), {}),
        ("value", row.address, row.address, b"", {"value": 1}),
        ("key", stranger(), token, to_us, {}),
        ("gas_gift", broom.hot, row.address, b"", {"value": 10**18}),
        ("value", broom.hot, stranger(), b"", {"value": 1}),
    ):
        with pytest.raises(SignerRefused) as refusal:
            _transaction(broom, sender, to, data, **more)
        assert refusal.value.rule == rule
    _transaction(broom, row.address, token, to_us)
    _transaction(broom, broom.hot, row.address, b"", value=10**15)


def test_what_the_wallet_has_too_much_goes_to_the_treasury_once(
    chain: Chain, tmp_path: Path
) -> None:
    broom = Broom(chain, tmp_path, float_="130")
    chain.mine(4)
    broom.read()
    held = _held(broom)
    broom.finish()

    assert NonceSlot.objects.get().purpose == "excess"
    assert chain.balance(broom.hot) == HotWallet.objects.get().float_cap_micro
    assert (chain.balance(broom.treasury), _held(broom)) == (usdc("30"), held)
    assert not Deposit.objects.exists()


@pytest.mark.parametrize("foreign", [False, True])
def test_a_token_without_authorisations_is_moved_by_the_address_itself(
    chain: Chain, tmp_path: Path, foreign: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, whole = set(), calls.denied

    def noted(node: Node, token: str, holders: Sequence[str]) -> set[str]:
        asked.add(token)
        return whole(node, token, holders)

    monkeypatch.setattr(calls, "denied", noted)
    token = chain.deploy("TestUSD") if foreign else chain.token
    chain.send(token, call_data("mint(address,uint256)", chain.bank.address, usdc("100")))
    chain.mine()
    broom = Broom(chain, tmp_path, sweeper=foreign, bridged_token=token if foreign else "")
    (user, row), _ = broom.paid_in("40", "4", token=token)
    broom.finish(20)

    assert broom.states == ["done"]
    assert [chain.balance(a, token) for a in (broom.treasury, row.address)] == [usdc("40"), 0]
    assert cash_of(user) == (0 if foreign else usdc("40"))
    purposes = NonceSlot.objects.order_by("pk").values_list("purpose", "sender", "nonce")
    assert list(purposes) == [("topup", broom.hot, 0), ("sweep", row.address, 0)]
    again = broom.chain.pay(row.address, usdc("7"), token)
    assert again
    broom.chain.mine(4)
    broom.read()
    broom.finish(20)
    # a foreign token may have no list of the denied, and is not asked for it
    assert asked == {chain.token}
    # the gas that was left over was enough for another one, or was filled up
    assert chain.balance(broom.treasury, token) == usdc("47")
    assert NonceSlot.objects.filter(sender=row.address).count() == 2


def test_nobody_is_paid_at_the_treasury(broom: Broom, alice: User) -> None:
    with pytest.raises(Malformed) as refusal:
        entry(alice, broom.treasury)
    assert refusal.value.fields["fault"] == "ours"


def _off(broom: Broom) -> None:
    broom.network.sweeps_on = False
    broom.network.save()


def _other_treasury(broom: Broom) -> None:
    broom.network.sweeper = deploy_sweeper(broom.chain, stranger())
    broom.network.save()
    broom.chain.mine(4)
    broom.read()


def _no_sweeper(broom: Broom) -> None:
    broom.network.sweeper = stranger()
    broom.network.save()


def _newer_token(broom: Broom) -> None:
    broom.network.token = broom.chain.deploy("TestUSD")
    broom.network.save()


def _own_treasury(broom: Broom) -> None:
    HotWallet.objects.update(treasury=depositor()[1].address)


def _no_gas(broom: Broom) -> None:
    broom.chain.node.call("anvil_setBalance", [broom.hot, "0x1"], object)


def _other_keys(broom: Broom) -> None:
    KeyAccount.objects.update(xpub="xpub-of-another-seed")


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (_off, ""),
        (_other_treasury, "pays another treasury"),
        (_no_sweeper, "no Sweeper"),
        (_newer_token, "newer than"),
        (_own_treasury, "our own working addresses"),
        (_no_gas, "too little ether"),
        (_other_keys, ""),
    ],
)
def test_nothing_is_signed_where_something_is_wrong(
    broom: Broom, trouble: Callable[[Broom], None], words: str
) -> None:
    broom.paid_in("10")
    trouble(broom)
    broom.round()

    assert not NonceSlot.objects.exists()
    assert words in HotWallet.objects.get().sweep_reason
    assert broom.chain.balance(broom.treasury) == 0


def test_the_time_between_two_looks_is_kept(broom: Broom) -> None:
    broom.network.sweep_every_s = 600
    broom.network.save()
    broom.round()
    broom.paid_in("10")
    broom.round()
    assert not broom.states
    with clock.shifted(601):
        broom.chain.send(broom.chain.token, call_data("pause()"))
        broom.chain.mine()
        broom.round()
        broom.chain.send(broom.chain.token, call_data("unpause()"))
        broom.chain.mine()
        broom.round()
    assert not broom.states
    # what was in the way may be gone a minute later
    with clock.shifted(662):
        broom.round()
    assert broom.states == ["open"]


def _ether_for(broom: Broom, gas: int) -> int:
    """Leave the paying wallet so much gas for sweeping, by today's fees; return what it has."""
    wei = sweeping.SHARE * gas * payouts.fees_now(broom.network, broom.chain.node).max_fee * 6 // 5
    broom.chain.node.call("anvil_setBalance", [broom.hot, hex(wei)], object)
    return wei


def _offered() -> int:
    """Return the most that the nonces of the paying wallet may cost it."""
    slots = NonceSlot.objects.prefetch_related("attempts")
    return sum(s.gas * s.attempts.all()[0].max_fee_wei + int(s.value_wei) for s in slots)


@pytest.mark.parametrize("by_batches", [False, True])
def test_half_of_the_ether_stays_for_payments_however_many_wait(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_batches: bool
) -> None:
    monkeypatch.setattr(sweeping, "LEGS_MOST", 2)
    broom = Broom(chain, tmp_path, sweeper=by_batches)
    broom.paid_in(*["10"] * (6 if by_batches else 2))
    one = sweeping.GAS_SWEEP + 2 * sweeping.GAS_LEG
    held = _ether_for(broom, one if by_batches else 3 * sweeping.GAS_TRANSFER)
    broom.round()
    broom.round()

    assert 0 < _offered() <= held // sweeping.SHARE
    broom.chain.ether(broom.hot, 10**18)
    broom.finish(20)
    assert set(broom.states) == {"done"}


def test_a_nonce_taken_back_leaves_the_money_where_it_is(broom: Broom) -> None:
    broom.paid_in("10")
    broom.round()
    NonceSlot.objects.update(cancel_asked_at=clock.now())
    broom.chain.node.call("anvil_dropAllTransactions", [], object)
    broom.round()
    broom.finish(5)
    assert NonceSlot.objects.get().state == "void"
    assert broom.states == ["open"]
    broom.later(sweeps.VALID_S)
    broom.round()

    assert broom.states == ["failed"]
    assert Sweep.objects.aggregate(total=Sum("amount_micro"))["total"] == usdc("10")
