import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from chain.devnet import genesis
from tests.chain.conformance_bench import AT, TRANSFER, USD, Bench, Refusal, encoded, topic
from tests.chain.conformance_fixtures import node_of_each_kind
from tests.chain.conformance_signatures import (
    authorised,
    cancelled,
    permitted,
    swept,
    swept_by_permit,
)

node = node_of_each_kind
ZERO = "0x" + "00" * 20
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
PAYOUT_GAS_MAX, SWEEP_GAS_MAX = 31_000, 38_000
TREASURY = genesis.account(genesis.TREASURY).address


@pytest.fixture
def alice(node: Bench) -> LocalAccount:
    """Return a holder of ten dollars."""
    return node.fresh(usd=10 * USD)


@pytest.fixture
def bob(node: Bench) -> LocalAccount:
    """Return somebody with gas and no dollars."""
    return node.fresh()


@pytest.fixture
def refuses(node: Bench) -> Callable[..., None]:
    """Assert that a call of the token says why it refuses, and that it does so when mined."""

    def refuse(words: str, key: LocalAccount, name: str, *arguments: Any) -> None:
        wanted = {
            "from": key.address,
            "to": AT.token,
            "data": encoded("TestUSD", name, *arguments),
        }
        with pytest.raises(Refusal) as refusal:
            node.ask("eth_call", wanted, "latest")
        assert words in refusal.value.words
        assert refusal.value.code == 3
        assert node.do(key, AT.token, "TestUSD", name, *arguments)["status"] == "0x0"

    return refuse


def _token(node: Bench, key: LocalAccount, name: str, *arguments: Any) -> dict[str, Any]:
    receipt = node.do(key, AT.token, "TestUSD", name, *arguments)
    assert receipt["status"] == "0x1", name
    return receipt


def test_the_token_introduces_itself(node: Bench) -> None:
    assert node.view("TestUSD", "decimals") == 6
    assert node.view("TestUSD", "name") == "Test USD"
    assert node.view("TestUSD", "version") == "2"
    assert node.view("TestUSD", "totalSupply") >= genesis.FAUCET_MICRO


def test_transfers_and_allowances(
    node: Bench, alice: LocalAccount, bob: LocalAccount, refuses: Callable[..., None]
) -> None:
    _token(node, alice, "approve", bob.address, 3 * USD)
    _token(node, bob, "transferFrom", alice.address, bob.address, 2 * USD)

    assert (node.usd(alice.address), node.usd(bob.address)) == (8 * USD, 2 * USD)
    assert node.view("TestUSD", "allowance", alice.address, bob.address) == USD
    refuses("exceeds allowance", bob, "transferFrom", alice.address, bob.address, 2 * USD)
    refuses("exceeds balance", bob, "transfer", alice.address, 2 * USD + 1)
    refuses("zero address", bob, "transfer", ZERO, 1)


def test_paying_oneself_changes_nothing(node: Bench, alice: LocalAccount) -> None:
    _token(node, alice, "transfer", alice.address, 10 * USD)

    assert node.usd(alice.address) == 10 * USD


def test_only_the_owner_issues(
    node: Bench, alice: LocalAccount, refuses: Callable[..., None]
) -> None:
    for name, arguments in (
        ("mint", (alice.address, 1)),
        ("pause", ()),
        ("unpause", ()),
        ("blacklist", (AT.sweeper,)),
        ("unBlacklist", (AT.sweeper,)),
        ("burn", (1,)),
        ("transferOwnership", (alice.address,)),
    ):
        refuses("caller is not the owner", alice, name, *arguments)
    supply = node.view("TestUSD", "totalSupply")
    node.own("mint", alice.address, 5)
    assert node.view("TestUSD", "totalSupply") == supply + 5


@pytest.fixture
def _paused(node: Bench, alice: LocalAccount) -> Iterator[None]:
    # Alice has to get her dollars first.
    node.own("pause")
    yield
    node.own("unpause")


@pytest.mark.usefixtures("_paused")
def test_a_pause_stops_every_way_of_moving(
    alice: LocalAccount, bob: LocalAccount, node: Bench, refuses: Callable[..., None]
) -> None:
    refuses("paused", alice, "transfer", bob.address, 1)
    refuses("paused", alice, "approve", bob.address, 1)
    refuses("paused", bob, "permit", *permitted(alice, bob.address, 1))
    refuses("paused", bob, "transferWithAuthorization", *authorised(alice, bob.address, 1))
    refuses("paused", alice, "cancelAuthorization", *cancelled(alice, bytes(32)))
    refuses("paused", genesis.account(genesis.OWNER), "mint", bob.address, 1)


