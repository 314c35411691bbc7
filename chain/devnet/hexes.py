"""Reads and writes the hexadecimal strings of JSON-RPC, as strictly as geth does."""

import re
from collections.abc import Iterable
from typing import Any

from chain.devnet.errors import bad_params

_QUANTITY = re.compile(r"0x(0|[1-9a-fA-F][0-9a-fA-F]*)")
_BYTES = re.compile(r"0x([0-9a-fA-F]{2})*")
_WORD_DIGITS = 66
ADDRESS_BYTES, HASH_BYTES = 20, 32


def quantity(text: Any) -> int:
    """Read a number: 0x and no leading zero."""
    if not isinstance(text, str) or len(text) > _WORD_DIGITS or not _QUANTITY.fullmatch(text):
        raise bad_params(f"invalid argument: {_shown(text)} is not a hexadecimal quantity")
    return int(text, 16)


def octets(text: Any) -> bytes:
    """Read bytes: 0x and an even number of digits."""
    if not isinstance(text, str) or not _BYTES.fullmatch(text):
        raise bad_params(f"invalid argument: {_shown(text)} is not hexadecimal data")
    return bytes.fromhex(text[2:])


def address(text: Any) -> bytes:
    """Read an address in any capitals: whether its checksum holds is the sender's affair."""
    return _exactly(text, ADDRESS_BYTES, "address")


def digest(text: Any) -> bytes:
    """Read a hash."""
    return _exactly(text, HASH_BYTES, "hash")


def digests(texts: Any) -> list[bytes]:
    """Read a list of hashes."""
    if not isinstance(texts, list):
        raise bad_params("invalid argument: a list of hashes is expected")
    return [digest(text) for text in texts]


def shown(value: bytes) -> str:
    """Write bytes."""
    return "0x" + value.hex()


def shown_all(values: Iterable[bytes]) -> list[str]:
    """Write each of several byte strings."""
    return [shown(value) for value in values]


def _exactly(text: Any, length: int, what: str) -> bytes:
    value = octets(text)
    if len(value) != length:
        raise bad_params(f"invalid argument: {_shown(text)} is not an {what} of {length} bytes")
    return value


def _shown(text: Any) -> str:
    return repr(text)[:80]
