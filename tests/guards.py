"""What holds for every test: no network, cheap passwords, no memory of the test before."""

import ipaddress
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import OperationalError
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import override_settings

RECURSION_LIMIT = sys.getrecursionlimit()
FLUSH_S_MAX = 60.0
FAST_HASHER = "django.contrib.auth.hashers.MD5PasswordHasher"


class NetworkUsed(RuntimeError):
    """A test tried to reach beyond this machine."""


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Let sockets reach this machine only: Unix sockets and loopback."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


@pytest.fixture(autouse=True, scope="session")
def _cheap_passwords() -> Iterator[None]:
    """Hash passwords quickly: Argon2 is slow on purpose, and no test is about it unless it asks."""
    with override_settings(PASSWORD_HASHERS=[FAST_HASHER, *settings.PASSWORD_HASHERS]):
        yield


@pytest.fixture(autouse=True, scope="session")
def _patient_flush() -> Iterator[None]:
    """Try again to empty the tables where a process of the test still holds one of them.

    A site that serves a test, or the server's end of a process that was killed, may be amidst a
    statement: TRUNCATE then meets a deadlock, or the limit that is set to waiting for locks.
    """
    flush = DatabaseOperations.execute_sql_flush

    def patient(self: DatabaseOperations, statements: list[str]) -> None:
        deadline = time.monotonic() + FLUSH_S_MAX
        while True:
            try:
                return flush(self, statements)
            except OperationalError:
                if time.monotonic() > deadline:
                    raise

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", patient)
        yield


@pytest.fixture(autouse=True)
def _fresh_cache(request: pytest.FixtureRequest) -> Iterator[None]:
    """Forget rate limits and other cached values after a test that may have left some.

    By name and not by clearing: the cache's own `clear` empties the server, broker and all.
    """
    yield
    if not {"db", "client", "live_server"} & set(request.fixturenames):
        return
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        if names := list(server.scan_iter(match=f"{settings.REDIS_PREFIX}:cache:*", count=1000)):
            server.delete(*names)


@pytest.fixture(autouse=True)
def _usual_recursion(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep Python's own limit outside the tests of the chain: py-evm raises it when imported."""
    before = sys.getrecursionlimit()
    if "chain" not in request.path.parts:
        sys.setrecursionlimit(RECURSION_LIMIT)
    yield
    sys.setrecursionlimit(before)


def _guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family != socket.AF_UNIX and not _is_loopback(address[0]):
            raise NetworkUsed(f"a test tried to reach {address[0]}")
        return connect(self, address)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
