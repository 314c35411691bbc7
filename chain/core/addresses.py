"""Addresses of EVM chains: the EIP-55 spelling, and which ones nobody may be paid at."""

import re
from collections.abc import Callable

Digest = Callable[[bytes], bytes]

BYTES = 20
FORM = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
ZERO = "0x" + "00" * BYTES
# Where tokens are sent to be lost, as people write them.
BURN = frozenset({
    ZERO,
    "0x000000000000000000000000000000000000dead",
    "0xdead000000000000000042069420694206942069",
    "0xdeaddeaddeaddeaddeaddeaddeaddeaddeaddead",
    "0xffffffffffffffffffffffffffffffffffffffff",
    "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
})  # fmt: skip
# The chain's own programs answer at the lowest addresses, and Arbitrum's at 0x64 to 0xff.
LOWEST_USABLE = 0x10000
UPPER_FROM = 8


def checksummed(address: str, keccak: Digest) -> str:
    """Return the EIP-55 spelling of an address in any spelling."""
    digits = address[2:].lower()
    marks = keccak(digits.encode()).hex()
    return "0x" + "".join(
        d.upper() if int(m, 16) >= UPPER_FROM else d for d, m in zip(digits, marks, strict=False)
    )


def fault_of(text: str, keccak: Digest) -> str:
    """Return what is wrong with an address as somebody typed it, or nothing.

    Mixed case must be the checksum; one case throughout carries none and is refused, because a
    slip of one character in it would go unnoticed.
    """
    if not FORM.fullmatch(text):
        return "malformed"
    lower = text.lower()
    if lower in BURN:
        return "burn"
    if int(lower, 16) < LOWEST_USABLE:
        return "reserved"
    if text != checksummed(text, keccak):
        return "checksum"
    return ""
