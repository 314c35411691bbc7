"""One careful request: a listed host, a checked address, no redirect, bounded in size and time.

The name is resolved once and the connection goes to the very address that was checked, so that a
name cannot answer one thing to the check and another to the connection.
"""

import random
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from exchange import clock
from oracle.sources import addresses
from oracle.sources.base import SourceDown

AGENT = "Megatron-Oracle/1 (reads feeds; follows no links)"
BODY_BYTES_MAX = 2_000_000
CHUNK_BYTES = 65_536
SOCKET_S_MAX = 5.0
ANSWER_S_MAX = 15.0
RETRIES_MAX = 2
SPREAD_S_MAX = 0.5
RETRY_WAIT_S = 0.5
RETRY_AFTER_S_MAX = 3_600
RETRY_AFTER_DIGITS = 9
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said. `changed` is false, and the body empty, where our copy is still good."""

    body: bytes
    changed: bool
    etag: str
    last_modified: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """How to reach servers. Tests replace the resolver, the judge of addresses and the pause."""

    resolve: addresses.Resolve = addresses.resolve
    permits: Callable[[str], bool] = addresses.is_public
    pause: Callable[[float], None] = field(default=time.sleep)
    answer_s_max: float = ANSWER_S_MAX

    def get(
        self,
        url: str,
        *,
        hosts: Collection[str],
        etag: str = "",
        last_modified: str = "",
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes | None = None,
        spend: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Return the body at `url`, or that it has not changed; retry a little, then give up.

        With a `body` it is posted, as search services want their questions; nothing else differs.

        Raises:  SourceDown, and whatever `spend` raises before a request leaves.
        """
        host, port = _target(url, hosts)
        sent = {**headers, "User-Agent": AGENT, "Accept-Encoding": "identity"}
        if etag:
            sent["If-None-Match"] = etag
        if last_modified:
            sent["If-Modified-Since"] = last_modified
        for attempt in range(RETRIES_MAX + 1):
            spend()
            try:
                return self._once(url, self._address(host, port), sent, body)
            except _Transient as fault:
                if attempt == RETRIES_MAX:
                    raise SourceDown(str(fault)) from fault
                # by chance, so that workers that failed together do not knock together
                spread = random.uniform(0, SPREAD_S_MAX)  # noqa: S311 (no secret)
                self.pause(RETRY_WAIT_S * 2**attempt + spread)
        raise AssertionError("unreachable")

    def _address(self, host: str, port: int) -> str:
        try:
            found = self.resolve(host, port)
        except OSError as error:
            raise _Transient(f"{host} cannot be resolved") from error
        # One bad address among good ones is a name that somebody plays with.
        if not found or not all(self.permits(address) for address in found):
            raise SourceDown(f"{host} leads to an address that is not public")
        return found[0]

    def _once(self, url: str, address: str, headers: dict[str, str], body: bytes | None) -> Answer:
        adapter = _Pinned(address)
        with requests.Session() as session, _deadline(adapter, self.answer_s_max) as overdue:
            session.trust_env = False
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            try:
                with session.request(
                    "GET" if body is None else "POST",
                    url,
                    data=body,
                    headers=headers,
                    allow_redirects=False,
                    stream=True,
                    timeout=(SOCKET_S_MAX, SOCKET_S_MAX),
                ) as response:
                    return _answer(response, overdue)
            except (requests.RequestException, HTTPError, OSError) as error:
                raise _Transient(f"no answer: {type(error).__name__}") from error


class _Transient(Exception):
    """Something that may be different a moment later."""


class _Pinned(HTTPAdapter):
    """Connects to one address whatever the name says; certificate and header stay the name's."""

    def __init__(self, address: str) -> None:
        self.connections: list[HTTPConnection] = []
        self._address = address
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        address, connections = self._address, self.connections

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                connections.append(self)
                return socket.create_connection((address, self.port or 80), SOCKET_S_MAX)

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                connections.append(self)
                return socket.create_connection((address, self.port or 443), SOCKET_S_MAX)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    def hang_up(self) -> None:
        """Break whatever is still connected, so that a reader that waits wakes up."""
        for connection in self.connections:
            if connection.sock is not None:
                _shut(connection.sock)


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it was closed in the meantime, which is what was wanted


@contextmanager
def _deadline(adapter: _Pinned, seconds: float) -> Iterator[Callable[[], bool]]:
    """Hang up when the time is over: a server that drips bytes never trips a socket's own limit."""
    end = clock.monotonic() + seconds
    timer = threading.Timer(seconds, adapter.hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield lambda: clock.monotonic() > end
    finally:
        timer.cancel()


def _target(url: str, hosts: Collection[str]) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port or PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise SourceDown("the address of a source is malformed") from error
    if parts.scheme not in PORTS or parts.username is not None or parts.password is not None:
        raise SourceDown("a source is read over http or https, without a name in the address")
    if host not in {allowed.lower() for allowed in hosts}:
        raise SourceDown(f"{host[:100]!r} is not on this source's list of hosts")
    return host, port


def _answer(response: requests.Response, overdue: Callable[[], bool]) -> Answer:
    status = response.status_code
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise SourceDown("asked too often", retry_after_s=_retry_after(response))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _Transient(f"the server answers {status}")
    if status not in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED):
        raise SourceDown(f"the server answers {status}; redirects are not followed")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise SourceDown("the server compresses although it was asked not to")
    return Answer(
        body=_body(response, overdue),
        changed=status == HTTPStatus.OK,
        etag=response.headers.get("ETag", "")[:200],
        last_modified=response.headers.get("Last-Modified", "")[:60],
    )


def _body(response: requests.Response, overdue: Callable[[], bool]) -> bytes:
    parts, size = [], 0
    while chunk := response.raw.read1(CHUNK_BYTES):
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise SourceDown(f"the answer has more than {BODY_BYTES_MAX} bytes")
        if overdue():
            raise _Transient("the answer took too long")
        parts.append(chunk)
    if overdue():
        raise _Transient("the answer took too long")
    return b"".join(parts)


def _retry_after(response: requests.Response) -> int:
    text = response.headers.get("Retry-After", "")
    digits = text[:RETRY_AFTER_DIGITS]
    return min(int(digits), RETRY_AFTER_S_MAX) if digits.isascii() and digits.isdigit() else 0
