"""A paying key that lives with Turnkey: requests stamped, answers believed only after recovery."""

import json
from collections.abc import Callable

import requests
from turnkey_api_key_stamper import ApiKeyStamper, ApiKeyStamperConfig

from chain.errors import SignerFault
from chain.signer.transactions import LOW_S_MAX, Signature
from exchange import clock

BASE = "https://api.turnkey.com"
PATH = "/public/v1/submit/sign_raw_payload"
WITHIN_S = 10.0
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

Post = Callable[[str, bytes, dict[str, str]], tuple[int, bytes]]


class Turnkey:
    """One organisation's key, named by its address."""

    def __init__(  # an account, its key, and how to reach it
        self,
        *,
        organization: str,
        address: str,
        api_public_key: str,
        api_private_key: str,
        base: str = BASE,
        post: Post | None = None,
    ) -> None:
        self.address = address.lower()
        self._organization = organization
        self._url = base + PATH
        config = ApiKeyStamperConfig(api_public_key=api_public_key, api_private_key=api_private_key)
        self._stamper = ApiKeyStamper(config)
        self._post = post or _post

    def sign(self, digest: bytes) -> Signature:
        """Return the signature of a digest.

        Raises:  SignerFault for no answer, an unfinished one, or a signature that is not ours.
        """
        return self._sign(self.address, digest)

    def sign_deposit(self, index: int, address: str, digest: bytes) -> Signature:
        """Return one of a deposit address, which is an account of the custodian's wallet, too.

        Raises:  as `sign`.
        """
        del index
        return self._sign(address, digest)

    def _sign(self, address: str, digest: bytes) -> Signature:
        body = json.dumps({
            "type": "ACTIVITY_TYPE_SIGN_RAW_PAYLOAD_V2",
            "timestampMs": str(clock.now_ms()),
            "organizationId": self._organization,
            "parameters": {
                "signWith": address,
                "payload": "0x" + digest.hex(),
                "encoding": "PAYLOAD_ENCODING_HEXADECIMAL",
                "hashFunction": "HASH_FUNCTION_NO_OP",
            },
        })  # fmt: skip
        stamp = self._stamper.stamp(body)
        headers = {
            stamp.stamp_header_name: stamp.stamp_header_value,
            "Content-Type": "application/json",
        }
        status, answer = self._post(self._url, body.encode(), headers)
        return _checked(status, answer, digest, address)


def _checked(status: int, answer: bytes, digest: bytes, address: str) -> Signature:
    try:
        result = json.loads(answer)["activity"]["result"]["signRawPayloadResult"]
        found = Signature(*(int(result[name], 16) for name in ("r", "s", "v")))
    except (ValueError, KeyError, TypeError) as error:
        raise SignerFault(f"the custodian answered {status} without a signature") from error
    parity = found.parity - 27 if found.parity >= 27 else found.parity  # noqa: PLR2004 (27, 28)
    low = Signature(found.r, found.s, parity)
    if found.s > LOW_S_MAX:
        low = Signature(found.r, ORDER - found.s, parity ^ 1)
    try:
        signer = low.signer_of(digest)
    except Exception as error:  # the library raises a bare Exception for a point off the curve
        raise SignerFault("the custodian's signature is broken") from error
    if signer != address:
        raise SignerFault("the custodian signed with another key, or something else")
    return low


def _post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    try:
        answer = requests.post(
            url, data=body, headers=headers, timeout=WITHIN_S, allow_redirects=False
        )
    except requests.RequestException as error:
        raise SignerFault(f"the custodian does not answer: {type(error).__name__}") from error
    return answer.status_code, answer.content
