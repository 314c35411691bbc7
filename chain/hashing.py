"""Keccak-256, and the spellings that are made with it."""

from functools import lru_cache

from Crypto.Hash import keccak as pycryptodome

from chain.core import addresses


def keccak256(data: bytes) -> bytes:
    """Return the hash that Ethereum uses."""
    return pycryptodome.new(digest_bits=256, data=data).digest()


def selector(signature: str) -> bytes:
    """Return the first four bytes of a call to a function, as `transfer(address,uint256)`."""
    return keccak256(signature.encode())[:4]


def topic(signature: str) -> str:
    """Return the first topic of an event."""
    return "0x" + keccak256(signature.encode()).hex()


@lru_cache(maxsize=4_096)
def checksummed(address: str) -> str:
    """Return the EIP-55 spelling."""
    return addresses.checksummed(address, keccak256)


TRANSFER_TOPIC = topic("Transfer(address,address,uint256)")
