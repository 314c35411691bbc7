"""A node over raw JSON-RPC: one pooled session, answers decoded straight into typed records.

Numbers stay the hex text of the wire until somebody needs them: most logs are nobody's business.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from chain.errors import NodeFault, NodeRefused
from exchange import clock

Transport = Callable[[bytes], bytes]
Params = Sequence[Any]
T = TypeVar("T")

# One pause may last so long, and a whole answer; the largest is a full range of logs.
CONNECT_S, READ_S, ANSWER_S = 3.0, 10.0, 30.0
ANSWER_MOST = 128 * 2**20
PIECE = 2**16
# A question may be asked again: reads change nothing, and signed bytes are the same.
TRIES = 3
BATCH_MAX = 100
MESSAGE_MAX = 300


class Header(msgspec.Struct, rename="camel", frozen=True):
    """What a block says of itself."""

    number: str
    hash: str
    parent_hash: str
    timestamp: str = "0x0"
    base_fee_per_gas: str = "0x0"

    @property
    def height(self) -> int:
        """The number as a number."""
        return int(self.number, 16)


class Log(msgspec.Struct, rename="camel", frozen=True):
    """One event of a contract."""

    address: str
    topics: list[str]
    data: str
    block_number: str
    block_hash: str
    transaction_hash: str
    log_index: str
    removed: bool = False


class Receipt(msgspec.Struct, rename="camel", frozen=True):
    """What became of a transaction."""

    transaction_hash: str
    block_number: str
    block_hash: str
    logs: list[Log]
    status: str = "0x0"
    gas_used: str = "0x0"
    effective_gas_price: str = "0x0"
    # what some chains take for the layer below, beside the gas
    l1_fee: str | None = None


class Fault(msgspec.Struct, frozen=True):
    """An error of the node."""

    code: int = 0
    message: str = ""


_requests = msgspec.json.Encoder()
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Return the decoder of an answer with a result of that kind, made once."""
    if kind not in _decoders:
        fields = [("id", int | None, None), ("result", kind | None, None)]
        answer: Any = msgspec.defstruct("Answer", [*fields, ("error", Fault | None, None)])
        _decoders[kind] = msgspec.json.Decoder(answer | list[answer])
    return _decoders[kind]


