"""The signer itself: policy first, then the log, then the key; one request at a time."""

import threading
from dataclasses import dataclass
from typing import Any

from chain.errors import SignerFault, SignerRefused
from chain.hashing import keccak256
from chain.signer.authorizations import Authorization
from chain.signer.backends import Backend, deposit_address
from chain.signer.journal import Journal, Place
from chain.signer.policy import (
    Cost,
    Policy,
    contracts_of,
    judge,
    judge_deposit,
    require_treasury,
)
from chain.signer.transactions import Signature, Transaction
from exchange import clock

NONCE_BYTES = 32


@dataclass(frozen=True, slots=True)
class _Purpose:
    """One signature as the log keeps it: where it stands, what for, and whether it takes back."""

    place: Place
    payload: str
    is_cancel: bool
    words: dict[str, Any]


class Desk:
    """Answers requests as the socket carries them: plain mappings in and out."""

    def __init__(self, backend: Backend, policy: Policy, journal: Journal, xpub: str = "") -> None:
        self._backend, self._policy, self._journal = backend, policy, journal
        self._xpub = xpub
        self._one = threading.Lock()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return what a request is answered with; a refusal is an answer too."""
        try:
            return self._answer(request)
        except SignerRefused as refusal:
            return {"refused": refusal.rule, "message": refusal.message}
        except SignerFault as fault:
            return {"fault": fault.message}
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            return {"refused": "form", "message": f"malformed: {type(error).__name__}"}

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        match request.get("op"):
            case "about":
                return {"address": self._backend.address, "xpub": self._xpub}
            case "sign":
                return self._sign(request)
            case "authorize":
                return self._authorize(request)
            case _:
                return {"refused": "form", "message": "there is no such request"}

    def _sign(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a transaction's signed bytes and their hash. Raises SignerRefused, SignerFault.

        By the paying wallet, or where the sender is the deposit address at `index`, by that.
        """
        tx, own = _transaction(request), self._backend.address
        index, deposit = self._deposit(request)
        sender = str(request.get("sender") or own).lower()
        if sender not in {own, deposit}:
            raise SignerRefused(f"no key of this signer belongs to {sender}", rule="key")
        is_deposit = sender != own
        asked = _Purpose(
            (tx.chain_id, tx.nonce, sender if is_deposit else ""),
            tx.payload.hex(),
            tx.to == sender and not tx.data and not tx.value,
            {"to": tx.to, "max_fee_wei": tx.max_fee_wei},
        )
        with self._one:
            if is_deposit:
                self._admit(asked, lambda: judge_deposit(self._policy, tx, deposit))
                signature = self._backend.sign_deposit(index, deposit, tx.digest)
            else:
                self._admit(asked, lambda: judge(self._policy, tx, own, deposit))
                signature = self._backend.sign(tx.digest)
        raw = tx.signed(signature)
        return {"raw": "0x" + raw.hex(), "hash": "0x" + keccak256(raw).hex()}

    def _authorize(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a deposit address's signature of a transfer to the treasury, and to nobody else.

        Raises:  SignerRefused, SignerFault.
        """
        chain_id, to = int(request["chain_id"]), str(request["to"]).lower()
        index, owner = self._deposit(request)
        wish = Authorization(
            owner=owner,
            to=to,
            amount_micro=int(request["amount_micro"]),
            valid_before_s=int(request["valid_before_s"]),
            nonce=bytes.fromhex(str(request["nonce"]).removeprefix("0x")),
        )
        if not owner or wish.amount_micro <= 0 or len(wish.nonce) != NONCE_BYTES:
            raise ValueError("an owner, an amount and a nonce of 32 bytes")
        place = (chain_id, wish.nonce.hex(), owner)

        def judged() -> Cost:
            require_treasury(contracts_of(self._policy, chain_id), to)
            return Cost(swept_micro=wish.amount_micro)

        with self._one:
            self._admit(_Purpose(place, "", False, {"to": to}), judged)
            domain = contracts_of(self._policy, chain_id).domain(chain_id)
            found = self._backend.sign_deposit(index, owner, wish.digest(domain))
        return _spelt(found, owner)

    def _admit(self, asked: _Purpose, judged: Any) -> None:
        """Ask the policy and the log, and put the decision on record before a key is used.

        What was signed and lost still counts. Raises SignerRefused.
        """
        chain_id, nonce, sender = asked.place
        row: dict[str, Any] = {
            "at_s": clock.now_s(), "chain_id": chain_id, "nonce": nonce, "payload": asked.payload,
            "is_cancel": asked.is_cancel, **({"sender": sender} if sender else {}), **asked.words,
        }  # fmt: skip
        policy, log = self._policy, self._journal
        try:
            cost: Cost = judged()
            log.require_nonce(asked.place, asked.payload, is_cancel=asked.is_cancel)
            log.require_day("amount_micro", asked.place, cost.paid_micro, policy.per_day_micro)
            log.require_day(
                "swept_micro", asked.place, cost.swept_micro, policy.swept_per_day_micro
            )
            log.require_day("given_wei", asked.place, cost.given_wei, policy.gas_gifts_per_day_wei)
        except SignerRefused as refusal:
            log.write(**row, verdict="refused", rule=refusal.rule, amount_micro=0)
            raise
        let_go = {"swept_micro": cost.swept_micro, "given_wei": cost.given_wei}
        more = {name: amount for name, amount in let_go.items() if amount}
        log.write(**row, verdict="signed", rule="", amount_micro=cost.paid_micro, **more)

    def _deposit(self, request: dict[str, Any]) -> tuple[int, str]:
        """Return the deposit address a request names by its index, derived here and not believed.

        Raises:  ValueError for no such index, or where no public key of deposits is known.
        """
        if request.get("index") is None:
            return 0, ""
        index = int(request["index"])
        return index, deposit_address(self._xpub, index)


def _transaction(request: dict[str, Any]) -> Transaction:
    numbers = ("chain_id", "nonce", "gas", "max_fee_wei", "tip_wei")
    return Transaction(
        to=str(request["to"]).lower(),
        data=bytes.fromhex(request["data"].removeprefix("0x")),
        value=int(request.get("value", 0)),
        **{name: int(request[name]) for name in numbers},
    )


def _spelt(signature: Signature, owner: str) -> dict[str, Any]:
    return {
        "owner": owner,
        "v": 27 + signature.parity,
        "r": f"0x{signature.r:064x}",
        "s": f"0x{signature.s:064x}",
    }
