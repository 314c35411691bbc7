from itertools import pairwise

import pytest

from chain.devnet.chain import Change
from chain.devnet.errors import RpcError
from chain.devnet.node import Node
from tests.chain.devnet_bench import GWEI, KEYS, NOBODY, ask, opened, send, signed

ALICE, BOB = KEYS[:2]


@pytest.fixture
def node() -> Node:
    return opened()


def _refusal(node: Node, method: str, *params: object) -> RpcError:
    with pytest.raises(RpcError) as refusal:
        ask(node, method, *params)
    return refusal.value


def _refused_send(node: Node, raw: str) -> str:
    refusal = _refusal(node, "eth_sendRawTransaction", raw)
    assert refusal.code == -32000
    return refusal.message


def test_two_nodes_begin_alike(node: Node) -> None:
    other = opened()

    assert [b.hash for b in node.chain.blocks] == [b.hash for b in other.chain.blocks]
    assert node.chain.head.number == 1


def test_refuses_in_the_words_of_geth(node: Node) -> None:
    raw = signed(ALICE, 0)
    ask(node, "eth_sendRawTransaction", raw)
    rich = 10**24

    assert _refused_send(node, raw) == "already known"
    assert _refused_send(node, signed(ALICE, 1, value=rich)).startswith(
        "insufficient funds for gas * price + value: balance "
    )
    assert _refused_send(node, signed(ALICE, 1, chainId=1)) == (
        "invalid chain id for signer: have 1 want 13371618"
    )
    assert _refused_send(node, signed(ALICE, 1, gas=20_999)) == (
        "intrinsic gas too low: gas 20999, minimum needed 21000"
    )
    assert _refused_send(node, signed(ALICE, 1, gas=2**40, value=0)) == "exceeds block gas limit"
    assert _refused_send(node, signed(ALICE, 1, maxPriorityFeePerGas=5 * GWEI)) == (
        "max priority fee per gas higher than max fee per gas"
    )
    assert _refused_send(node, "0x03" + raw[4:]) == "transaction type not supported"
    assert _refused_send(node, raw[:-2]).startswith("rlp: ")
    ask(node, "evm_mine")
    assert _refused_send(node, raw) == "already known"
    assert _refused_send(node, signed(ALICE, 0, value=2)) == (
        "nonce too low: next nonce 1, tx nonce 0"
    )


@pytest.mark.parametrize(
    ("fee", "tip", "accepted"),
    [
        (440, 110, True),
        (439, 110, False),
        (440, 109, False),
        (400, 100, False),
        (800, 100, False),
        (450, 112, True),
    ],
)
def test_a_replacement_pays_a_tenth_more(node: Node, fee: int, tip: int, accepted: bool) -> None:
    old = send(node, ALICE, 0, maxFeePerGas=400 * GWEI, maxPriorityFeePerGas=100 * GWEI)
    raw = signed(ALICE, 0, maxFeePerGas=fee * GWEI, maxPriorityFeePerGas=tip * GWEI, value=2)

    if accepted:
        ask(node, "eth_sendRawTransaction", raw)
    else:
        assert _refused_send(node, raw) == "replacement transaction underpriced"

    assert (ask(node, "eth_getTransactionByHash", old) is None) is accepted
    assert len(node.chain.pool) == 1


