"""A browser with a socket to a market's page, and a session if somebody signed in."""

import contextlib
import json
import time
from collections.abc import Sequence
from typing import Any

from django.test import Client
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from exchange.models import User
from tests.patience import PATIENCE_S


def sign_in(user: User) -> Client:
    """Return a signed-in browser without sockets."""
    client = Client()
    client.force_login(user)
    return client


def session_of(client: Client) -> str:
    """Return the cookie of a signed-in browser."""
    return client.cookies["sessionid"].value


class Browser:
    """One open socket."""

    def __init__(
        self,
        port: int,
        markets: Sequence[int],
        *,
        session: str = "",
        query: str = "",
        origin: str = "",
    ) -> None:
        asked = query or "m=" + ",".join(map(str, markets))
        self.heard: list[dict[str, Any]] = []
        self._open = contextlib.ExitStack()
        ours: Any = origin or f"http://127.0.0.1:{port}"
        line = connect(
            f"ws://127.0.0.1:{port}/ws/markets/?{asked}",
            origin=ours,
            additional_headers={"Cookie": f"sessionid={session}"} if session else None,
            open_timeout=PATIENCE_S,
            close_timeout=2,
            max_size=None,
            ping_interval=None,
            proxy=None,
        )
        self.socket = self._open.enter_context(line)

    def read(self, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """Return the next message."""
        message: dict[str, Any] = json.loads(self.socket.recv(within_s))
        self.heard.append(message)
        return message

    def next(self, kind: str, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """Return the next message of a kind; heartbeats and others are passed over."""
        deadline = time.monotonic() + within_s
        while True:
            message = self.read(max(0.01, deadline - time.monotonic()))
            if message["type"] == kind:
                return message

    def rest(self, for_s: float) -> list[dict[str, Any]]:
        """Return all that comes within that time, heartbeats left out."""
        found = []
        deadline = time.monotonic() + for_s
        with contextlib.suppress(TimeoutError, ConnectionClosed):
            while (left := deadline - time.monotonic()) > 0:
                message = self.read(left)
                if message["type"] != "heartbeat":
                    found.append(message)
        return found

    def say(self, text: str | bytes) -> None:
        """Send a frame."""
        self.socket.send(text)

    def code(self, within_s: float = PATIENCE_S) -> int:
        """Wait for the end and return its code. Raises TimeoutError if it does not come."""
        deadline = time.monotonic() + within_s
        try:
            while True:
                self.read(max(0.01, deadline - time.monotonic()))
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else 1006

    def close(self) -> None:
        """Close it."""
        self._open.close()
