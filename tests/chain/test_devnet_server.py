import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from chain.devnet import __main__ as program
from chain.devnet import jsonrpc
from chain.devnet.errors import RpcError
from chain.devnet.genesis import CHAIN_ID, account
from exchange import clock
from tests.chain.conformance_bench import AT, ROOT, TRANSFER, Bench, devnet
from tests.chain.devnet_bench import KEYS, NOBODY
from tests.patience import PATIENCE_S

START_S = 3.0
ASK = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with devnet("--log-results", "5000") as node:
        yield node


def _handle(name: str, params: list[Any]) -> Any:
    if name == "fails":
        raise RpcError(-32000, "no", "0x01")
    if name == "breaks":
        raise LookupError
    return [name, params]


def _code(body: bytes | str) -> int:
    answer = json.loads(jsonrpc.answer(body, _handle))
    code: int = answer["error"]["code"]
    return code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b'{"a":1,}',
        b'{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}',
        b'{"jsonrpc":"2.0","id":NaN,"method":"m"}',
        b"[" * 100_000,
    ],
)
def test_refuses_what_is_no_json(body: bytes) -> None:
    assert _code(body) == -32700


@pytest.mark.parametrize(
    "request_",
    [
        1,
        "m",
        {},
        {"id": 1, "method": "m"},
        {"jsonrpc": "1.0", "id": 1, "method": "m"},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "id": 1, "method": 5},
        {"jsonrpc": "2.0", "id": 1, "method": "m", "params": {"a": 1}},
        {"jsonrpc": "2.0", "id": {}, "method": "m"},
        {"jsonrpc": "2.0", "id": True, "method": "m"},
        {"jsonrpc": "2.0", "id": "x" * 201, "method": "m"},
        [],
        [ASK] * 1_001,
    ],
)
def test_refuses_what_is_no_request(request_: Any) -> None:
    assert _code(json.dumps(request_)) == -32600


def test_answers_each_of_a_batch_and_no_notification() -> None:
    batch = [
        {**ASK, "id": "a"},
        {"jsonrpc": "2.0", "method": "m"},
        {**ASK, "id": 2, "method": "fails"},
        {**ASK, "id": 3, "method": "breaks"},
        7,
    ]

    answers = json.loads(jsonrpc.answer(json.dumps(batch), _handle))

    assert answers == [
        {"jsonrpc": "2.0", "id": "a", "result": ["eth_chainId", []]},
        {"jsonrpc": "2.0", "id": 2, "error": {"code": -32000, "message": "no", "data": "0x01"}},
        {"jsonrpc": "2.0", "id": 3, "error": {"code": -32603, "message": "internal error"}},
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "invalid request"}},
    ]
    assert jsonrpc.answer('{"jsonrpc":"2.0","method":"m"}', _handle) == b""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://localhost:8000"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "rebound.example"}, 403),
        ({"content-type": "text/plain"}, 415),
    ],
)
def test_pages_of_other_sites_get_nothing(
    bench: Bench, headers: dict[str, str], status: int
) -> None:
    assert bench.post(json.dumps(ASK).encode(), **headers).status_code == status


def test_a_socket_of_another_site_is_refused(bench: Bench) -> None:
    address = bench.url.replace("http", "ws")

    with pytest.raises(InvalidStatus), connect(address, origin=Origin("https://evil.example")):
        pass


def test_a_body_has_a_greatest_size(bench: Bench) -> None:
    assert bench.post(b" " * (4 * 1024 * 1024) + b"1").status_code == 413


def test_a_socket_hears_of_logs_that_a_reorg_removed(bench: Bench) -> None:
    faucet = account(1)
    with connect(bench.url.replace("http", "ws")) as connection:
        wanted = {"address": AT.token, "topics": [TRANSFER]}
        request = {**ASK, "method": "eth_subscribe", "params": ["logs", wanted]}
        connection.send(json.dumps(request))
        connection.recv(5)
        receipt = bench.do(faucet, AT.token, "TestUSD", "transfer", KEYS[0].address, 5)

        bench.ask("devnet_reorg", 1, "all")
        heard = [json.loads(connection.recv(5))["params"]["result"] for _ in range(3)]

    assert [log["removed"] for log in heard] == [False, True, False]
    assert {log["transactionHash"] for log in heard} == {receipt["transactionHash"]}
    assert heard[0]["blockHash"] == heard[1]["blockHash"] != heard[2]["blockHash"]


def test_mines_by_itself_when_told(bench: Bench) -> None:
    before = bench.head()
    bench.ask("evm_setIntervalMining", 1)
    deadline = clock.monotonic() + PATIENCE_S
    while bench.head() == before:
        assert clock.monotonic() < deadline
    bench.ask("evm_setIntervalMining", 0)
    assert bench.ask("devnet_info")["chainId"] == hex(CHAIN_ID)


def test_starts_within_three_seconds_of_its_own_time() -> None:
    words = [sys.executable, "-c", _START]
    answer = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)

    assert float(answer.stdout) <= START_S


# Processor time, lest a busy machine decide; the clock on the wall shows the same when idle.
_START = """
import asyncio, time
from chain.devnet.server import Options, running

async def start():
    async with running(Options(port=0)) as (url, node):
        assert node.chain.head.number >= 1

asyncio.run(start())
print(time.process_time())
"""


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--host", "0.0.0.0"], "not a loopback address"),
        (["--host", "example.org"], "example.org"),
    ],
)
def test_says_why_it_does_not_start(
    flags: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main([*flags, "--port", "0"]) == 1
    assert words in capsys.readouterr().err


def test_the_command_says_why_it_does_not_start() -> None:
    with pytest.raises(CommandError, match="not a loopback address"):
        call_command("devnet", host="0.0.0.0", port=0)


def test_says_that_the_port_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        assert program.main(["--port", str(held.getsockname()[1])]) == 1
    assert "address already in use" in capsys.readouterr().err


def test_a_balance_of_nobody_is_nothing(bench: Bench) -> None:
    assert bench.ask("eth_accounts") == []
    assert bench.usd(NOBODY) == 0
