import json
import sys

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from chain.contracts import artifact
from chain.devnet import genesis
from tests.chain.conformance_bench import (
    AT,
    ETHER,
    GWEI,
    TRANSFER,
    USD,
    Bench,
    Refusal,
    encoded,
    topic,
)
from tests.chain.conformance_fixtures import cases_not_run, node_of_each_kind

node = node_of_each_kind
NOBODY = "0x" + "77" * 20


def test_says_how_many_cases_were_not_run(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    if missing := cases_not_run(request.session):
        words = f"ANVIL IS NOT INSTALLED: {missing} cases were not run against it"
        with capsys.disabled():
            sys.stdout.write(f"\n{words}\n")
        pytest.skip(words)


def test_names_itself(node: Bench) -> None:
    assert node.number("eth_chainId") == genesis.CHAIN_ID
    assert node.ask("net_version") == str(genesis.CHAIN_ID)
    assert "/" in node.ask("web3_clientVersion")
    assert node.ask("eth_syncing") is False
    assert node.ask("web3_sha3", "0x") == "0x" + keccak(b"").hex()


def test_contracts_stand_where_genesis_says(node: Bench) -> None:
    for address in (AT.token, AT.disperse, AT.sweeper):
        assert len(node.ask("eth_getCode", address, "latest")) > 500
    assert node.ask("eth_getCode", NOBODY, "latest") == "0x"
    assert node.view("Sweeper", "token", at=AT.sweeper) == AT.token.lower()
    assert node.usd(genesis.account(genesis.FAUCET).address) == genesis.FAUCET_MICRO


def test_creates_a_contract_at_the_usual_address(node: Bench) -> None:
    alice = node.fresh()

    sent = node.send(alice, data="0x" + artifact("Disperse").bytecode.hex(), gas=2_000_000)
    node.mine()

    made = node.receipt(sent)
    assert made["status"] == "0x1"
    assert made["to"] is None
    assert len(node.ask("eth_getCode", made["contractAddress"], "latest")) > 500
    assert node.ask("eth_getCode", made["contractAddress"], "earliest") == "0x"


def test_a_transfer_goes_from_waiting_to_mined(node: Bench) -> None:
    alice = node.fresh(ether=10)
    bob = to_checksum_address("0x" + "b0" * 20)

    sent = node.send(alice, bob, value=3 * ETHER, gas=21_000, maxPriorityFeePerGas=GWEI)

    waiting = node.ask("eth_getTransactionByHash", sent)
    assert waiting["blockNumber"] is None
    assert int(waiting["value"], 16) == 3 * ETHER
    assert node.ask("eth_getTransactionReceipt", sent) is None
    assert node.nonce(alice.address) == 0
    assert node.nonce(alice.address, "pending") == 1

    node.mine()

    receipt, block = node.receipt(sent), node.block(full=True)
    fee = int(block["baseFeePerGas"], 16) + GWEI
    assert receipt["status"] == "0x1"
    assert int(receipt["gasUsed"], 16) == 21_000
    assert int(receipt["effectiveGasPrice"], 16) == fee
    assert receipt["blockHash"] == block["hash"]
    assert receipt["from"].lower() == alice.address.lower()
    assert node.balance(bob) == 3 * ETHER
    assert node.balance(alice.address) == 7 * ETHER - 21_000 * fee
    mined = node.ask("eth_getTransactionByHash", sent)
    assert mined["blockHash"] == block["hash"]
    assert mined["transactionIndex"] == "0x0"
    assert block["transactions"][0]["hash"] == sent
    assert node.ask("eth_getBlockReceipts", block["number"])[0]["transactionHash"] == sent


def test_takes_every_kind_of_transaction(node: Bench) -> None:
    alice, bob = node.fresh(), node.fresh()
    slots = [{"address": AT.token, "storageKeys": ["0x" + "00" * 32]}]
    allowed = bob.sign_authorization(
        {
            "chainId": genesis.CHAIN_ID,
            "address": NOBODY,
            "nonce": 0,
        }
    )

    sent = [
        node.send(alice, NOBODY, type=0, gasPrice=5 * GWEI, value=1),
        node.send(alice, NOBODY, type=1, gasPrice=5 * GWEI, accessList=slots),
        node.send(alice, NOBODY, type=2, accessList=slots),
        node.send(alice, bob.address, type=4, authorizationList=[allowed]),
    ]
    node.mine()

    receipts = [node.receipt(tx_hash) for tx_hash in sent]
    assert [receipt["type"] for receipt in receipts] == ["0x0", "0x1", "0x2", "0x4"]
    assert all(receipt["status"] == "0x1" for receipt in receipts)
    assert [int(receipt["gasUsed"], 16) for receipt in receipts] == [21_000, 25_300, 25_300, 36_800]
    delegated = "0xef0100" + NOBODY[2:]
    assert node.ask("eth_getCode", bob.address, "latest") == delegated


def test_blocks_are_found_by_number_name_and_hash(node: Bench) -> None:
    node.mine(4)
    head = node.head()

    block = node.block(head)

    assert node.block("latest") == block
    assert node.ask("eth_getBlockByHash", block["hash"], False) == block
    assert block["parentHash"] == node.block(head - 1)["hash"]
    assert int(node.block("earliest")["number"], 16) == 0
    assert int(node.block("pending")["number"], 16) == head + 1
    assert node.block(head + 5) is None
    assert node.ask("eth_getBlockByHash", "0x" + "99" * 32, False) is None


def test_safe_and_finalized_lag_behind(node: Bench) -> None:
    node.mine(4)
    head = node.head()

    assert int(node.block("safe")["number"], 16) == head - 1
    assert int(node.block("finalized")["number"], 16) == head - 2


def test_the_past_can_be_asked(node: Bench) -> None:
    alice = node.fresh(ether=5)
    node.mine()
    before = node.block()["number"]
    node.send(alice, NOBODY, value=ETHER, gas=21_000)
    node.mine()

    assert node.balance(alice.address, before) == 5 * ETHER
    assert node.balance(alice.address) < 4 * ETHER
    assert node.nonce(alice.address, before) == 0
    assert node.nonce(alice.address) == 1
    with pytest.raises(Refusal):
        node.balance(alice.address, hex(node.head() + 100))


def test_a_gap_in_the_nonces_waits(node: Bench) -> None:
    alice = node.fresh()
    later = node.send(alice, NOBODY, nonce=1, value=1)

    node.mine()

    assert node.ask("eth_getTransactionReceipt", later) is None
    assert node.nonce(alice.address, "pending") == 0
    assert int(node.ask("txpool_status")["queued"], 16) >= 1

    first = node.send(alice, NOBODY, nonce=0, value=1)
    assert node.nonce(alice.address, "pending") == 2
    node.mine()

    assert node.receipt(first)["blockHash"] == node.receipt(later)["blockHash"]


def test_refuses_what_cannot_be_mined(node: Bench) -> None:
    alice, poor = node.fresh(), node.fresh(ether=0)
    raw = node.sign(alice, NOBODY, value=1)
    node.ask("eth_sendRawTransaction", raw)
    node.mine()
    waiting = node.sign(alice, NOBODY, value=2)
    node.ask("eth_sendRawTransaction", waiting)
    cases = [
        (node.sign(alice, NOBODY, nonce=0, value=3), ("nonce too low",)),
        (waiting, ("already known", "already imported")),
        (node.sign(poor, NOBODY, nonce=0), ("insufficient funds",)),
        (node.sign(alice, NOBODY, chainId=1), ("invalid chain id",)),
        (node.sign(alice, NOBODY, gas=20_000), ("intrinsic gas too low",)),
        (node.sign(alice, NOBODY, gas=2**40, maxFeePerGas=0), ("gas limit", "gas_limit")),
        (node.sign(alice, NOBODY, nonce=1, value=9), ("replacement transaction underpriced",)),
    ]

    for case, expected in cases:
        with pytest.raises(Refusal) as refusal:
            node.ask("eth_sendRawTransaction", case)
        assert any(words in refusal.value.words for words in expected), refusal.value.words
    node.mine()


def test_an_eighth_more_replaces(node: Bench) -> None:
    alice = node.fresh()
    old = node.send(alice, NOBODY, value=1, maxFeePerGas=4 * GWEI, maxPriorityFeePerGas=GWEI)

    new = node.send(
        alice,
        NOBODY,
        nonce=0,
        value=1,
        maxFeePerGas=4 * GWEI * 9 // 8,
        maxPriorityFeePerGas=GWEI * 9 // 8,
    )
    assert node.ask("eth_getTransactionByHash", old) is None
    node.mine()

    assert node.receipt(new)["status"] == "0x1"
    assert node.ask("eth_getTransactionReceipt", old) is None
    assert node.nonce(alice.address) == 1


def test_a_dropped_transaction_is_forgotten(node: Bench) -> None:
    alice = node.fresh()
    sent = node.send(alice, NOBODY, value=1)

    assert node.ask("anvil_dropTransaction", sent) == sent
    node.mine()

    assert node.ask("eth_getTransactionByHash", sent) is None
    assert node.nonce(alice.address, "pending") == 0


def test_a_failure_is_mined_and_paid_for(node: Bench) -> None:
    alice = node.fresh()

    failed = node.do(alice, AT.token, "TestUSD", "transfer", NOBODY, 1)

    assert failed["status"] == "0x0"
    assert failed["logs"] == []
    assert 21_000 < int(failed["gasUsed"], 16) < 40_000
    assert node.nonce(alice.address) == 1
    assert node.balance(alice.address) < 10 * ETHER


def test_a_call_says_why_it_reverts(node: Bench) -> None:
    wanted = {
        "from": NOBODY,
        "to": AT.token,
        "data": encoded("TestUSD", "transfer", AT.sweeper, 5),
    }

    for method in ("eth_call", "eth_estimateGas"):
        with pytest.raises(Refusal) as refusal:
            node.ask(method, wanted, "latest")
        assert refusal.value.code == 3
        assert "transfer amount exceeds balance" in refusal.value.words
        assert (refusal.value.data or "").startswith("0x08c379a0")


def test_an_estimate_is_enough_and_not_much_more(node: Bench) -> None:
    alice = node.fresh(usd=5 * USD)
    payload = encoded("TestUSD", "transfer", node.fresh(ether=0).address, USD)
    wanted = {"from": alice.address, "to": AT.token, "data": payload}

    gas = node.number("eth_estimateGas", wanted)
    sent = node.send(alice, AT.token, data=payload, gas=gas)
    node.mine()

    used = int(node.receipt(sent)["gasUsed"], 16)
    assert node.receipt(sent)["status"] == "0x1"
    assert used <= gas <= used * 1.1
    plain = {"from": alice.address, "to": NOBODY, "value": "0x1"}
    assert node.number("eth_estimateGas", plain) == 21_000


def test_fees_are_told(node: Bench) -> None:
    alice = node.fresh()
    node.send(alice, NOBODY, gas=21_000, maxPriorityFeePerGas=GWEI)
    node.mine()

    history = node.ask("eth_feeHistory", "0x3", "latest", [10, 90])

    block = node.block()
    assert int(history["oldestBlock"], 16) == node.head() - 2
    assert len(history["baseFeePerGas"]) == 4
    assert history["baseFeePerGas"][2] == block["baseFeePerGas"]
    assert history["gasUsedRatio"][2] == pytest.approx(21_000 / int(block["gasLimit"], 16))
    assert [int(tip, 16) for tip in history["reward"][2]] == [GWEI, GWEI]
    assert node.number("eth_gasPrice") >= int(history["baseFeePerGas"][3], 16)
    assert node.number("eth_maxPriorityFeePerGas") >= 0


def test_the_base_fee_follows_the_demand(node: Bench) -> None:
    node.ask("anvil_setNextBlockBaseFeePerGas", hex(3 * GWEI))
    node.mine()
    assert int(node.block()["baseFeePerGas"], 16) == 3 * GWEI

    node.mine()

    assert int(node.block()["baseFeePerGas"], 16) == 3 * GWEI * 7 // 8


def test_a_slot_of_storage_can_be_read(node: Bench) -> None:
    owner = int(genesis.account(genesis.OWNER).address, 16)
    words = [int(node.ask("eth_getStorageAt", AT.token, hex(n), "latest"), 16) for n in range(8)]

    assert owner in words


def test_time_can_be_moved(node: Bench) -> None:
    node.mine()
    before = int(node.block()["timestamp"], 16)

    node.ask("evm_setNextBlockTimestamp", before + 500)
    node.mine()
    assert int(node.block()["timestamp"], 16) == before + 500
    node.ask("evm_increaseTime", 6_000)
    node.mine()

    assert int(node.block()["timestamp"], 16) >= before + 5_000
    with pytest.raises(Refusal):
        node.ask("evm_setNextBlockTimestamp", before)


def test_many_blocks_are_mined_at_once(node: Bench) -> None:
    before = node.block()

    node.ask("anvil_mine", "0x5", "0xa")

    assert node.head() == int(before["number"], 16) + 5
    times = [int(node.block(node.head() - back)["timestamp"], 16) for back in (0, 1, 2)]
    assert times[0] - times[1] == times[1] - times[2] == 10


def test_a_snapshot_brings_the_past_back(node: Bench) -> None:
    alice = node.fresh(ether=3)
    node.mine()
    head, point = node.block(), node.ask("evm_snapshot")
    node.send(alice, NOBODY, value=ETHER)
    node.mine(2)

    assert node.ask("evm_revert", point) is True

    assert node.block() == head
    assert node.balance(alice.address) == 3 * ETHER
    assert node.nonce(alice.address) == 0


def test_a_batch_is_answered_in_order(node: Bench) -> None:
    methods = ["eth_chainId", "eth_noSuchMethod", "eth_blockNumber"]
    batch = [{"jsonrpc": "2.0", "id": n, "method": m, "params": []} for n, m in enumerate(methods)]

    answers = node.post(json.dumps(batch).encode()).json()

    assert [answer["id"] for answer in answers] == [0, 1, 2]
    assert int(answers[0]["result"], 16) == genesis.CHAIN_ID
    assert answers[1]["error"]["code"] == -32601
    assert int(answers[2]["result"], 16) == node.head()


def test_logs_name_their_place(node: Bench) -> None:
    alice, bob = node.fresh(usd=5 * USD), to_checksum_address("0x" + "b1" * 20)

    receipt = node.do(alice, AT.token, "TestUSD", "transfer", bob, 2 * USD)

    (log,) = receipt["logs"]
    assert log["topics"] == [TRANSFER, topic(alice.address), topic(bob)]
    assert int(log["data"], 16) == 2 * USD
    assert log["address"] == AT.token.lower()
    assert log["removed"] is False
    assert log["transactionHash"] == receipt["transactionHash"]
    assert int(receipt["logsBloom"], 16) != 0