def test_the_denied_neither_pay_nor_are_paid(
    node: Bench, alice: LocalAccount, bob: LocalAccount, refuses: Callable[..., None]
) -> None:
    node.own("blacklist", bob.address)
    assert node.view("TestUSD", "isBlacklisted", bob.address) is True

    refuses("blacklisted", alice, "transfer", bob.address, 1)
    refuses("blacklisted", bob, "transfer", alice.address, 0)
    refuses("blacklisted", bob, "approve", alice.address, 1)
    refuses("blacklisted", alice, "approve", bob.address, 1)
    refuses("blacklisted", alice, "transferWithAuthorization", *authorised(alice, bob.address, 1))
    refuses("blacklisted", alice, "permit", *permitted(bob, alice.address, 1))
    refuses("blacklisted", genesis.account(genesis.OWNER), "mint", bob.address, 1)

    node.own("unBlacklist", bob.address)
    _token(node, alice, "transfer", bob.address, USD)
    assert node.usd(bob.address) == USD


def test_denial_leaves_the_balance_alone(node: Bench, alice: LocalAccount) -> None:
    node.own("blacklist", alice.address)
    assert node.usd(alice.address) == 10 * USD
    node.own("unBlacklist", alice.address)
    assert node.usd(alice.address) == 10 * USD


def test_a_permit_allows_once(
    node: Bench, alice: LocalAccount, bob: LocalAccount, refuses: Callable[..., None]
) -> None:
    words = permitted(alice, bob.address, 4 * USD)

    _token(node, bob, "permit", *words)

    assert node.view("TestUSD", "allowance", alice.address, bob.address) == 4 * USD
    assert node.view("TestUSD", "nonces", alice.address) == 1
    refuses("invalid signature", bob, "permit", *words)
    expired = permitted(alice, bob.address, 1, nonce=1, deadline=1)
    refuses("permit is expired", bob, "permit", *expired)
    forged = permitted(bob, alice.address, 1)
    refuses("invalid signature", bob, "permit", alice.address, bob.address, *forged[2:])


def test_an_authorisation_moves_once(
    node: Bench, alice: LocalAccount, bob: LocalAccount, refuses: Callable[..., None]
) -> None:
    words = authorised(alice, bob.address, 4 * USD, nonce=b"\x01" * 32)

    receipt = _token(node, bob, "transferWithAuthorization", *words)

    assert node.usd(bob.address) == 4 * USD
    assert receipt["logs"][-1]["topics"] == [TRANSFER, topic(alice.address), topic(bob.address)]
    assert node.view("TestUSD", "authorizationState", alice.address, b"\x01" * 32) is True
    refuses("used or canceled", bob, "transferWithAuthorization", *words)
    late = authorised(alice, bob.address, 1, before=1)
    refuses("is expired", bob, "transferWithAuthorization", *late)
    early = authorised(alice, bob.address, 1, after=2**40)
    refuses("not yet valid", bob, "transferWithAuthorization", *early)
    changed = (*words[:2], 5 * USD, 0, *words[4:5], b"\x02" * 32, *words[6:])
    refuses("invalid signature", bob, "transferWithAuthorization", *changed)


def test_the_mirror_of_a_signature_is_none(
    alice: LocalAccount, bob: LocalAccount, refuses: Callable[..., None]
) -> None:
    *words, v, r, s = authorised(alice, bob.address, USD)
    mirrored = (55 - v, r, (ORDER - int.from_bytes(s)).to_bytes(32))

    refuses("'s' value", bob, "transferWithAuthorization", *words, *mirrored)


def test_only_the_payee_receives(
    node: Bench, alice: LocalAccount, bob: LocalAccount, refuses: Callable[..., None]
) -> None:
    words = authorised(alice, bob.address, USD, kind="ReceiveWithAuthorization")

    refuses("caller must be the payee", alice, "receiveWithAuthorization", *words)
    refuses("invalid signature", bob, "transferWithAuthorization", *words)
    _token(node, bob, "receiveWithAuthorization", *words)

    assert node.usd(bob.address) == USD


def test_a_cancelled_authorisation_is_dead(
    node: Bench, alice: LocalAccount, bob: LocalAccount, refuses: Callable[..., None]
) -> None:
    nonce = b"\x09" * 32
    _token(node, bob, "cancelAuthorization", *cancelled(alice, nonce))

    words = authorised(alice, bob.address, 1, nonce=nonce)
    refuses("used or canceled", bob, "transferWithAuthorization", *words)


