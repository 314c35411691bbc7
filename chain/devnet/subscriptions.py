"""What one WebSocket has subscribed to, and the messages that wait for it."""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from typing import Any

from chain.devnet import hexes, jsonrpc
from chain.devnet.blocks import Log
from chain.devnet.chain import Chain, Change
from chain.devnet.errors import bad_params
from chain.devnet.filters import LogFilter, read_filter
from chain.devnet.node import argument
from chain.devnet.rendering import header, log_json
from chain.devnet.transactions import Transaction

WAITING_MAX = 20_000
SUBSCRIPTIONS_MAX = 100


class Subscriber:
    """One listener to the chain; its messages wait in a queue of bounded length."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._heads: set[str] = set()
        self._pending: set[str] = set()
        self._logs: dict[str, LogFilter] = {}
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue(WAITING_MAX)
        self._lost = False
        chain.listeners.append(self._on_change)
        chain.pool_listeners.append(self._on_waiting)

    def methods(self) -> dict[str, Callable[[list[Any]], Any]]:
        """Return the methods that only a WebSocket has."""
        return {"eth_subscribe": self._subscribe, "eth_unsubscribe": self._unsubscribe}

    def put(self, message: bytes) -> None:
        """Let `message` wait; one too many ends the connection."""
        if not message or self._lost:
            return
        if self._waiting.qsize() >= WAITING_MAX - 1:
            self._lost = True
            self._waiting.put_nowait(None)
        else:
            self._waiting.put_nowait(message.decode())

    async def next_message(self) -> str | None:
        """Return the next message; nothing when some were lost."""
        message = await self._waiting.get()
        return None if self._lost else message

    def close(self) -> None:
        """Stop listening."""
        self._chain.listeners.remove(self._on_change)
        self._chain.pool_listeners.remove(self._on_waiting)

    def _subscribe(self, params: list[Any]) -> str:
        if len(self._heads) + len(self._pending) + len(self._logs) >= SUBSCRIPTIONS_MAX:
            raise bad_params(f"more than {SUBSCRIPTIONS_MAX} subscriptions")
        name = "0x" + secrets.token_hex(16)
        match argument(params, 0):
            case "newHeads":
                self._heads.add(name)
            case "logs":
                self._logs[name] = read_filter(argument(params, 1, {}))
            case "newPendingTransactions":
                self._pending.add(name)
            case other:
                raise bad_params(f'no "{str(other)[:40]}" subscription in eth namespace')
        return name

    def _unsubscribe(self, params: list[Any]) -> bool:
        name = argument(params, 0)
        for kept in (self._heads, self._pending):
            if name in kept:
                kept.discard(name)
                return True
        return self._logs.pop(name, None) is not None

    def _on_change(self, change: Change) -> None:
        for block in change.removed:
            self._tell_logs(reversed(block.logs()), removed=True)
        for block in change.added:
            for name in self._heads:
                self.put(jsonrpc.notification(name, header(block)))
            self._tell_logs(block.logs(), removed=False)

    def _tell_logs(self, logs: Iterable[Log], *, removed: bool) -> None:
        for log in logs:
            for name, wanted in self._logs.items():
                if wanted.admits(log):
                    self.put(jsonrpc.notification(name, log_json(log, removed=removed)))

    def _on_waiting(self, tx: Transaction) -> None:
        for name in self._pending:
            self.put(jsonrpc.notification(name, hexes.shown(tx.hash)))