def test_what_waits_counts_against_the_balance(node: Node) -> None:
    most = 10**6 * 10**18
    send(node, ALICE, 0, value=most // 2)

    assert "queued cost" in _refused_send(node, signed(ALICE, 1, value=most // 2))
    send(node, ALICE, 0, value=1, maxFeePerGas=5 * GWEI, maxPriorityFeePerGas=2 * GWEI)

    assert send(node, ALICE, 1, value=most // 2)


def test_a_fee_below_the_base_waits_until_it_falls(node: Node) -> None:
    ask(node, "anvil_setNextBlockBaseFeePerGas", hex(8 * GWEI))
    ask(node, "evm_mine")
    sent = send(node, ALICE, 0, maxFeePerGas=6 * GWEI)

    ask(node, "evm_mine")
    assert ask(node, "eth_getTransactionReceipt", sent) is None
    ask(node, "anvil_mine", 2)

    assert int(ask(node, "eth_getTransactionReceipt", sent)["effectiveGasPrice"], 16) <= 6 * GWEI


def test_the_better_tip_goes_first(node: Node) -> None:
    low = send(node, ALICE, 0, maxPriorityFeePerGas=GWEI)
    first = send(node, BOB, 0, maxPriorityFeePerGas=2 * GWEI)
    second = send(node, BOB, 1, maxPriorityFeePerGas=3 * GWEI)
    ask(node, "evm_mine")

    block = ask(node, "eth_getBlockByNumber", "latest")

    assert block["transactions"] == [first, second, low]


def test_a_full_block_leaves_the_rest_waiting(node: Node) -> None:
    for nonce in range(3):
        send(node, ALICE, nonce, gas=14_500_000)
        send(node, BOB, nonce, gas=14_500_000)

    ask(node, "evm_mine")
    assert node.chain.head.gas_used == 21_000 * 6
    gas = node.chain.rules.gas_limit
    for nonce in (3, 4):
        send(node, ALICE, nonce, gas=gas)
    ask(node, "evm_mine")

    assert len(node.chain.head.receipts) == 1
    assert len(node.chain.pool) == 1


def test_the_newest_of_two_that_cannot_both_be_paid_is_dropped(node: Node) -> None:
    send(node, ALICE, 0)
    ask(node, "anvil_setBalance", ALICE.address, "0x1")

    ask(node, "evm_mine")

    assert node.chain.head.receipts == ()
    assert len(node.chain.pool) == 0


def test_a_reorg_keeps_what_it_is_told_to_keep(node: Node) -> None:
    kept, lost = send(node, ALICE, 0), send(node, BOB, 0)
    ask(node, "anvil_mine", 3)
    old = [block.hash for block in node.chain.blocks]

    new = ask(node, "devnet_reorg", 3, [kept])

    assert len(new) == 3
    assert not set(old[-3:]) & {block.hash for block in node.chain.blocks}
    assert int(ask(node, "eth_getTransactionReceipt", kept)["blockNumber"], 16) == 2
    assert ask(node, "eth_getTransactionByHash", lost) is None


@pytest.mark.parametrize(("keep", "expected"), [("all", 1), ("none", 0)])
def test_a_reorg_keeps_all_or_none(node: Node, keep: str, expected: int) -> None:
    send(node, ALICE, 0)
    ask(node, "evm_mine")

    ask(node, "devnet_reorg", 1, keep)

    assert len(node.chain.head.receipts) == expected
    assert node.chain.nonce(bytes.fromhex(ALICE.address[2:])) == expected


def test_a_reorg_can_insert_a_rival(node: Node) -> None:
    honest = send(node, ALICE, 0)
    ask(node, "evm_mine")

    ask(node, "devnet_reorg", 1, "all", [signed(ALICE, 0, value=7)])

    assert ask(node, "eth_getTransactionReceipt", honest) is None
    assert int(ask(node, "eth_getBalance", NOBODY), 16) == 7


def test_blocks_link_and_time_never_goes_back(node: Node) -> None:
    ask(node, "anvil_mine", 5)
    ask(node, "devnet_reorg", 2)
    ask(node, "evm_mine")

    for parent, child in pairwise(node.chain.blocks):
        assert child.parent_hash == parent.hash
        assert child.number == parent.number + 1
        assert child.timestamp > parent.timestamp


def test_listeners_hear_what_went_and_what_came(node: Node) -> None:
    heard: list[Change] = []
    ask(node, "evm_mine")
    node.chain.listeners.append(heard.append)
    old = node.chain.head

    ask(node, "devnet_reorg", 1)

    assert heard == [Change(removed=(old,), added=(node.chain.head,))]


def test_logs_are_limited_as_providers_do(node: Node) -> None:
    ask(node, "anvil_mine", 9)
    whole = {"fromBlock": "0x0", "toBlock": "latest"}
    found = len(ask(node, "eth_getLogs", whole))
    assert found > 1

    ask(node, "devnet_setLogLimits", {"blocks": 4})
    refusal = _refusal(node, "eth_getLogs", whole)
    assert (refusal.code, refusal.message) == (-32602, "exceed maximum block range: 4")
    assert ask(node, "eth_getLogs", {"fromBlock": "0x2", "toBlock": "0x5"}) == []

    ask(node, "devnet_setLogLimits", {"results": 1})
    assert _refusal(node, "eth_getLogs", whole).code == -32005

    ask(node, "devnet_setLogLimits", {"results": 1, "cuts_silently": True})
    assert len(ask(node, "eth_getLogs", whole)) == 1

    ask(node, "devnet_setLogLimits", {})
    assert len(ask(node, "eth_getLogs", whole)) == found
    backwards = {"fromBlock": "0x3", "toBlock": "0x2"}
    assert _refusal(node, "eth_getLogs", backwards).code == -32602


def test_calls_within_calls_go_deep(node: Node) -> None:
    # PUSH1 0 five times, ADDRESS, GAS, CALL: it calls itself until the gas is gone.
    body = "60006000600060006000305af1"
    made = {"value": 0, "gas": 200_000, "data": f"0x600d600c600039600d6000f3{body}"}
    sent = send(node, ALICE, 0, to="", **made)
    ask(node, "evm_mine")
    address = ask(node, "eth_getTransactionReceipt", sent)["contractAddress"]
    assert ask(node, "eth_getCode", address) == f"0x{body}"

    wanted = {"to": address, "gas": hex(1_000_000)}

    assert ask(node, "eth_call", wanted) == "0x"
    assert int(ask(node, "eth_estimateGas", wanted), 16) > 21_000


def test_finality_lags_as_told(node: Node) -> None:
    ask(node, "anvil_mine", 20)
    ask(node, "devnet_setLags", 3, 7)
    head = node.chain.head.number

    numbers = [
        int(ask(node, "eth_getBlockByNumber", tag)["number"], 16) for tag in ("safe", "finalized")
    ]

    assert numbers == [head - 3, head - 7]


def test_a_revert_to_a_spent_snapshot_fails(node: Node) -> None:
    point = ask(node, "evm_snapshot")
    waiting = send(node, ALICE, 0)
    later = ask(node, "evm_snapshot")
    ask(node, "evm_mine")

    assert ask(node, "evm_revert", later) is True
    assert node.chain.pool.get(bytes.fromhex(waiting[2:])) is not None
    assert ask(node, "evm_revert", point) is True
    assert len(node.chain.pool) == 0
    assert ask(node, "evm_revert", later) is False
    assert ask(node, "evm_revert", point) is False


def test_mines_at_once_where_told(node: Node) -> None:
    ask(node, "evm_setAutomine", True)

    sent = send(node, ALICE, 0)

    assert ask(node, "eth_getTransactionReceipt", sent)["status"] == "0x1"


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("eth_getBalance", []),
        ("eth_getBalance", ["0x12"]),
        ("eth_getBalance", [NOBODY, "0x01"]),
        ("eth_getBalance", [NOBODY, "newest"]),
        ("eth_getBalance", [NOBODY, 5]),
        ("eth_getTransactionReceipt", ["0x12"]),
        ("eth_sendRawTransaction", ["12"]),
        ("eth_sendRawTransaction", ["0x1"]),
        ("eth_sendRawTransaction", ["0xzz"]),
        ("eth_call", ["0x"]),
        ("eth_call", [{"to": NOBODY, "value": "1"}]),
        ("eth_getLogs", [[]]),
        ("eth_getLogs", [{"topics": "0x"}]),
        ("eth_getLogs", [{"topics": [None] * 5}]),
        ("eth_feeHistory", [True, "latest"]),
        ("eth_feeHistory", ["0x1", "latest", [50, 20]]),
        ("evm_mine", [{"blocks": -1}]),
        ("anvil_mine", [1e9]),
        ("devnet_setLags", [1]),
        ("devnet_setLogLimits", [{"no": 1}]),
        ("anvil_reorg", [1, [1]]),
    ],
)
def test_refuses_what_it_cannot_read(node: Node, method: str, params: list[object]) -> None:
    assert _refusal(node, method, *params).code == -32602


def test_goes_slower_only_where_nobody_waits(node: Node) -> None:
    node.block_time, node.idle_time = 1.0, 10.0

    assert node.wait(empty_blocks=60) == 1.0
    assert node.wait(empty_blocks=61) == 10.0
    send(node, ALICE, 0)
    assert node.wait(empty_blocks=61) == 1.0
