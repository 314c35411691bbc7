"""What the signer is asked to sign: a fee-market transaction, its digest and its signed bytes."""

from dataclasses import dataclass

import rlp
from coincurve import PublicKey

from chain.hashing import keccak256

TYPE = b"\x02"
LOW_S_MAX = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """The fields of an EIP-1559 transaction; addresses are lower case."""

    chain_id: int
    nonce: int
    to: str
    data: bytes
    gas: int
    max_fee_wei: int
    tip_wei: int
    value: int = 0

    @property
    def payload(self) -> bytes:
        """What the transaction does, apart from what it offers for it."""
        return keccak256(self.to.encode() + self.value.to_bytes(32, "big") + self.data)

    @property
    def digest(self) -> bytes:
        """What is signed."""
        return keccak256(TYPE + rlp.encode(self._fields()))

    def signed(self, signature: "Signature") -> bytes:
        """Return the bytes that are sent."""
        signed = [*self._fields(), signature.parity, signature.r, signature.s]
        return TYPE + bytes(rlp.encode(signed))

    def _fields(self) -> list[object]:
        return [
            self.chain_id,
            self.nonce,
            self.tip_wei,
            self.max_fee_wei,
            self.gas,
            bytes.fromhex(self.to[2:]),
            self.value,
            self.data,
            [],
        ]


@dataclass(frozen=True, slots=True)
class Signature:
    """A recoverable signature with the lower of its two possible s."""

    r: int
    s: int
    parity: int

    def signer_of(self, digest: bytes) -> str:
        """Return the address that signed, in lower case. Raises ValueError for a broken one."""
        if self.parity not in {0, 1} or not 0 < self.s <= LOW_S_MAX:
            raise ValueError("not the low form of a signature")
        packed = self.r.to_bytes(32, "big") + self.s.to_bytes(32, "big") + bytes([self.parity])
        key = PublicKey.from_signature_and_message(packed, digest, hasher=None)
        return "0x" + keccak256(key.format(compressed=False)[1:])[12:].hex()
