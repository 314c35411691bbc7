import pytest
from eth_utils.address import to_checksum_address

from tests.chain.conformance_bench import AT, ETHER, TRANSFER, USD, Bench, Refusal, topic
from tests.chain.conformance_fixtures import node_of_each_kind

node = node_of_each_kind
BOB = to_checksum_address("0x" + "b3" * 20)


def _hashes(node: Bench, first: int, last: int) -> list[str]:
    return [node.block(number)["hash"] for number in range(first, last + 1)]


def test_a_reorg_replaces_blocks_and_forgets_what_was_in_them(node: Bench) -> None:
    alice = node.fresh(ether=5, usd=9 * USD)
    node.mine()
    start, held = node.head(), node.usd(BOB)
    receipt = node.do(alice, AT.token, "TestUSD", "transfer", BOB, 2 * USD)
    node.mine(2)
    old = _hashes(node, start - 1, start + 3)
    assert node.usd(BOB) == held + 2 * USD

    node.ask("anvil_reorg", 3, [])

    new = _hashes(node, start - 1, start + 3)
    assert node.head() == start + 3
    assert new[:2] == old[:2]
    assert not set(new[2:]) & set(old[2:])
    parents = [node.block(start + place)["parentHash"] for place in (1, 2, 3)]
    assert parents == new[1:4]
    assert node.ask("eth_getTransactionReceipt", receipt["transactionHash"]) is None
    assert node.ask("eth_getBlockByHash", old[2], False) is None
    assert node.usd(BOB) == held
    assert node.nonce(alice.address) == 0
    assert node.balance(alice.address) == 5 * ETHER
    wanted = [TRANSFER, topic(alice.address)]
    assert node.logs(address=AT.token, fromBlock=hex(start), topics=wanted) == []
    with pytest.raises(Refusal):
        node.logs(blockHash=old[2])


def test_a_reorg_can_bring_a_transaction_back_elsewhere(node: Bench) -> None:
    alice = node.fresh(ether=5)
    node.mine()
    start = node.head()
    raw = node.sign(alice, BOB, value=ETHER)
    sent = node.ask("eth_sendRawTransaction", raw)
    node.mine(3)
    before = node.receipt(sent)
    assert int(before["blockNumber"], 16) == start + 1

    node.ask("anvil_reorg", 3, [[raw, 1]])

    after = node.receipt(sent)
    assert int(after["blockNumber"], 16) == start + 2
    assert after["blockHash"] != before["blockHash"]
    assert node.balance(alice.address) < 4 * ETHER
    assert node.nonce(alice.address) == 1


def test_a_reorg_can_pay_somebody_else_instead(node: Bench) -> None:
    alice = node.fresh(ether=5)
    node.mine()
    honest = node.send(alice, BOB, value=ETHER)
    node.mine()
    carol = node.fresh(ether=0)

    node.ask("anvil_reorg", 1, [[node.sign(alice, carol.address, nonce=0, value=ETHER), 0]])

    assert node.balance(carol.address) == ETHER
    assert node.ask("eth_getTransactionReceipt", honest) is None
    assert node.nonce(alice.address) == 1


def test_what_a_reorg_forgot_can_be_sent_again(node: Bench) -> None:
    alice = node.fresh(ether=5)
    node.mine()
    raw = node.sign(alice, BOB, value=ETHER)
    sent = node.ask("eth_sendRawTransaction", raw)
    node.mine()
    node.ask("anvil_reorg", 1, [])

    assert node.ask("eth_sendRawTransaction", raw) == sent
    node.mine()

    assert node.receipt(sent)["status"] == "0x1"
    assert int(node.receipt(sent)["blockNumber"], 16) == node.head()


def test_the_final_line_stays_behind_the_head_through_a_reorg(node: Bench) -> None:
    node.mine(6)
    final = node.block("finalized")

    node.ask("anvil_reorg", 1, [])

    assert node.block("finalized") == final
    assert int(node.block("safe")["number"], 16) == node.head() - 1


@pytest.mark.parametrize("depth", [0, 10_000])
def test_refuses_a_depth_that_is_not_there(node: Bench, depth: int) -> None:
    head = node.block()

    if depth:
        with pytest.raises(Refusal):
            node.ask("anvil_reorg", depth, [])

    assert node.block() == head
