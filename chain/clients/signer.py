"""The way to the signer: a Unix socket. Nothing on this side can read a key."""

import json
import socket
from dataclasses import dataclass
from typing import Any, Protocol

from django.conf import settings

from chain.errors import SignerFault, SignerRefused

WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Signed:
    """Signed bytes and the hash by which the chain will know them."""

    raw: bytes
    tx_hash: str


@dataclass(frozen=True, slots=True)
class Authorized:
    """A deposit address's signature that lets its money be moved to the treasury."""

    owner: str
    v: int
    r: int
    s: int


class Signer(Protocol):
    """What signs transactions, and authorisations of deposit addresses."""

    def about(self) -> dict[str, str]:
        """Return the paying address and the deposits' public key. Raises SignerFault."""

    def sign(self, **fields: Any) -> Signed:
        """Return signed bytes. Raises SignerRefused, SignerFault."""

    def authorize(self, **fields: Any) -> Authorized:
        """Return a signature of a deposit address. Raises SignerRefused, SignerFault."""


class SocketSigner:
    """The signer's process behind its socket; one connection per request."""

    def __init__(self, path: str) -> None:
        self._path = path

    def about(self) -> dict[str, str]:
        """Return the paying address and the deposits' public key. Raises SignerFault."""
        answer = self._ask({"op": "about"})
        _require(answer, "address")
        return answer

    def sign(self, **fields: Any) -> Signed:
        """Return signed bytes. Raises SignerRefused, SignerFault."""
        return signed_of(self._ask({"op": "sign", **fields}))

    def authorize(self, **fields: Any) -> Authorized:
        """Return a signature of a deposit address. Raises SignerRefused, SignerFault."""
        return authorized_of(self._ask({"op": "authorize", **fields}))

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX) as channel:
                channel.settimeout(WITHIN_S)
                channel.connect(self._path)
                channel.sendall(json.dumps(request).encode() + b"\n")
                with channel.makefile("rb") as answers:
                    answer: dict[str, Any] = json.loads(answers.readline() or b"null") or {}
        except (OSError, ValueError) as error:
            raise SignerFault(f"the signer does not answer: {type(error).__name__}") from error
        return answer


def signed_of(answer: dict[str, Any]) -> Signed:
    """Return what a request was answered with. Raises SignerRefused, SignerFault."""
    _require(answer, "raw")
    return Signed(bytes.fromhex(answer["raw"].removeprefix("0x")), str(answer["hash"]))


def authorized_of(answer: dict[str, Any]) -> Authorized:
    """Return what an authorisation was answered with. Raises SignerRefused, SignerFault."""
    _require(answer, "v")
    return Authorized(
        str(answer["owner"]), int(answer["v"]), int(answer["r"], 16), int(answer["s"], 16)
    )


def _require(answer: dict[str, Any], name: str) -> None:
    if "refused" in answer:
        raise SignerRefused(str(answer.get("message")), rule=str(answer["refused"]))
    if name not in answer:
        raise SignerFault(str(answer.get("fault", "the signer closed the connection")))


def configured() -> Signer:
    """Return the signer of this installation."""
    return SocketSigner(settings.CHAIN_SIGNER_SOCKET)
