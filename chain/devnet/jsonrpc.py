"""JSON-RPC 2.0: reads requests strictly, finds their method, and writes the answers."""

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from chain.devnet.errors import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RpcError,
)

BATCH_MAX = 1_000
DEPTH_MAX = 32
_ID_CHARACTERS_MAX = 200
Handler = Callable[[str, list[Any]], Any]
# A string, closed or not, or a bracket outside of one.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
log = structlog.get_logger(__name__)


def answer(body: bytes | str, handle: Handler) -> bytes:
    """Return the response to `body`; nothing where it held notifications alone."""
    try:
        asked = _parsed(body)
    except RpcError as error:
        return _encoded(_failed(None, error))
    if not isinstance(asked, list):
        response = _answer_one(asked, handle)
        return _encoded(response) if response is not None else b""
    if not 0 < len(asked) <= BATCH_MAX:
        words = "empty batch" if not asked else f"batch too large: more than {BATCH_MAX} requests"
        return _encoded(_failed(None, RpcError(INVALID_REQUEST, words)))
    responses = [_answer_one(request, handle) for request in asked]
    kept = [response for response in responses if response is not None]
    return _encoded(kept) if kept else b""


def notification(subscription: str, result: Any) -> bytes:
    """Return what a subscriber is sent."""
    return _encoded(
        {
            "jsonrpc": "2.0",
            "method": "eth_subscription",
            "params": {"subscription": subscription, "result": result},
        }
    )


def _answer_one(request: Any, handle: Handler) -> dict[str, Any] | None:
    try:
        name, params = _read(request)
    except RpcError as error:
        return _failed(_id_of(request), error)
    try:
        response = {"jsonrpc": "2.0", "id": request.get("id"), "result": handle(name, params)}
    except RpcError as error:
        response = _failed(request.get("id"), error)
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
        # A fault of ours must not take the node down with everybody on it.
        log.exception("devnet_method_failed", method=name)
        response = _failed(request.get("id"), RpcError(INTERNAL_ERROR, "internal error"))
    return response if "id" in request else None


def _read(request: Any) -> tuple[str, list[Any]]:
    if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, "invalid request")
    name, params = request.get("method"), request.get("params")
    params = [] if params is None else params
    known = _id_of(request) is request.get("id")
    if not isinstance(name, str) or not isinstance(params, list) or not known:
        raise RpcError(INVALID_REQUEST, "invalid request")
    return name, params


def _id_of(request: Any) -> Any:
    """Return the id where it is one, so that a refusal can carry it."""
    found = request.get("id") if isinstance(request, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    return None if isinstance(found, str) and len(found) > _ID_CHARACTERS_MAX else found


def unknown_method(name: str) -> RpcError:
    """Return the refusal of a method that is not there."""
    words = f"the method {name[:80]} does not exist/is not available"
    return RpcError(METHOD_NOT_FOUND, words)


def _parsed(body: bytes | str) -> Any:
    try:
        text = body.decode() if isinstance(body, bytes) else body
        _check_depth(text)
        return json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RpcError(PARSE_ERROR, "parse error") from error


def _check_depth(text: str) -> None:
    """Refuse deep nesting: the machine raised the limit of Python beyond what its parser bears."""
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return
    depth = 0
    for token in _TOKENS.finditer(text):
        first = token[0][0]
        depth += (first in "[{") - (first in "]}")
        if depth > DEPTH_MAX:
            raise ValueError("nested too deeply")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _failed(request_id: Any, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "error": error.rendered()}


def _encoded(response: Any) -> bytes:
    return msgspec.json.encode(response)
