"""The words between a worker and the model process: one framed question, one framed answer.

A frame is four bytes of length and that much JSON. Nothing longer than the bound is ever read.
"""

import json
import socket
import struct
from typing import Any

from oracle.analysts.nets import ReaderAway

REQUEST_BYTES_MAX = 1 << 20
ANSWER_BYTES_MAX = 1 << 20
TEXTS_MAX = 64
TEXT_CHARACTERS_MAX = 8_000
ANSWERS_MAX = 16
TOKENS_MAX = 128
WITHIN_MS_MAX = 60_000
_HEAD = struct.Struct(">I")


class Garbled(ReaderAway):
    """What came over the socket is no frame of ours."""


def send(line: socket.socket, said: Any) -> None:
    """Send one frame."""
    body = json.dumps(said, separators=(",", ":")).encode()
    line.sendall(_HEAD.pack(len(body)) + body)


def receive(line: socket.socket, bytes_max: int) -> Any:
    """Return what one frame holds. Raises Garbled for anything else, OSError for a dead line."""
    (size,) = _HEAD.unpack(_exactly(line, _HEAD.size))
    if size > bytes_max:
        raise Garbled(f"a frame of {size} bytes")
    try:
        return json.loads(_exactly(line, size))
    except (ValueError, RecursionError) as error:
        raise Garbled("a frame that is not JSON") from error


def _exactly(line: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = line.recv(min(65_536, size - len(parts)))
        if not part:
            raise Garbled("the line ended in the middle")
        parts += part
    return bytes(parts)
