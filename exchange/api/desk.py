"""Where the participants of sessions hand in their orders: one event loop, many in one statement.

A view has a thread and the frameworks' rounds for each request: 6 ms of the processor, where the
order itself needs less than one (docs/BENCHMARKS.md, S1). What comes here is told by its head: an
order, by POST, with a participant's token. It is read, checked, counted and answered by the
functions that the view uses, and whatever is unusual about it goes on to the view.
"""

import asyncio
import io
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import structlog
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from exchange import limits
from exchange.api import desk_batch, errors, parsing
from exchange.api.auth import SCHEME
from exchange.api.desk_batch import Answer, Order
from exchange.api.endpoint import KEY_HEADER
from exchange.api.session_endpoint import SECRET_MAX
from exchange.errors import Unavailable
from exchange.services import metrics
from exchange.services.sessions.lobby import TOKEN_PREFIX
from exchange.services.tokens import digest

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PATH = re.compile(r"/api/v1/sessions/([^/]+)/orders/")
ACCEPTED = ("", "*/*", "application/json")
# An order waits for its tick, at least 100 ms, so it can wait a moment for others.
GATHER_S = 0.02
BATCH_MAX = 500
# With more before it an order would not be taken in time; it is kinder to say so at once.
WAITING_MAX = 5_000


class OrderDesk:
    """An ASGI application that takes orders with a participant's token and passes on the rest."""

    def __init__(self, onward: App) -> None:
        self.onward = onward
        self._waiting: list[tuple[Order, asyncio.Future[Answer]]] = []
        self._at_work: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="order-desk")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an order, or let the views answer."""
        asked = _asked(scope)
        if asked is None:
            await self.onward(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            return  # whoever asked has gone
        request, code, secret = asked
        given = request.META.get("HTTP_X_REQUEST_ID") or str(uuid.uuid4())
        with structlog.contextvars.bound_contextvars(request_id=given):
            response = await self._answered(_order(request, code, secret, body))
        metrics.SESSION_ORDERS.labels(response.status_code).inc()
        await _send(send, response, _dress(secure=request.is_secure()))

    async def _answered(self, order: Order) -> HttpResponse:
        answer: Answer
        try:
            async with asyncio.timeout(settings.DB_PATIENCE_S):
                answer = await self._handed_in(order)
        except TimeoutError:
            answer = _busy("the session did not answer in time")
        return errors.answered(answer) if isinstance(answer, Exception) else answer

    def _handed_in(self, order: Order) -> asyncio.Future[Answer]:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if len(self._waiting) >= WAITING_MAX:
            future.set_result(_busy(f"{WAITING_MAX} orders wait already"))
            return future
        self._waiting.append((order, future))
        if self._at_work is None:
            self._at_work = asyncio.create_task(self._work())
        return future

    async def _work(self) -> None:
        """Take what has gathered, in the order of its arrival, until nothing waits."""
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                await asyncio.sleep(GATHER_S)
                batch = [(o, f) for o, f in self._waiting[:BATCH_MAX] if not f.done()]
                del self._waiting[:BATCH_MAX]
                orders = [order for order, _ in batch]
                answers = await loop.run_in_executor(self._thread, desk_batch.take, orders)
                for (_, future), answer in zip(batch, answers, strict=True):
                    if not future.done():
                        future.set_result(answer)
        finally:
            self._at_work = None


def _asked(scope: Scope) -> tuple[ASGIRequest, str, str] | None:
    """Return a request with its session's code and token, or None where the views answer."""
    found = PATH.fullmatch(scope["path"])
    if found is None or scope["method"] != "POST" or scope.get("root_path"):
        return None
    names = [name for name, _ in scope["headers"]]
    if len(set(names)) < len(names):
        return None
    try:
        request = ASGIRequest(scope, io.BytesIO())
    except (ValueError, LookupError):
        return None  # a query or a type that cannot be read
    scheme, _, given = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    secret = given.strip()
    length = request.META.get("CONTENT_LENGTH", "")
    ours = (
        scheme.lower() == SCHEME
        and secret.startswith(TOKEN_PREFIX)
        and len(secret) <= SECRET_MAX
        and request.content_type == parsing.StrictJSONParser.media_type
        and request.META.get("HTTP_ACCEPT", "") in ACCEPTED
        and length.isdecimal()
        and 0 < int(length[:9]) <= parsing.BYTES_MAX
        and (request.is_secure() or not settings.SECURE_SSL_REDIRECT)
        and _is_our_host(request)
    )
    return (request, found[1], secret) if ours else None


def _is_our_host(request: ASGIRequest) -> bool:
    try:
        return bool(request.get_host())
    except DisallowedHost:
        return False


def _order(request: ASGIRequest, code: str, secret: str, body: bytes) -> Order:
    return Order(
        code=code,
        digest=digest(secret),
        address=limits.address_of(request),
        key=request.headers.get(KEY_HEADER, ""),
        body=body,
    )


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body, or None where its sender is gone."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Send, response: HttpResponse, dress: dict[str, str]) -> None:
    headers = {**dress, **response.headers, "Content-Length": str(len(response.content))}
    pairs = [(name.encode("ascii"), value.encode("latin1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": pairs})
    await send({"type": "http.response.body", "body": response.content})


@lru_cache(maxsize=2)
def _dress(*, secure: bool) -> dict[str, str]:
    """Return the headers that the site's middleware gives to every answer."""
    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    request = ASGIRequest({**scope, "scheme": "https" if secure else "http"}, io.BytesIO())
    bare = HttpResponse()
    for middleware in (SecurityMiddleware, XFrameOptionsMiddleware, CSPMiddleware):
        middleware(lambda _: bare).process_response(request, bare)
    return {name: value for name, value in bare.headers.items() if name != "Content-Type"}


def _busy(message: str) -> Unavailable:
    return Unavailable(f"{message}; ask again with the same key", code="busy")
