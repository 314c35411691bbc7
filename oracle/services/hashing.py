"""The one spelling of a value that hashes are taken of, so that equal inputs have equal hashes."""

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """Return JSON with sorted names, no spaces and ASCII only.

    Keeps:   equal values have equal bytes on every machine and in every process.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def sha256_hex(value: Any) -> str:
    """Return the SHA-256 of a value's canonical spelling, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def digest_of(*parts: int) -> int:
    """Return a number that spreads evenly over its parts and never changes for them."""
    return int.from_bytes(hashlib.sha256(canonical(parts)).digest()[:8])
