"""Nodes that err and nodes that lie: nothing missed, nothing doubled, no credit in disagreement."""

import copy
import random
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from chain.clients import endpoints
from chain.clients.rpc import Node
from chain.models import Deposit, ScanState
from tests.chain.driver import Chain, Embedded
from tests.chain.liar import Chaos, lying
from tests.chain.paying import stranger
from tests.chain.stage import cash_of, depositor, network_of, scan, scan_all

pytestmark = pytest.mark.django_db
LAG = 12


def _live(chain: Chain, blocks: int, seed: int) -> None:
    """Scan a chain through one chaotic node and one that merely fails now and then."""
    dice = random.Random(seed)
    people = [depositor() for _ in range(4)]
    network = network_of(chain)
    chaos = Chaos(seed, timeout=30, error=5, duplicate=20, stale=10, truncate=5)
    second = Chaos(seed + 1, timeout=10, duplicate=20, stale=10)
    nodes = [chaos.node(chain.node, "endpoint 1"), second.node(chain.node, "endpoint 2")]
    end = chain.height + blocks
    while chain.height < end:
        for _ in range(dice.randint(0, 3)):
            chain.pay(dice.choice(people)[1].address, dice.randint(1, 10**6))
        chain.mine(dice.randint(1, 9))
        _step(network, nodes)
    chain.mine(LAG + 1)
    for _ in range(400):
        _step(network, nodes)
        if all(cash_of(user) == chain.balance(row.address) for user, row in people):
            break

    for user, row in people:
        assert cash_of(user) == chain.balance(row.address) > 0
    credited = Deposit.objects.filter(state=Deposit.State.CREDITED)
    assert sum(credited.values_list("amount_micro", flat=True)) == sum(
        chain.balance(row.address) for _, row in people
    )
    assert min(chaos.told.values()) > 0, chaos.told


def _step(network: Any, nodes: list[Node]) -> None:
    report = scan(network, *nodes)
    state = ScanState.objects.get()
    assert state.halted_at is None
    assert not (report.credited and state.disagrees_at)


def test_a_hundred_blocks_of_chaos_on_each_chain(chain: Chain) -> None:
    _live(chain, 100, 8)


# In a transaction of the test's own, each row's old versions would stay in the way of the next.
@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("chain", "blocks"), [("embedded", 10_000), ("anvil", 1_000)], indirect=["chain"]
)
def test_ten_thousand_blocks_of_chaos(chain: Chain, blocks: int) -> None:
    _live(chain, blocks, 11)


def _invents(method: str, _: Any, result: Any) -> Any:
    """Add to each list of logs one that copies the first, at another amount."""
    if method == "eth_getLogs" and result:
        false = copy.deepcopy(result[0])
        false["data"], false["logIndex"] = "0x" + f"{10**9:064x}", "0x7"
        return [*result, false]
    if method == "eth_getTransactionReceipt" and result:
        false = copy.deepcopy(result["logs"][0])
        false["data"], false["logIndex"] = "0x" + f"{10**9:064x}", "0x7"
        return {**result, "logs": [*result["logs"], false]}
    return result


def _raises_amounts(method: str, _: Any, result: Any) -> Any:
    logs = result if method == "eth_getLogs" else (result or {}).get("logs", []) if isinstance(
        result, dict
    ) else []  # fmt: skip
    for log in logs:
        log["data"] = "0x" + f"{10**9:064x}"
    return result


def _hides(method: str, _: Any, result: Any) -> Any:
    return [] if method == "eth_getLogs" else result


@pytest.mark.parametrize("lie", [_invents, _raises_amounts, _hides])
@pytest.mark.parametrize("liar_first", [True, False])
def test_a_lie_credits_nothing_and_is_told_within_two_polls(
    chain: Chain, lie: Any, liar_first: bool
) -> None:
    user, row = depositor()
    network = network_of(chain)
    liar = lying(chain.node, lie)
    nodes = [liar, chain.node] if liar_first else [chain.node, liar]
    chain.pay(row.address, 5)
    chain.mine(LAG + 2)
    for _ in range(2):
        scan(network, *nodes)

    state = ScanState.objects.get()
    assert state.disagrees_at is not None
    assert cash_of(user) == 0
    honest = [chain.node, chain.node]
    scan_all(network, honest)
    assert ScanState.objects.get().disagrees_at is None
    assert cash_of(user) == 5
    assert set(Deposit.objects.values_list("state", "amount_micro")) >= {("credited", 5)}


@pytest.mark.parametrize("fork_first", [True, False])
def test_a_node_on_another_fork_credits_nothing(chain: Chain, fork_first: bool) -> None:
    user, row = depositor()
    network = network_of(chain)
    fork = Embedded(finality_lag=LAG)
    fork.ether(row.address, 1)
    fork.mine(chain.height - fork.height)
    fork.pay(row.address, 10**9)
    chain.pay(row.address, 5)
    for each in (chain, fork):
        each.mine(2 * LAG)
    nodes = [fork.node, chain.node] if fork_first else [chain.node, fork.node]
    for _ in range(2):
        scan(network, *nodes)

    assert cash_of(user) == 0
    assert ScanState.objects.get().disagrees_at is not None


