"""Where the paying key is: a keystore of our own for development, or a custodian's API.

A key management service fits the same interface: it answers a digest with a DER signature over
secp256k1; take the lower s, try both parities, and keep the one that recovers the address.
"""

import json
import secrets
from pathlib import Path
from typing import Protocol

from bip32 import BIP32
from coincurve import PrivateKey, PublicKey
from eth_keyfile.keyfile import create_keyfile_json, decode_keyfile_json

from chain.errors import SignerFault
from chain.hashing import keccak256
from chain.signer.transactions import Signature

# Authorisations and transfers of deposit addresses are signed by the keys below this path.
DEPOSITS_PATH = "m/44'/60'/1'"
HOT_PATH = "m/44'/60'/2'/0/0"
SEED_BYTES = 32
HARDENED = 2**31


class Backend(Protocol):
    """What signs a digest with the paying key, or with that of a deposit address."""

    address: str

    def sign(self, digest: bytes) -> Signature:
        """Return a signature that recovers `address`. Raises SignerFault."""

    def sign_deposit(self, index: int, address: str, digest: bytes) -> Signature:
        """Return one that recovers the deposit address at `index`. Raises SignerFault."""


def deposit_address(xpub: str, index: int) -> str:
    """Return the deposit address at an index, in lower case. Raises ValueError for no such key."""
    if not 0 <= index < HARDENED:
        raise ValueError("an index below the hardened ones")
    return _address(PublicKey(BIP32.from_xpub(xpub).get_pubkey_from_path([index])))


class LocalKeystore:
    """A seed in an encrypted file; the paying key and the deposits' public key come from it."""

    def __init__(self, path: Path, password: bytes) -> None:
        seed = bytes(decode_keyfile_json(json.loads(path.read_text()), password))
        tree = BIP32.from_seed(seed)
        self._key = PrivateKey(tree.get_privkey_from_path(HOT_PATH))
        self._deposits = BIP32.from_xpriv(tree.get_xpriv_from_path(DEPOSITS_PATH))
        self.address = _address(self._key.public_key)
        self.xpub = str(tree.get_xpub_from_path(DEPOSITS_PATH))

    @classmethod
    def create(cls, path: Path, password: bytes, *, work: int = 2**14) -> "LocalKeystore":
        """Make a new seed and write it encrypted, readable by its owner alone."""
        made = create_keyfile_json(
            secrets.token_bytes(SEED_BYTES), password, kdf="scrypt", iterations=work
        )
        path.touch(mode=0o600)
        path.write_text(json.dumps(made))
        return cls(path, password)

    def sign(self, digest: bytes) -> Signature:
        """Return the signature of a digest."""
        return _signed(self._key, digest)

    def sign_deposit(self, index: int, address: str, digest: bytes) -> Signature:
        """Return the signature of a digest by a deposit address. Raises SignerFault."""
        key = PrivateKey(self._deposits.get_privkey_from_path([index]))
        if _address(key.public_key) != address:
            raise SignerFault(f"no key of this signer belongs to {address}")
        return _signed(key, digest)


def _signed(key: PrivateKey, digest: bytes) -> Signature:
    packed = key.sign_recoverable(digest, hasher=None)
    r, s = int.from_bytes(packed[:32], "big"), int.from_bytes(packed[32:64], "big")
    return Signature(r, s, packed[64])


def _address(key: PublicKey) -> str:
    return "0x" + keccak256(key.format(compressed=False)[1:])[12:].hex()