class Node:
    """One endpoint. `transport` carries bytes there and back, so a test may stand in between."""

    def __init__(self, name: str, transport: Transport) -> None:
        self.name = name
        self._transport = transport

    def call(self, method: str, params: Params, kind: type[T]) -> T | None:
        """Return a result, None for null. Raises NodeFault."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self._ask(_requests.encode(body), kind)
        if isinstance(answer, list):
            raise NodeFault("a list answers a single question")
        result: T | None = _result(answer)
        return result

    def batch(self, calls: Sequence[tuple[str, Params]], kind: type[T]) -> list[T | None]:
        """Return the results of several calls of one kind, in their order. Raises NodeFault."""
        found: list[T | None] = []
        for start in range(0, len(calls), BATCH_MAX):
            found += self._batch(calls[start : start + BATCH_MAX], kind)
        return found

    def _batch(self, calls: Sequence[tuple[str, Params]], kind: type[T]) -> list[T | None]:
        if not calls:
            return []
        bodies = [
            {"jsonrpc": "2.0", "id": n, "method": method, "params": params}
            for n, (method, params) in enumerate(calls)
        ]
        answers = self._ask(_requests.encode(bodies), kind)
        if not isinstance(answers, list):
            _result(answers)
            raise NodeFault("one answer to several questions")
        by_id = {answer.id: answer for answer in answers}
        if set(by_id) != set(range(len(calls))):
            raise NodeFault("some questions of a batch were not answered")
        return [_result(by_id[n]) for n in range(len(calls))]

    def offer(self, raws: Sequence[bytes]) -> list[str]:
        """Send signed bytes; return for each what the node said, which proves nothing."""
        said: list[str] = []
        for start in range(0, len(raws), BATCH_MAX):
            part = ["0x" + raw.hex() for raw in raws[start : start + BATCH_MAX]]
            bodies = [
                {"jsonrpc": "2.0", "id": n, "method": "eth_sendRawTransaction", "params": [raw]}
                for n, raw in enumerate(part)
            ]
            answers = self._ask(_requests.encode(bodies), str)
            by_id = {a.id: a for a in answers} if isinstance(answers, list) else {}
            said += [_words(by_id.get(n)) for n in range(len(part))]
        return said

    def _ask(self, body: bytes, kind: Any) -> Any:
        for left in reversed(range(TRIES)):
            try:
                return _decoder(kind).decode(self._transport(body))
            except msgspec.MsgspecError as error:
                raise NodeFault(f"{self.name} answered something else: {error}") from error
            except NodeFault:
                if not left:
                    raise
        raise AssertionError

    # What the chain side asks -----------------------------------------------------------------

    def header(self, block: int | str) -> Header | None:
        """Return the header of a number or a tag, None where there is no such block."""
        return self.call("eth_getBlockByNumber", [_block(block), False], Header)

    def headers(self, blocks: Sequence[int | str]) -> list[Header | None]:
        """Return several headers."""
        calls = [("eth_getBlockByNumber", [_block(block), False]) for block in blocks]
        return self.batch(calls, Header)

    def logs(
        self, first: int, last: int, addresses: Sequence[str], topics: Sequence[Any]
    ) -> list[Log]:
        """Return the logs of a range of blocks."""
        wanted = {
            "fromBlock": hex(first),
            "toBlock": hex(last),
            "address": list(addresses),
            "topics": list(topics),
        }
        found = self.call("eth_getLogs", [wanted], list[Log])
        if found is None:
            raise NodeFault(f"{self.name} answered null for a list of logs")
        return found

    def receipts(self, hashes: Sequence[str]) -> list[Receipt | None]:
        """Return the receipts of transactions, None for those not mined."""
        return self.batch([("eth_getTransactionReceipt", [h]) for h in hashes], Receipt)

    def number(self, method: str, *params: Any) -> int:
        """Return a quantity. Raises NodeFault for null."""
        text = self.call(method, params, str)
        return _quantity(text)

    def eth_calls(self, calls: Sequence[tuple[str, str]], block: int | str) -> list[str]:
        """Return what contracts answer to calls at one block; `calls` are address and data."""
        at = _block(block)
        asked: list[tuple[str, Params]] = [
            ("eth_call", [{"to": to, "data": data}, at]) for to, data in calls
        ]
        found = self.batch(asked, str)
        if None in found:
            raise NodeFault("a call was answered with null")
        return [text or "0x" for text in found]


def http(url: str, name: str) -> Node:
    """Return a node behind HTTP, with connections that stay open."""
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_connections=2, pool_maxsize=8))
    session.mount("https://", HTTPAdapter(pool_connections=2, pool_maxsize=8))
    session.headers["Content-Type"] = "application/json"
    # the environment's proxies are not for a node; a redirect would carry the key in the address
    session.trust_env = False

    def carry(body: bytes) -> bytes:
        try:
            with session.post(
                url, data=body, timeout=(CONNECT_S, READ_S), allow_redirects=False, stream=True
            ) as answer:
                text = _whole(answer, name)
        except (requests.RequestException, HTTPError) as error:
            raise NodeFault(f"{name} does not answer: {type(error).__name__}") from error
        if answer.is_redirect or (not answer.ok and b"jsonrpc" not in text):
            raise NodeFault(f"{name} answered with status {answer.status_code}")
        return text

    return Node(name, carry)


def _whole(answer: requests.Response, name: str) -> bytes:
    """Return an answer, unpacked; one that drips or has no end is given up. Raises NodeFault."""
    until, size, pieces = clock.monotonic() + ANSWER_S, 0, []
    while piece := answer.raw.read1(PIECE, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if size > ANSWER_MOST:
            raise NodeFault(f"{name} answered with more than {ANSWER_MOST >> 20} MiB")
        if clock.monotonic() > until:
            raise NodeFault(f"{name} took longer than {ANSWER_S:.0f} s to answer")
    return b"".join(pieces)


def _result(answer: Any) -> Any:
    if answer.error is not None:
        raise NodeRefused(answer.error.message[:MESSAGE_MAX], node_code=answer.error.code)
    return answer.result


def _words(answer: Any) -> str:
    if answer is None:
        return "no answer"
    return "taken" if answer.error is None else answer.error.message[:MESSAGE_MAX]


def _quantity(text: str | None) -> int:
    try:
        return int(text or "", 16)
    except ValueError as error:
        raise NodeFault(f"not a quantity: {str(text)[:40]!r}") from error


def _block(block: int | str) -> str:
    return hex(block) if isinstance(block, int) else block
