"""A web server as a child of the benchmark, and a program that trades through it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from random import Random
from types import TracebackType
from typing import Self

from django.urls import reverse

from exchange.models import Market, User
from exchange.services import tokens
from megatron import embedded
from tests.bench.callers import ORDERS_MIN
from tests.bench.place import name

HOST = "127.0.0.1"
START_S_MAX = 60.0
NO_LIMITS = {"THROTTLE_TRADE": "100000/s"}


class Server:
    """One daphne process on a free port of this machine."""

    def __init__(self, application: str, environment: Mapping[str, str]) -> None:
        self.application, self.environment = application, environment
        self.port = _free_port()

    @classmethod
    def of_the_site(cls) -> "Server":
        """Return the site's own server, without limits per account."""
        return cls("megatron.asgi:application", NO_LIMITS)

    def __enter__(self) -> Self:
        words = ["-v", "0", "-b", HOST, "-p", str(self.port), self.application]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "daphne", *words],
            env={**os.environ, **self.environment},
            preexec_fn=embedded.tied(signal.SIGTERM),  # noqa: PLW1509 (one system call)
        )
        deadline = time.monotonic() + START_S_MAX
        while not self._answers():
            assert self.process.poll() is None, "the web server ended"
            assert time.monotonic() < deadline, "the web server does not answer"
            time.sleep(0.05)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.terminate()
        self.process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0


class Trader:
    """A program with a token and one connection that it keeps."""

    def __init__(self, server: Server, market: Market, user_id: int) -> None:
        user = User.objects.get(pk=user_id)
        _, secret = tokens.create(user=user, name="bench", scopes=["read", "trade"])
        self.path = reverse("api-order-create", args=[market.slug])
        self.headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        self.connection = http.client.HTTPConnection(HOST, server.port, timeout=30)
        self._random = Random(0)

    def trade(self, seconds: float) -> list[float]:
        """Buy for so long, one order after the other; return the latencies in milliseconds."""
        latencies: list[float] = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(latencies) < ORDERS_MIN:
            body = json.dumps({"side": "buy", "amount": str(self._random.randint(1, 20))})
            headers = {**self.headers, "Idempotency-Key": name()}
            began = time.perf_counter()
            self.connection.request("POST", self.path, body, headers)
            answer = self.connection.getresponse()
            read = answer.read()
            latencies.append((time.perf_counter() - began) * 1e3)
            assert answer.status == http.HTTPStatus.CREATED, read[:300]
        return latencies


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
