"""What the node refuses, with the codes and the words that clients of geth look for."""

from typing import Any

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000
LIMIT_EXCEEDED = -32005
REVERTED = 3


class RpcError(Exception):
    """An answer of the JSON-RPC error kind."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def rendered(self) -> dict[str, Any]:
        """Return the error member of a response."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        return error if self.data is None else {**error, "data": self.data}


def refused(message: str) -> RpcError:
    """Return geth's general refusal."""
    return RpcError(SERVER_ERROR, message)


def bad_params(message: str) -> RpcError:
    """Return the refusal of an argument that cannot be read."""
    return RpcError(INVALID_PARAMS, message)
