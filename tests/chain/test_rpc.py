"""A node over HTTP that answers wrongly, too much, too slowly, or somewhere else."""

import contextlib
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chain.clients import rpc
from chain.clients.rpc import Node, http
from chain.errors import NodeFault, NodeRefused

Serve = Callable[[BaseHTTPRequestHandler, Any], None]


class Server:
    """A node on loopback that does what a test says; it counts what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.serve: Serve = lambda handler, _: reply(handler, b"")
        ours = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                ours.asked.append(self.path)
                # a client that has had enough hangs up
                with contextlib.suppress(OSError):
                    ours.serve(self, json.loads(body))

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
                pass

        self.inside = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.inside.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.inside.server_address[1]}/rpc"


def reply(handler: BaseHTTPRequestHandler, text: bytes, status: int = 200, **more: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(text)), **more}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(text)


def answers(*rows: Any) -> Serve:
    """Return a server of those very results, whatever was asked."""
    text = json.dumps(rows[0] if len(rows) == 1 else rows).encode()
    return lambda handler, _: reply(handler, text)


def of(number: int, result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "result": result}


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    thread = threading.Thread(target=found.inside.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield found
    found.inside.shutdown()
    found.inside.server_close()


@pytest.fixture
def node(server: Server) -> Node:
    return http(server.url, "endpoint 1")


CALLS: list[tuple[str, list[Any]]] = [
    ("eth_chainId", []),
    ("eth_blockNumber", []),
    ("eth_gasPrice", []),
]


def test_a_batch_in_another_order_is_put_in_its_own(server: Server, node: Node) -> None:
    server.serve = answers(of(2, "0x2"), of(0, "0x0"), of(1, "0x1"))

    assert node.batch(CALLS, str) == ["0x0", "0x1", "0x2"]


@pytest.mark.parametrize(
    "rows",
    [
        [of(0, "0x0"), of(1, "0x1")],
        [of(0, "0x0"), of(1, "0x1"), of(1, "0x2")],
        [of(0, "0x0"), of(1, "0x1"), of(7, "0x2")],
        [of(0, "0x0"), of(1, "0x1"), of(2, "0x2"), of(3, "0x3")],
    ],
)
def test_a_batch_that_lacks_one_is_no_answer(server: Server, node: Node, rows: Any) -> None:
    server.serve = answers(*rows)

    with pytest.raises(NodeFault, match="not answered"):
        node.batch(CALLS, str)


def test_one_refusal_in_a_batch_refuses_it(server: Server, node: Node) -> None:
    fault = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "limit exceeded"}}
    server.serve = answers(of(0, "0x0"), fault, of(2, "0x2"))
    with pytest.raises(NodeRefused, match="limit exceeded"):
        node.batch(CALLS, str)
    server.serve = answers(fault)
    with pytest.raises(NodeRefused, match="limit exceeded"):
        node.batch(CALLS, str)


@pytest.mark.parametrize("status", [200, 403, 502])
def test_a_page_is_no_answer(server: Server, node: Node, status: int) -> None:
    server.serve = lambda handler, _: reply(handler, b"<html>Sorry</html>", status)

    words = "something else" if status == 200 else f"status {status}"
    with pytest.raises(NodeFault, match=words):
        node.number("eth_blockNumber")


def test_an_error_of_the_node_counts_with_any_status(server: Server, node: Node) -> None:
    text = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"header not found"}}'
    server.serve = lambda handler, _: reply(handler, text, 500)

    with pytest.raises(NodeRefused, match="header not found"):
        node.number("eth_blockNumber")


def test_a_redirect_is_not_followed(server: Server, node: Node) -> None:
    text = json.dumps(of(1, "0x10")).encode()
    server.serve = lambda handler, _: reply(handler, text, 307, Location="/elsewhere")

    with pytest.raises(NodeFault, match="status 307"):
        node.number("eth_blockNumber")
    assert set(server.asked) == {"/rpc"}


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_without_end_is_given_up(
    server: Server, node: Node, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr(rpc, "ANSWER_MOST", 2**20)
    monkeypatch.setattr(rpc, "TRIES", 1)
    sent: list[int] = []

    def floods(handler: BaseHTTPRequestHandler, _: Any) -> None:
        if packed:
            # a megabyte for each kilobyte on the wire
            text = gzip.compress(b" " * 2**24)
            reply(handler, text, Content_Encoding="gzip")
            return
        handler.send_response(200)
        handler.send_header("Content-Length", str(2**30))
        handler.end_headers()
        for _piece in range(2**14):
            handler.wfile.write(b" " * 2**16)
            sent.append(2**16)

    server.serve = floods
    with pytest.raises(NodeFault, match="more than 1 MiB"):
        node.number("eth_blockNumber")
    assert sum(sent) < 2**27


def test_an_answer_that_drips_is_given_up(
    server: Server, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc, "ANSWER_S", 0.3)
    monkeypatch.setattr(rpc, "TRIES", 1)
    stop = threading.Event()

    def drips(handler: BaseHTTPRequestHandler, _: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not stop.wait(0.05):
            handler.wfile.write(b" ")

    server.serve = drips
    with pytest.raises(NodeFault, match="took longer"):
        node.number("eth_blockNumber")
    stop.set()


def test_what_was_cut_off_or_lost_is_asked_again(server: Server, node: Node) -> None:
    def recovers(handler: BaseHTTPRequestHandler, _: Any) -> None:
        if len(server.asked) < rpc.TRIES:
            handler.close_connection = True
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            handler.wfile.write(b'{"jsonrpc":')
            return
        reply(handler, json.dumps(of(1, "0x10")).encode())

    server.serve = recovers
    assert node.number("eth_blockNumber") == 16
    assert len(server.asked) == rpc.TRIES


def test_an_address_with_a_key_stands_in_no_words(server: Server) -> None:
    server.inside.server_close()
    with pytest.raises(NodeFault) as fault:
        http(server.url + "?key=secret", "endpoint 1").number("eth_blockNumber")

    assert "secret" not in str(fault.value)
    assert "endpoint 1 does not answer" in fault.value.message


@pytest.mark.parametrize("result", [None, "", "0x", "12.5", "zz"])
def test_a_quantity_that_is_none_is_a_fault(server: Server, node: Node, result: Any) -> None:
    server.serve = answers(of(1, result))

    with pytest.raises(NodeFault, match="quantity"):
        node.number("eth_blockNumber")


def test_what_is_packed_and_right_is_read(server: Server, node: Node) -> None:
    text = gzip.compress(json.dumps(of(1, "0x10")).encode())
    server.serve = lambda handler, _: reply(handler, text, Content_Encoding="gzip")

    assert node.number("eth_blockNumber") == 16
