"""A node that stands before an honest one and errs, lags, repeats, forgets or lies."""

import json
import random
from collections.abc import Callable
from typing import Any

from chain.clients.rpc import Node
from chain.errors import NodeFault

Answer = dict[str, Any]


class Chaos:
    """Faults by chance, each in so many of a hundred requests."""

    def __init__(self, seed: int, **shares: int) -> None:
        self.dice = random.Random(seed)
        self.shares = shares
        self.told: dict[str, int] = {}
        self.heads: list[Answer] = []

    def node(self, behind: Node, name: str = "chaotic") -> Node:
        """Return a node that suffers from it."""

        def carry(body: bytes) -> bytes:
            if self._strikes("timeout"):
                raise NodeFault(f"{name} does not answer: ReadTimeout")
            asked = json.loads(body)
            answers = json.loads(behind._transport(body))
            rows = [x if isinstance(x, list) else [x] for x in (asked, answers)]
            if self._strikes("error"):
                self._refuse(self.dice.choice(rows[1]))
            for question, answer in zip(*rows, strict=True):
                self._spoil(question, answer)
            return json.dumps(answers).encode()

        return Node(name, carry)

    def _refuse(self, answer: Answer) -> None:
        answer.pop("result", None)
        answer["error"] = {"code": -32005, "message": "query returned more than 10000 results"}

    def _spoil(self, question: Answer, answer: Answer) -> None:
        if question["method"] == "eth_getLogs":
            self._spoil_list(answer)
        elif question["params"][:1] == ["latest"] and answer.get("result"):
            self.heads.append(answer["result"])
            if self._strikes("stale"):
                answer["result"] = self.dice.choice(self.heads[-20:])

    def _spoil_list(self, answer: Answer) -> None:
        found = answer.get("result") or []
        if self._strikes("duplicate"):
            answer["result"] = [log for log in found for _ in range(self.dice.randint(1, 3))]
        elif self._strikes("truncate"):
            answer["result"] = found[: self.dice.randint(0, len(found))]

    def _strikes(self, name: str) -> bool:
        hit = self.dice.randrange(100) < self.shares.get(name, 0)
        self.told[name] = self.told.get(name, 0) + hit
        return hit


def lying(behind: Node, lie: Callable[[str, Any, Any], Any], name: str = "liar") -> Node:
    """Return a node whose results pass through `lie`, which is told the method and its params."""

    def carry(body: bytes) -> bytes:
        asked, answers = json.loads(body), json.loads(behind._transport(body))
        single = not isinstance(asked, list)
        for question, answer in zip(
            [asked] if single else asked, [answers] if single else answers, strict=True
        ):
            if "result" in answer:
                answer["result"] = lie(question["method"], question["params"], answer["result"])
        return json.dumps(answers).encode()

    return Node(name, carry)
