"""A chain that is nothing but a tree of headers and the transfers in them, behind two nodes.

What is canonical and what is final is told by the test; a node may be late, and one may lie.
"""

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chain.clients.rpc import Node
from chain.hashing import TRANSFER_TOPIC
from chain.services.watched import topic_of

TOKEN, COPY = "0x" + "a1" * 20, "0x" + "b2" * 20
STRANGER, MADE_UP = "0x" + "57" * 20, 10**9
Json = dict[str, Any]


@dataclass(frozen=True)
class Move:
    """One event of a transaction."""

    recipient: str
    amount: int
    sender: str = STRANGER
    contract: str = TOKEN


@dataclass(frozen=True)
class Tx:
    """A transaction with its events; one that failed shows them too, as no honest node would."""

    hash: str
    moves: tuple[Move, ...]
    status: int = 1


@dataclass(frozen=True)
class Block:
    """A block at its place in the tree."""

    number: int
    parent: str
    txs: tuple[Tx, ...]
    salt: int

    @cached_property
    def hash(self) -> str:
        """Return what tells it from every other block."""
        words = f"{self.number}{self.parent}{self.salt}"
        return "0x" + hashlib.sha256(words.encode()).hexdigest()

    def header(self) -> Json:
        """Return what a node says of it."""
        return {"number": hex(self.number), "hash": self.hash, "parentHash": self.parent}

    def logs(self) -> list[Json]:
        """Return its events, in order."""
        places = itertools.count()
        return [
            {
                "address": move.contract, "data": f"0x{move.amount:064x}",
                "topics": [TRANSFER_TOPIC, topic_of(move.sender), topic_of(move.recipient)],
                "blockNumber": hex(self.number), "blockHash": self.hash,
                "transactionHash": tx.hash, "logIndex": hex(next(places)),
            }
            for tx in self.txs for move in tx.moves
        ]  # fmt: skip

    def receipt(self, tx: Tx) -> Json:
        """Return what became of a transaction of this block."""
        logs = [log for log in self.logs() if log["transactionHash"] == tx.hash]
        place = {"blockNumber": hex(self.number), "blockHash": self.hash}
        return {"transactionHash": tx.hash, "status": hex(tx.status), "logs": logs, **place}


@dataclass(frozen=True)
class View:
    """The chain as it was canonical at one moment, and how far it was safe and final."""

    blocks: tuple[Block, ...]
    safe: int
    final: int

    def block(self, tag: str) -> Block | None:
        """Return a block by number or tag."""
        head = len(self.blocks) - 1
        named = {"latest": head, "safe": self.safe, "finalized": self.final}
        number = named[tag] if tag in named else int(tag, 16)
        return self.blocks[number] if number <= head else None


_salts = itertools.count()


def grown(blocks: Sequence[Block], txs: Sequence[Tx]) -> tuple[Block, ...]:
    """Return a chain with one block more, of a hash that no other has."""
    parent = blocks[-1].hash if blocks else "0x" + "0" * 64
    return (*blocks, Block(len(blocks), parent, tuple(txs), next(_salts)))


class Told:
    """One node: the view it has, and what it makes of it."""

    def __init__(self, name: str, view: View) -> None:
        self.view, self.lie, self.victim, self.is_late = view, "", "", False
        self.node = Node(name, self._carry)

    def _carry(self, body: bytes) -> bytes:
        asked = json.loads(body)
        rows = asked if isinstance(asked, list) else [asked]
        answers = [
            {"id": row["id"], "result": self._answer(row["method"], row["params"])} for row in rows
        ]
        return json.dumps(answers if isinstance(asked, list) else answers[0]).encode()

    def _answer(self, method: str, params: list[Any]) -> Any:
        match method:
            case "eth_getBlockByNumber":
                tag = params[0]
                hurries = self.lie == "hurries" and tag in {"safe", "finalized"}
                block = self.view.block("latest" if hurries else tag)
                return block.header() if block else None
            case "eth_getLogs":
                first, last = (int(params[0][end], 16) for end in ("fromBlock", "toBlock"))
                return self._spoilt(
                    [
                        log
                        for block in self.view.blocks[first : last + 1]
                        for log in block.logs()
                        if log["address"] in params[0]["address"]
                    ]
                )
            case "eth_getTransactionReceipt":
                return self._receipt(params[0])
            case _:
                raise AssertionError(method)

    def _receipt(self, wanted: str) -> Json | None:
        for block in self.view.blocks:
            for tx in block.txs:
                if tx.hash == wanted:
                    found = block.receipt(tx)
                    return {**found, "logs": self._spoilt(found["logs"], is_receipt=True)}
        return None

    def _spoilt(self, logs: list[Json], *, is_receipt: bool = False) -> list[Json]:
        match self.lie:
            case "hides" if not is_receipt:
                return []
            case "raises":
                return [{**log, "data": f"0x{MADE_UP:064x}"} for log in logs]
            case "redirects":
                to_us = topic_of(self.victim)
                return [{**log, "topics": [*log["topics"][:2], to_us]} for log in logs]
            case "invents":
                return [*logs, *({**log, "logIndex": "0x77"} for log in logs[-1:])]
            case _:
                return logs
