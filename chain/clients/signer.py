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


class Signer(Protocol):
    """What signs transactions."""

    def about(self) -> dict[str, str]:
        """Return the paying address and the deposits' public key. Raises SignerFault."""

    def sign(self, **fields: Any) -> Signed:
        """Return signed bytes. Raises SignerRefused, SignerFault."""


class SocketSigner:
    """The signer's process behind its socket; one connection per request."""

    def __init__(self, path: str) -> None:
        self._path = path

    def about(self) -> dict[str, str]:
        """Return the paying address and the deposits' public key. Raises SignerFault."""
        return self._ask({"op": "about"})

    def sign(self, **fields: Any) -> Signed:
        """Return signed bytes. Raises SignerRefused, SignerFault."""
        return signed_of(self._ask({"op": "sign", **fields}))

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
    if "refused" in answer:
        raise SignerRefused(str(answer.get("message")), rule=str(answer["refused"]))
    if "raw" not in answer:
        raise SignerFault(str(answer.get("fault", "the signer closed the connection")))
    return Signed(bytes.fromhex(answer["raw"].removeprefix("0x")), str(answer["hash"]))


def configured() -> Signer:
    """Return the signer of this installation."""
    return SocketSigner(settings.CHAIN_SIGNER_SOCKET)
