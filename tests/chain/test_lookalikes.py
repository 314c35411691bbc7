"""What only looks like a deposit, as both endpoints show it: nothing of it is ever money."""

from typing import Any

import pytest

from chain.clients.rpc import Node
from chain.models import Deposit, ScanState
from tests.chain.driver import Chain
from tests.chain.liar import lying
from tests.chain.stage import cash_of, depositor, network_of, scan

pytestmark = pytest.mark.django_db
LAG = 4
Json = dict[str, Any]


def _failed(method: str, _: Any, result: Any) -> Any:
    is_asked = method == "eth_getTransactionReceipt" and result
    return {**result, "status": "0x0"} if is_asked else result


def _each_log(change: Any) -> Any:
    """Return a lie that tells the same of every log, in lists and in receipts."""

    def lie(method: str, _: Any, result: Any) -> Any:
        if method == "eth_getLogs":
            return [change(log) for log in result]
        if method == "eth_getTransactionReceipt" and result:
            return {**result, "logs": [change(log) for log in result["logs"]]}
        return result

    return lie


def _to_itself(log: Json) -> Json:
    return {**log, "topics": [log["topics"][0], log["topics"][2], log["topics"][2]]}


def _approval(log: Json) -> Json:
    return {**log, "topics": ["0x" + "8c" * 32, *log["topics"][1:]]}


def _four_topics(log: Json) -> Json:
    return {**log, "topics": [*log["topics"], log["topics"][2]]}


def _taken_out(log: Json) -> Json:
    return {**log, "removed": True}


def _not_in_receipt(method: str, _: Any, result: Any) -> Any:
    is_asked = method == "eth_getTransactionReceipt" and result
    return {**result, "logs": []} if is_asked else result


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(_failed, id="a failed transaction with its log"),
        pytest.param(_each_log(_to_itself), id="from an address to itself"),
        pytest.param(_each_log(_approval), id="another event"),
        pytest.param(_each_log(_four_topics), id="four topics"),
        pytest.param(_each_log(_taken_out), id="removed by a reorg"),
        pytest.param(_not_in_receipt, id="a log that its receipt lacks"),
        pytest.param(_each_log(lambda log: {**log, "data": "0x07"}), id="short data"),
        pytest.param(_each_log(lambda log: {**log, "data": "0x"}), id="no data"),
        pytest.param(_each_log(lambda log: {**log, "data": f"0x{2**63:064x}"}), id="too much"),
        pytest.param(_each_log(lambda log: {**log, "data": f"0x{0:064x}"}), id="nothing"),
        pytest.param(
            _each_log(lambda log: {**log, "address": "0x" + "c0" * 20}), id="another contract"
        ),
    ],
)
def test_is_not_credited_though_every_endpoint_shows_it(chain: Chain, lie: Any) -> None:
    user, row = depositor()
    network = network_of(chain)
    chain.pay(row.address, 7)
    chain.mine(LAG + 2)
    nodes = [lying(chain.node, lie, name) for name in ("one", "two")]
    for _ in range(2):
        assert scan(network, *nodes).error == ""

    assert ScanState.objects.get().final_number >= network.start_block
    assert not Deposit.objects.exists()
    assert cash_of(user) == 0


def test_a_fee_on_the_way_credits_what_arrived(chain: Chain) -> None:
    """A token that keeps a part tells two transfers: what came to us, and the part."""
    user, row = depositor()
    network = network_of(chain)

    def splits(log: Json) -> list[Json]:
        kept = {**log, "topics": [*log["topics"][:2], "0x" + "0" * 24 + "fe" * 20]}
        kept |= {"data": f"0x{1:064x}", "logIndex": "0x7"}
        return [{**log, "data": f"0x{6:064x}"}, kept]

    def lie(method: str, _: Any, result: Any) -> Any:
        if method == "eth_getLogs":
            return [each for log in result for each in splits(log)]
        if method == "eth_getTransactionReceipt" and result:
            return {**result, "logs": [each for log in result["logs"] for each in splits(log)]}
        return result

    chain.pay(row.address, 7)
    chain.mine(LAG + 2)
    nodes: list[Node] = [lying(chain.node, lie, name) for name in ("one", "two")]
    for _ in range(2):
        scan(network, *nodes)

    assert cash_of(user) == 6
    assert Deposit.objects.get().amount_micro == 6
