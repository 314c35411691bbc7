import json
from collections.abc import Iterator
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from websockets.sync.client import ClientConnection, connect

from tests.chain.conformance_bench import AT, TRANSFER, USD, Bench, Refusal, encoded, topic
from tests.chain.conformance_fixtures import node_of_each_kind
from tests.patience import PATIENCE_S

node = node_of_each_kind
BOB, CAROL = (to_checksum_address("0x" + pair * 20) for pair in ("b2", "c2"))


@pytest.fixture(scope="module")
def alice(node: Bench) -> LocalAccount:
    """Pay Bob 1, Carol 2, Bob 3 and Carol 4, a block each."""
    key = node.fresh(usd=100 * USD)
    for amount, payee in enumerate((BOB, CAROL, BOB, CAROL), 1):
        node.do(key, AT.token, "TestUSD", "transfer", payee, amount * USD)
    return key


def _amounts(logs: list[dict[str, Any]]) -> list[int]:
    return [int(log["data"], 16) // USD for log in logs]


@pytest.mark.parametrize(
    ("topics", "expected"),
    [
        ([TRANSFER], [1, 2, 3, 4]),
        ([TRANSFER, "ALICE"], [1, 2, 3, 4]),
        ([TRANSFER, None, topic(BOB)], [1, 3]),
        ([TRANSFER, None, [topic(BOB), topic(CAROL)]], [1, 2, 3, 4]),
        ([None, None, topic(CAROL)], [2, 4]),
        ([[TRANSFER, "0x" + "12" * 32], "ALICE", topic(BOB)], [1, 3]),
        (["0x" + "12" * 32], []),
        ([TRANSFER, topic(BOB)], []),
        ([TRANSFER, None, None, topic(BOB)], []),
        ([], [1, 2, 3, 4]),
    ],
)
def test_topics_are_matched_by_place(
    node: Bench, alice: LocalAccount, topics: list[Any], expected: list[int]
) -> None:
    head = node.head()
    wanted = [topic(alice.address) if place == "ALICE" else place for place in topics]

    found = node.logs(address=AT.token, fromBlock=hex(head - 3), toBlock="latest", topics=wanted)

    assert _amounts(found) == expected


def test_ranges_and_hashes_name_blocks(node: Bench, alice: LocalAccount) -> None:
    head = node.head()
    one = {"address": AT.token, "topics": [TRANSFER, topic(alice.address)]}

    by_range = node.logs(**one, fromBlock=hex(head - 2), toBlock=hex(head - 1))
    by_hash = node.logs(**one, blockHash=node.block(head - 1)["hash"])
    to_finalized = node.logs(**one, fromBlock="earliest", toBlock="finalized")

    assert _amounts(by_range) == [2, 3]
    assert _amounts(by_hash) == [3]
    assert by_range[1] == by_hash[0]
    assert _amounts(to_finalized) == [1, 2]
    assert _amounts(node.logs(**one)) == [4]


def test_addresses_are_a_list_too(node: Bench, alice: LocalAccount) -> None:
    first = hex(node.head() - 3)
    both = node.logs(address=[AT.token, AT.sweeper], fromBlock=first, toBlock="latest")

    assert _amounts(both) == [1, 2, 3, 4]
    assert node.logs(address=AT.sweeper, fromBlock=first, toBlock="latest") == []
    assert _amounts(node.logs(fromBlock=first, toBlock="latest")) == [1, 2, 3, 4]


def test_refuses_a_filter_that_makes_no_sense(node: Bench, alice: LocalAccount) -> None:
    filters: list[dict[str, Any]] = [
        {"blockHash": "0x" + "99" * 32},
        {"address": "0x12"},
        {"topics": ["0x12"]},
    ]

    for wanted in filters:
        with pytest.raises(Refusal):
            node.logs(**wanted)


def test_logs_of_a_block_are_counted_through(node: Bench, alice: LocalAccount) -> None:
    for amount in (1, 2):
        node.send(alice, AT.token, data=encoded("TestUSD", "transfer", BOB, amount), gas=100_000)
    node.mine()

    found = node.logs(address=AT.token, fromBlock="latest", toBlock="latest")

    assert [int(log["logIndex"], 16) for log in found] == [0, 1]
    assert [int(log["transactionIndex"], 16) for log in found] == [0, 1]
    assert len({log["transactionHash"] for log in found}) == 2


@pytest.fixture
def socket(node: Bench) -> Iterator[ClientConnection]:
    """Return a WebSocket to the node."""
    with connect(node.url.replace("http", "ws")) as connection:
        yield connection


def _ask(socket: ClientConnection, method: str, *params: Any) -> Any:
    request = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    socket.send(json.dumps(request))
    while (answer := json.loads(socket.recv(PATIENCE_S))).get("id") != 7:
        pass
    return answer["result"]


def _told(socket: ClientConnection, count: int) -> dict[str, list[Any]]:
    told: dict[str, list[Any]] = {}
    for _ in range(count):
        params = json.loads(socket.recv(PATIENCE_S))["params"]
        told.setdefault(params["subscription"], []).append(params["result"])
    return told


def test_a_socket_answers_and_tells_of_heads_and_logs(
    node: Bench, alice: LocalAccount, socket: ClientConnection
) -> None:
    assert int(_ask(socket, "eth_blockNumber"), 16) == node.head()
    heads = _ask(socket, "eth_subscribe", "newHeads")
    wanted = {"address": AT.token, "topics": [TRANSFER, None, topic(BOB)]}
    logs = _ask(socket, "eth_subscribe", "logs", wanted)

    node.do(alice, AT.token, "TestUSD", "transfer", CAROL, 5 * USD)
    receipt = node.do(alice, AT.token, "TestUSD", "transfer", BOB, 6 * USD)

    told = _told(socket, 3)
    block = node.block()
    assert [head["number"] for head in told[heads]] == [hex(node.head() - 1), block["number"]]
    assert told[heads][1]["hash"] == block["hash"]
    assert told[heads][1]["parentHash"] == told[heads][0]["hash"]
    assert _amounts(told[logs]) == [6]
    assert told[logs][0]["transactionHash"] == receipt["transactionHash"]


def test_a_socket_can_have_enough(node: Bench, socket: ClientConnection) -> None:
    heads = _ask(socket, "eth_subscribe", "newHeads")

    assert _ask(socket, "eth_unsubscribe", heads) is True
    assert _ask(socket, "eth_unsubscribe", heads) is False
    node.mine()

    assert int(_ask(socket, "eth_blockNumber"), 16) == node.head()


def test_a_socket_tells_of_what_waits(
    node: Bench, alice: LocalAccount, socket: ClientConnection
) -> None:
    waiting = _ask(socket, "eth_subscribe", "newPendingTransactions")

    sent = node.send(alice, BOB, value=1)

    assert _told(socket, 1) == {waiting: [sent]}
    node.mine()
