"""EIP-3009 authorisations: the digest that a deposit address signs to let its money be moved."""

from dataclasses import dataclass

from chain.hashing import keccak256

PREFIX = b"\x19\x01"
DOMAIN_TYPE = keccak256(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
TRANSFER_TYPE = keccak256(
    b"TransferWithAuthorization(address from,address to,uint256 value,"
    b"uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The token on its chain, as EIP-712 names it."""

    name: str
    version: str
    chain_id: int
    token: str

    @property
    def separator(self) -> bytes:
        """What parts signatures for this token from those for any other."""
        words = keccak256(self.name.encode()) + keccak256(self.version.encode())
        return keccak256(DOMAIN_TYPE + words + _word(self.chain_id) + _word(int(self.token, 16)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """A transfer that whoever holds the signature may play once, until `valid_before_s`."""

    owner: str
    to: str
    amount_micro: int
    valid_before_s: int
    nonce: bytes

    def digest(self, domain: Domain) -> bytes:
        """What is signed; it is valid from the beginning of time."""
        numbers = (int(self.owner, 16), int(self.to, 16), self.amount_micro, 0, self.valid_before_s)
        words = b"".join(map(_word, numbers)) + self.nonce
        return keccak256(PREFIX + domain.separator + keccak256(TRANSFER_TYPE + words))


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")
