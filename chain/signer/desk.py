"""The signer itself: policy first, then the log, then the key; one request at a time."""

import threading
from typing import Any

from chain.errors import SignerFault, SignerRefused
from chain.hashing import keccak256
from chain.signer.backends import Backend
from chain.signer.journal import Journal
from chain.signer.policy import Policy, judge
from chain.signer.transactions import Transaction
from exchange import clock


class Desk:
    """Answers requests as the socket carries them: plain mappings in and out."""

    def __init__(self, backend: Backend, policy: Policy, journal: Journal, xpub: str = "") -> None:
        self._backend, self._policy, self._journal = backend, policy, journal
        self._xpub = xpub
        self._one = threading.Lock()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return what a request is answered with; a refusal is an answer too."""
        try:
            match request.get("op"):
                case "about":
                    return {"address": self._backend.address, "xpub": self._xpub}
                case "sign":
                    return self.sign(_transaction(request))
                case _:
                    return {"refused": "form", "message": "there is no such request"}
        except SignerRefused as refusal:
            return {"refused": refusal.rule, "message": refusal.message}
        except SignerFault as fault:
            return {"fault": fault.message}
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            return {"refused": "form", "message": f"malformed: {type(error).__name__}"}

    def sign(self, tx: Transaction) -> dict[str, Any]:
        """Return the signed bytes and their hash. Raises SignerRefused, SignerFault."""
        with self._one:
            place, now_s = (tx.chain_id, tx.nonce), clock.now_s()
            is_cancel = tx.to == self._backend.address and not tx.data
            row = {
                "at_s": now_s, "chain_id": tx.chain_id, "nonce": tx.nonce, "to": tx.to,
                "payload": tx.payload.hex(), "is_cancel": is_cancel,
                "max_fee_wei": tx.max_fee_wei,
            }  # fmt: skip
            try:
                amount = judge(self._policy, tx, self._backend.address)
                self._journal.require_nonce(*place, tx.payload.hex(), is_cancel=is_cancel)
                self._journal.require_day(place, amount, now_s, self._policy.per_day_micro)
            except SignerRefused as refusal:
                self._journal.write(**row, verdict="refused", rule=refusal.rule, amount_micro=0)
                raise
            # on record before the key is used: what was signed and lost still counts
            self._journal.write(**row, verdict="signed", rule="", amount_micro=amount)
            signature = self._backend.sign(tx.digest)
        raw = tx.signed(signature)
        return {"raw": "0x" + raw.hex(), "hash": "0x" + keccak256(raw).hex()}


def _transaction(request: dict[str, Any]) -> Transaction:
    numbers = ("chain_id", "nonce", "gas", "max_fee_wei", "tip_wei")
    return Transaction(
        to=str(request["to"]).lower(),
        data=bytes.fromhex(request["data"].removeprefix("0x")),
        value=int(request.get("value", 0)),
        **{name: int(request[name]) for name in numbers},
    )
