"""A signer inside the test's process, behind the same mappings as the socket's."""

from pathlib import Path
from typing import Any

from chain.clients.signer import Authorized, Signed, authorized_of, signed_of
from chain.signer.backends import LocalKeystore
from chain.signer.desk import Desk
from chain.signer.journal import Journal
from chain.signer.policy import Contracts, Policy
from tests.chain.driver import Chain


class InsideSigner:
    """The client's side without a socket."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def about(self) -> dict[str, str]:
        """Return the paying address."""
        return self.desk.answer({"op": "about"})

    def sign(self, **fields: Any) -> Signed:
        """Return signed bytes."""
        return signed_of(self.desk.answer({"op": "sign", **fields}))

    def authorize(self, **fields: Any) -> Authorized:
        """Return a signature of a deposit address."""
        return authorized_of(self.desk.answer({"op": "authorize", **fields}))


def desk_of(folder: Path, policy: Policy) -> Desk:
    """Return a signer whose seed and log are in `folder`."""
    store = folder / "keystore.json"
    backend = (
        LocalKeystore(store, b"word")
        if store.exists()
        else LocalKeystore.create(store, b"word", work=2)
    )
    return Desk(backend, policy, Journal(folder / "signed.log").open(), backend.xpub)


def signer_of(folder: Path, chain: Chain, disperse: str = "", **contracts: str) -> InsideSigner:
    """Return a signer for a chain, with wide limits."""
    known = Contracts(token=chain.token, disperse=disperse, signing_name="Test USD", **contracts)
    policy = Policy(chains={chain.chain_id: known}, per_payment_micro=10**13, per_day_micro=10**15)
    return InsideSigner(desk_of(folder, policy))
