"""A chain's own numbers over JSON-RPC: the base fee of gas, and the price in a pool.

The node's address comes from the environment and is kept nowhere. A block counts when the chain
calls it final, unless the options say otherwise: what a reorganisation may undo is no number.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from exchange.engines.units import PICO
from oracle.sources.base import Observed, SourceDown
from oracle.sources.web import Line, Numbers, Request

BLOCKS = ("finalized", "safe", "latest")
GAS = "gas"
GWEI_WEI = 10**9
WORD_HEX = 64
ADDRESS_HEX = 40
DECIMALS_MAX = 36
Q96 = 2**96
# What a pool is asked: slot0() of Uniswap v3, getReserves() of v2, and those of their kin.
QUESTIONS = {"v3": "0x3850c7bd", "v2": "0x0902f1ac"}


class Chain(Numbers):
    """A series is `gas` (the base fee in gwei), or `v2:0x…` and `v3:0x…`: token 0 in token 1."""

    OPTIONS = frozenset({"block", "decimals_0", "decimals_1"})

    def __init__(self, line: Line) -> None:
        """Refuse a block that no node knows, and tokens with senseless decimals."""
        super().__init__(line)
        self.block = self.option("block", BLOCKS[0])
        if self.block not in BLOCKS:
            raise SourceDown(f"the block is one of {', '.join(BLOCKS)}")
        self.decimals = tuple(self.whole(name, 18) for name in ("decimals_0", "decimals_1"))
        if not all(0 <= one <= DECIMALS_MAX for one in self.decimals):
            raise SourceDown(f"a token has 0 to {DECIMALS_MAX} decimals")

    def question(self, series: str, since: datetime, until: datetime) -> Request:
        """Return one batch: the block, and what the pool says as of it."""
        given = urlsplit(node_url())
        if not given.netloc:
            raise SourceDown("there is no ORACLE_RPC_URL")
        asked = [_call(1, "eth_getBlockByNumber", [self.block, False])]
        if series != GAS:
            kind, address = _pool(series)
            pool = {"to": address, "data": QUESTIONS[kind]}
            asked.append(_call(2, "eth_call", [pool, self.block]))
        root = f"{given.scheme}://{given.netloc}"
        return Request(
            url=root,
            secret=node_url().removeprefix(root),
            headers={"Content-Type": "application/json"},
            body=json.dumps(asked, sort_keys=True).encode(),
        )

    def numbers(self, said: Any, series: str, until: datetime) -> Iterable[Observed]:
        """Return the one number of the newest block that counts."""
        answers = {row["id"]: row["result"] for row in said}
        block = answers[1]
        at = datetime.fromtimestamp(_whole(block["timestamp"]), UTC)
        if series == GAS:
            value_pico = _whole(block["baseFeePerGas"]) * PICO // GWEI_WEI
        else:
            value_pico = self._price(_pool(series)[0], str(answers[2]))
        unit = "gwei" if series == GAS else "token 1 per token 0"
        yield Observed(value_pico=value_pico, unit=unit, observed_at=at, released_at=at)

    def _price(self, kind: str, words: str) -> int:
        first, second = (_whole("0x" + words[2 + n : 2 + n + WORD_HEX]) for n in (0, WORD_HEX))
        above, below = (first * first, Q96 * Q96) if kind == "v3" else (second, first)
        ours, theirs = self.decimals
        price: int = above * PICO * 10**ours // (below * 10**theirs)
        if price <= 0:
            raise ValueError("a pool without a price")
        return price


def node_url() -> str:
    """Return the node's address, which may carry a key."""
    return str(settings.ORACLE_KEYS.get("rpc", ""))


def _call(number: int, method: str, params: list[Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def _pool(series: str) -> tuple[str, str]:
    kind, _, address = series.partition(":")
    digits = address.removeprefix("0x").lower()
    plain = len(digits) == ADDRESS_HEX and set(digits) <= set("0123456789abcdef")
    if kind not in QUESTIONS or not address.startswith("0x") or not plain:
        raise SourceDown(f"{series[:60]!r} is no series here: gas, v2:0x… or v3:0x…")
    return kind, f"0x{digits}"


def _whole(words: Any) -> int:
    if not isinstance(words, str) or not words.startswith("0x"):
        raise TypeError("a number in hexadecimal was expected")
    return int(words, 0)
