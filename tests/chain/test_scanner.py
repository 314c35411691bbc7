"""The scan of one chain: what is credited, when, and what a reorg takes back."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.utils import ProgrammingError

from chain.clients.rpc import Header, Log, Node
from chain.errors import NodeFault, NodeRefused
from chain.models import Deposit, ScanState
from chain.services import scanner
from chain.services.seams import install
from exchange import clock
from exchange.errors import Unprocessable
from exchange.models import Transfer
from exchange.services import ledger
from tests.chain.driver import Chain, call_data
from tests.chain.stage import cash_of, depositor, network_of, scan, scan_all

pytestmark = pytest.mark.django_db
State = Deposit.State
LAG = 2


def _state() -> ScanState:
    return ScanState.objects.get()


def test_seen_at_once_and_credited_when_final(chain: Chain) -> None:
    user, address = depositor()
    network = network_of(chain)
    chain.pay(address.address, 2_500_000)
    chain.mine()

    scan(network, chain.node)
    seen = Deposit.objects.get()
    assert (seen.state, seen.amount_micro, cash_of(user)) == (State.SEEN, 2_500_000, 0)
    chain.mine()
    scan(network, chain.node)
    assert cash_of(user) == 0
    chain.mine()
    scan(network, chain.node)

    row = Deposit.objects.get()
    assert (row.state, row.credited_level, cash_of(user)) == (
        State.CREDITED,
        "finalized",
        2_500_000,
    )
    assert row.final_at is not None
    assert Transfer.objects.get(kind="deposit", ref=row.ref)


def test_a_step_more_credits_nothing_more(chain: Chain) -> None:
    user, address = depositor()
    network = network_of(chain)
    chain.pay(address.address, 7)
    chain.mine(4)
    for _ in range(4):
        scan(network, chain.node)

    assert cash_of(user) == 7


def test_small_amounts_are_credited_at_safe_and_cannot_leave_before_final(chain: Chain) -> None:
    user, address = depositor()
    network = network_of(
        chain, safe_up_to_micro=100, safe_user_cap_micro=150, safe_total_cap_micro=10_000
    )
    for _ in range(2):
        chain.pay(address.address, 100)
    chain.mine(2)
    scan(network, chain.node)

    states = list(Deposit.objects.order_by("id").values_list("state", "final_at"))
    assert states == [(State.CREDITED, None), (State.SEEN, None)]
    assert cash_of(user) == 100
    chain.mine()
    scan(network, chain.node)
    assert cash_of(user) == 200
    assert not Deposit.objects.filter(final_at=None).exists()


def test_what_is_below_the_minimum_adds_up(chain: Chain) -> None:
    user, address = depositor()
    network = network_of(chain, deposit_min_micro=100)
    for amount in (40, 59):
        chain.pay(address.address, amount)
    chain.mine(3)
    scan(network, chain.node)
    assert cash_of(user) == 0
    assert set(Deposit.objects.values_list("state", flat=True)) == {State.SMALL}

    chain.pay(address.address, 1)
    chain.mine(3)
    scan(network, chain.node)

    assert cash_of(user) == 100
    assert set(Deposit.objects.values_list("state", flat=True)) == {State.CREDITED}


def test_two_transfers_in_one_transaction_are_two_deposits(chain: Chain) -> None:
    user, address = depositor()
    other, second = depositor()
    network = network_of(chain)
    disperse = chain.deploy("Disperse")
    chain.send(chain.token, call_data("approve(address,uint256)", disperse, 10**12))
    data = call_data(
        "disperseToken(address,address[],uint256[])",
        chain.token, 96, 224, 3, address.address, second.address, address.address, 3, 11, 22, 33,
    )  # fmt: skip
    chain.send(disperse, data, gas=400_000)
    chain.mine(3)
    scan_all(network, [chain.node])

    assert (cash_of(user), cash_of(other)) == (44, 22)
    assert min(Deposit.objects.values_list("position", flat=True)) >= 1


def test_what_only_looks_like_a_deposit_is_not_credited(chain: Chain) -> None:
    user, address = depositor()
    network = network_of(chain)
    copy = chain.deploy("TestUSD")
    chain.send(copy, call_data("mint(address,uint256)", address.address, 5))  # another contract
    chain.pay(address.address, 0)  # nothing moved
    chain.send(chain.token, call_data("transfer(address,uint256)", address.address, 10**30))
    chain.ether(address.address, 1_000)  # another coin
    chain.mine(3)
    scan_all(network, [chain.node])

    assert cash_of(user) == 0
    assert not Deposit.objects.exists()


def test_the_bridged_token_is_shown_and_not_credited(chain: Chain) -> None:
    user, address = depositor()
    bridged = chain.deploy("TestUSD")
    network = network_of(chain, bridged_token=bridged)
    chain.send(bridged, call_data("mint(address,uint256)", address.address, 5))
    chain.mine(3)
    scan_all(network, [chain.node])

    assert cash_of(user) == 0
    assert Deposit.objects.get().state == State.FOREIGN


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("depth", [1, 2])
def test_a_reorg_orphans_and_a_return_is_one_deposit(chain: Chain, depth: int, keep: bool) -> None:
    user, address = depositor()
    network = network_of(chain, finality_blocks=5)
    chain.mine(2)
    chain.pay(address.address, 9)
    chain.mine(depth)
    scan(network, chain.node)
    before = Deposit.objects.get()

    chain.reorg(depth, keep=keep)
    chain.mine()
    scan(network, chain.node)
    after = Deposit.objects.get()
    assert after.state == (State.SEEN if keep else State.ORPHANED)
    assert (after.block_hash != before.block_hash) is keep
    chain.mine(6)
    scan_all(network, [chain.node])

    assert cash_of(user) == (9 if keep else 0) == chain.balance(address.address)


def test_a_reorg_between_headers_and_logs_is_noticed(chain: Chain) -> None:
    user, address = depositor()
    network = network_of(chain, finality_blocks=5)
    chain.mine(2)
    chain.pay(address.address, 9)
    chain.mine()
    once = [True]

    def reorganise(seam: str) -> None:
        if seam == "scan.headers" and once:
            once.clear()
            chain.reorg(1, keep=False)

    install(reorganise)
    report = scan(network, chain.node)
    install(None)

    assert "moved" in report.error or "not in this chain" in report.error
    chain.mine(6)
    scan_all(network, [chain.node])
    assert cash_of(user) == 0


def test_a_reorg_while_the_scanner_was_off_is_undone_before_any_new_credit(chain: Chain) -> None:
    user, address = depositor()
    network = network_of(chain, finality_blocks=30)
    chain.mine(2)
    chain.pay(address.address, 9)
    chain.mine(20)
    scan_all(network, [chain.node])
    chain.reorg(20, keep=False)
    chain.pay(address.address, 4)
    chain.mine(40)
    shown: list[list[tuple[int, str]]] = []

    def look(seam: str) -> None:
        if seam == "credit.before":
            rows = Deposit.objects.order_by("amount_micro")
            shown.append(list(rows.values_list("amount_micro", "state")))

    install(look)
    scan_all(network, [chain.node])

    assert shown == [[(4, State.SEEN), (9, State.ORPHANED)]]
    assert cash_of(user) == 4


@pytest.mark.parametrize("depth", [1, 3, 12, 64])
@pytest.mark.parametrize("early", [0, 10**9])
def test_a_deposit_is_no_money_while_a_reorg_may_take_it(
    chain: Chain, depth: int, early: int
) -> None:
    """However large it is, and however deep, by count; the amounts of `early` count for nothing."""
    user, address = depositor()
    caps = ("safe_up_to_micro", "safe_user_cap_micro", "safe_total_cap_micro")
    network = network_of(chain, finality_blocks=depth, **dict.fromkeys(caps, early))
    chain.mine()
    chain.pay(address.address, early or 5)
    chain.mine(depth)
    scan_all(network, [chain.node])
    assert Deposit.objects.get().state == State.SEEN
    with pytest.raises(Unprocessable, match="exceed the available"):
        ledger.hold(user_id=user.pk, amount_micro=1, ref="spent-too-early")
    chain.reorg(depth, keep=False)
    chain.mine()
    scan_all(network, [chain.node])
    assert Deposit.objects.get().state == State.ORPHANED

    chain.pay(address.address, 8)
    chain.mine(depth + 1)
    scan_all(network, [chain.node])
    assert cash_of(user) == 8


def test_a_reorg_below_the_final_line_stops_the_scanner_loudly(chain: Chain) -> None:
    _, address = depositor()
    network = network_of(chain)
    chain.mine(8)
    chain.pay(address.address, 9)
    chain.mine(4)
    scan_all(network, [chain.node])
    line = _state().final_number

    chain.reorg(8, keep=False)
    chain.mine(2)
    report = scan(network, chain.node)

    assert "was final" in report.halted
    assert scan(network, chain.node).halted
    assert _state().final_number == line


def test_the_final_line_never_moves_back_even_by_hand(chain: Chain) -> None:
    network = network_of(chain)
    chain.mine(6)
    scan_all(network, [chain.node])

    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        ScanState.objects.filter(network=network).update(final_number=0)


def test_a_node_that_is_behind_makes_nothing_forgotten(chain: Chain) -> None:
    _, address = depositor()
    network = network_of(chain)
    chain.mine(2)
    chain.pay(address.address, 9)
    chain.mine()
    scan(network, chain.node)
    height = chain.height

    class Behind(Node):
        def header(self, block: int | str) -> Header | None:
            return self.headers([block])[0]

        def headers(self, blocks: object) -> list[Header | None]:
            asked = [
                height - 1 if b in {"latest", "safe", "finalized"} else b
                for b in blocks  # type: ignore[attr-defined]
            ]
            found = super().headers(asked)
            return [h if h and h.height < height else None for h in found]

    report = scan(network, Behind("behind", chain.node._transport))

    assert "behind" in report.error
    assert Deposit.objects.get().state == State.SEEN


def test_one_scanner_at_a_time_and_the_next_one_after_the_lease(chain: Chain) -> None:
    network = network_of(chain)
    chain.mine()

    assert not scan(network, chain.node, owner="one").idle
    assert scan(network, chain.node, owner="two").idle
    with clock.shifted(int((scanner.LEASE + timedelta(seconds=1)).total_seconds())):
        assert not scan(network, chain.node, owner="two").idle
    assert scan(network, chain.node, owner="one").idle


class Strict(Node):
    """A node that takes five blocks at once."""

    def __init__(self, behind: Node) -> None:
        super().__init__("strict", behind._transport)
        self.asked: list[int] = []

    def logs(self, first: int, last: int, *rest: Any) -> list[Log]:
        self.asked.append(last - first + 1)
        if last - first + 1 > 5:
            raise NodeRefused("block range is too wide", node_code=-32602)
        return super().logs(first, last, *rest)


def test_ranges_shrink_to_what_a_node_allows_and_grow_again(chain: Chain) -> None:
    user, address = depositor()
    network = network_of(chain)
    chain.pay(address.address, 3)
    chain.mine(40)
    strict = Strict(chain.node)
    scan_all(network, [strict])

    assert cash_of(user) == 3
    assert max(strict.asked) > 5 >= strict.asked[-1]
    assert _state().sizes["strict"][0] <= 5


def test_the_second_nodes_ranges_shrink_and_each_node_keeps_its_own_size(chain: Chain) -> None:
    user, address = depositor()
    network = network_of(chain)
    chain.mine(30)
    chain.pay(address.address, 3)
    chain.mine(30)
    strict = Strict(chain.node)
    scan_all(network, [chain.node, strict])

    assert cash_of(user) == 3
    assert _state().verified_number == _state().final_number
    assert max(strict.asked) > 5 >= strict.asked[-1]
    sizes = _state().sizes
    assert sizes["strict"][0] <= 5 < sizes[chain.node.name][0]


def test_what_was_agreed_is_credited_though_the_next_range_cannot_be_read(chain: Chain) -> None:
    user, address = depositor()
    network = network_of(chain)
    chain.pay(address.address, 3)
    chain.mine()
    wall = chain.height + 20
    chain.mine(60)

    class Walled(Strict):
        def logs(self, first: int, last: int, *rest: Any) -> list[Log]:
            if last >= wall:
                raise NodeRefused("no logs from there on", node_code=-32000)
            return super().logs(first, last, *rest)

    scan_all(network, [chain.node, Walled(chain.node)], steps=20)

    assert cash_of(user) == 3
    assert _state().verified_number < wall
    assert "no logs from there on" in _state().error


def test_a_node_that_fails_is_noted_and_forgotten(chain: Chain) -> None:
    network = network_of(chain)

    def broken(_: bytes) -> bytes:
        raise NodeFault("endpoint 1 does not answer: ReadTimeout")

    assert "does not answer" in scan(network, Node("broken", broken)).error
    assert _state().error
    chain.mine()
    assert not scan(network, chain.node).error
    assert not _state().error