@pytest.mark.parametrize("name", ["disperseToken", "disperseTokenSimple"])
def test_a_batch_pays_all_or_none(node: Bench, alice: LocalAccount, name: str) -> None:
    payees = [node.fresh(ether=0).address for _ in range(3)]
    _token(node, alice, "approve", AT.disperse, 2**256 - 1)

    def pay(*amounts: int) -> dict[str, Any]:
        return node.do(alice, AT.disperse, "Disperse", name, AT.token, payees, list(amounts))

    assert pay(USD, 2 * USD, 8 * USD)["status"] == "0x0"
    assert pay(USD, 2 * USD)["status"] == "0x0"
    assert [node.usd(payee) for payee in payees] == [0, 0, 0]

    receipt = pay(USD, 2 * USD, 3 * USD)

    payer = AT.disperse if name == "disperseToken" else alice.address
    assert [node.usd(payee) for payee in payees] == [USD, 2 * USD, 3 * USD]
    assert {log["topics"][1] for log in receipt["logs"][-3:]} == {topic(payer)}
    assert (node.usd(alice.address), node.usd(AT.disperse)) == (4 * USD, 0)


def test_a_denied_payee_stops_the_batch(node: Bench, alice: LocalAccount) -> None:
    payees = [node.fresh(ether=0).address for _ in range(2)]
    node.own("blacklist", payees[1])
    _token(node, alice, "approve", AT.disperse, 2 * USD)

    receipt = node.do(alice, AT.disperse, "Disperse", "disperseToken", AT.token, payees, [USD, USD])

    assert receipt["status"] == "0x0"
    assert node.usd(payees[0]) == 0


def test_a_bad_leg_does_not_stop_the_sweep(node: Bench, bob: LocalAccount) -> None:
    keys = [node.fresh(ether=0, usd=5 * USD) for _ in range(6)]
    denied, poor, forged, used = keys[1], keys[2], keys[3], keys[4]
    node.own("blacklist", denied.address)
    legs = [swept(key, 5 * USD) for key in keys]
    legs[2] = swept(poor, 5 * USD + 1)
    legs[3] = (forged.address, *swept(keys[0], 5 * USD)[1:])
    _token(node, bob, "cancelAuthorization", *cancelled(used, bytes(32)))
    before = node.usd(TREASURY)

    receipt = node.do(bob, AT.sweeper, "Sweeper", "sweep", legs, gas=2_000_000)

    failed = [log["topics"][1] for log in receipt["logs"] if len(log["topics"]) == 2]
    assert receipt["status"] == "0x1"
    assert failed == [topic(key.address) for key in (denied, poor, forged, used)]
    assert node.usd(TREASURY) == before + 10 * USD
    assert node.usd(poor.address) == 5 * USD


def test_a_sweep_by_permit_survives_a_bad_leg(node: Bench, bob: LocalAccount) -> None:
    keys = [node.fresh(ether=0, usd=5 * USD) for _ in range(3)]
    played = permitted(keys[2], AT.sweeper, 5 * USD)
    # A stranger plays the last permit first; the sweep goes through all the same.
    _token(node, bob, "permit", *played)
    legs = [swept_by_permit(key, 5 * USD) for key in keys]
    legs[1] = (keys[1].address, *legs[0][1:])
    before = node.usd(TREASURY)

    receipt = node.do(bob, AT.sweeper, "Sweeper", "sweepByPermit", legs)

    failed = [log["topics"][1] for log in receipt["logs"] if len(log["topics"]) == 2]
    assert failed == [topic(keys[1].address)]
    assert node.usd(TREASURY) == before + 10 * USD


def test_batches_are_as_cheap_as_promised(
    node: Bench, bob: LocalAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    payer, count = node.fresh(usd=1_000 * USD), 100
    _token(node, payer, "approve", AT.disperse, 2**256 - 1)
    keys = [node.fresh(ether=0) for _ in range(count)]
    payees, amounts = [key.address for key in keys], [5 * USD] * count

    paid = node.do(
        payer,
        AT.disperse,
        "Disperse",
        "disperseTokenSimple",
        AT.token,
        payees,
        amounts,
        gas=9_000_000,
    )
    legs = [swept(key, 5 * USD) for key in keys]
    moved = node.do(bob, AT.sweeper, "Sweeper", "sweep", legs, gas=9_000_000)

    payout, sweep = (int(receipt["gasUsed"], 16) // count for receipt in (paid, moved))
    with capsys.disabled():
        line = f"{node.kind}: payout {payout:,} gas a recipient, sweep {sweep:,} an address"
        sys.stdout.write(f"\n{line}, {count} in a batch\n")
    assert node.usd(payees[-1]) == 0
    assert payout <= PAYOUT_GAS_MAX
    assert sweep <= SWEEP_GAS_MAX


def test_addresses_in_capitals_or_not_are_the_same(node: Bench, alice: LocalAccount) -> None:
    lower = alice.address.lower()

    assert to_checksum_address(lower) == alice.address
    assert node.balance(lower) == node.balance(alice.address) > 0