@pytest.mark.parametrize("early", [0, 10**9])
@pytest.mark.parametrize("liar_first", [True, False])
def test_what_one_node_alone_calls_final_is_not_credited(
    chain: Chain, early: int, liar_first: bool
) -> None:
    caps = {"safe_user_cap_micro": early, "safe_total_cap_micro": early}
    user, row = depositor()
    network = network_of(chain, safe_up_to_micro=early, **caps)

    def hurries(_: str, params: Any, result: Any) -> Any:
        if params[:1] not in (["safe"], ["finalized"]):
            return result
        return chain.node.call("eth_getBlockByNumber", ["latest", False], dict)

    liar = lying(chain.node, hurries)
    nodes = [liar, chain.node] if liar_first else [chain.node, liar]
    chain.mine(2 * LAG)
    chain.pay(row.address, 5)
    chain.mine(2)
    for _ in range(3):
        scan(network, *nodes)
    assert Deposit.objects.get().state == Deposit.State.SEEN
    assert ScanState.objects.get().final_number <= chain.height - LAG

    chain.reorg(3, keep=False)
    for _ in range(3):
        scan(network, *nodes)
    assert ScanState.objects.get().halted_at is None
    assert (Deposit.objects.get().state, cash_of(user)) == (Deposit.State.ORPHANED, 0)
    chain.pay(row.address, 7)
    chain.mine(LAG + 1)
    scan_all(network, nodes)
    assert cash_of(user) == 7


def _redirecting(behind: Node, to: str) -> Node:
    """Return a node that shows every transfer as one to the same address."""

    def redirects(method: str, _: Any, result: Any) -> Any:
        if method == "eth_getLogs" or (method == "eth_getTransactionReceipt" and result):
            for log in result if isinstance(result, list) else result["logs"]:
                log["topics"][2] = "0x" + "0" * 24 + to[2:]
        return result

    return lying(behind, redirects)


def test_a_transfer_to_another_recipient_is_not_credited_at_safe(chain: Chain) -> None:
    user, row = depositor()
    limits = ("safe_up_to_micro", "safe_user_cap_micro", "safe_total_cap_micro")
    network = network_of(chain, **dict.fromkeys(limits, 10**9))
    nodes = [_redirecting(chain.node, row.address), chain.node]
    chain.pay(stranger(), 5)
    chain.mine(LAG // 2 + 2)
    reports = [scan(network, *nodes) for _ in range(3)]

    assert "another transfer" in reports[-1].error
    assert (Deposit.objects.get().state, cash_of(user)) == (Deposit.State.SEEN, 0)
    chain.mine(LAG)
    scan_all(network, [chain.node, chain.node])
    assert (Deposit.objects.get().state, cash_of(user)) == (Deposit.State.ORPHANED, 0)


@pytest.mark.parametrize("liar_first", [True, False])
def test_a_backfill_keeps_nothing_that_one_endpoint_alone_shows(
    chain: Chain, liar_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, row = depositor()
    network = network_of(chain)
    chain.pay(stranger(), 5)
    chain.mine(LAG + 2)
    scan_all(network, [chain.node, chain.node])
    liar = _redirecting(chain.node, row.address)
    nodes = [liar, chain.node] if liar_first else [chain.node, liar]
    monkeypatch.setattr(endpoints, "nodes_of", lambda _: nodes)
    final = ScanState.objects.get().final_number
    words = [str(chain.chain_id), str(network.start_block), str(final)]
    with pytest.raises(CommandError, match="transfers to us by endpoint"):
        call_command("chain_backfill", *words)
    scan_all(network, [chain.node, chain.node])

    assert not Deposit.objects.exists()
    assert cash_of(user) == 0


@pytest.mark.parametrize("field", ["transactionHash", "blockHash"])
def test_a_receipt_of_something_else_credits_nothing(chain: Chain, field: str) -> None:
    user, row = depositor()
    network = network_of(chain)

    def confuses(method: str, _: Any, result: Any) -> Any:
        is_asked = method == "eth_getTransactionReceipt" and result
        return {**result, field: "0x" + "7" * 64} if is_asked else result

    chain.pay(row.address, 5)
    chain.mine(LAG + 2)
    for _ in range(3):
        assert scan(network, chain.node, lying(chain.node, confuses)).error

    assert cash_of(user) == 0


def test_a_sender_that_one_node_made_up_holds_nothing_up(chain: Chain) -> None:
    user, row = depositor()
    network = network_of(chain)

    def renames(method: str, _: Any, result: Any) -> Any:
        if method == "eth_getLogs" or (method == "eth_getTransactionReceipt" and result):
            for log in result if isinstance(result, list) else result["logs"]:
                log["topics"][1] = "0x" + "0" * 24 + "7" * 40
        return result

    chain.pay(row.address, 5)
    chain.mine()
    scan(network, lying(chain.node, renames), chain.node)
    chain.mine(LAG + 2)
    scan_all(network, [chain.node, chain.node])

    assert cash_of(user) == 5
    assert Deposit.objects.get().sender == chain.bank.address.lower()
