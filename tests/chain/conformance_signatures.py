"""Signs what the token understands: EIP-2612 permits and EIP-3009 authorisations."""

from typing import Any

from eth_account.signers.local import LocalAccount

from chain.devnet import genesis
from tests.chain.conformance_bench import AT, FOR_EVER

DOMAIN = {
    "name": "Test USD",
    "version": "2",
    "chainId": genesis.CHAIN_ID,
    "verifyingContract": AT.token,
}
_TRANSFER = [
    {"name": "from", "type": "address"},
    {"name": "to", "type": "address"},
    {"name": "value", "type": "uint256"},
    {"name": "validAfter", "type": "uint256"},
    {"name": "validBefore", "type": "uint256"},
    {"name": "nonce", "type": "bytes32"},
]
_CANCEL = [{"name": "authorizer", "type": "address"}, {"name": "nonce", "type": "bytes32"}]
_PERMIT = [
    {"name": "owner", "type": "address"},
    {"name": "spender", "type": "address"},
    {"name": "value", "type": "uint256"},
    {"name": "nonce", "type": "uint256"},
    {"name": "deadline", "type": "uint256"},
]
Signature = tuple[int, bytes, bytes]


def authorised(
    key: LocalAccount,
    to: str,
    value: int,
    *,
    nonce: bytes = bytes(32),
    after: int = 0,
    before: int = FOR_EVER,
    kind: str = "TransferWithAuthorization",
) -> tuple[Any, ...]:
    """Return the arguments of transferWithAuthorization, signed by `key`."""
    message = {
        "from": key.address,
        "to": to,
        "value": value,
        "validAfter": after,
        "validBefore": before,
        "nonce": nonce,
    }
    return (*message.values(), *_signed(key, {kind: _TRANSFER}, message))


def cancelled(key: LocalAccount, nonce: bytes) -> tuple[Any, ...]:
    """Return the arguments of cancelAuthorization, signed by `key`."""
    message = {"authorizer": key.address, "nonce": nonce}
    return (*message.values(), *_signed(key, {"CancelAuthorization": _CANCEL}, message))


def permitted(
    key: LocalAccount, spender: str, value: int, *, nonce: int = 0, deadline: int = FOR_EVER
) -> tuple[Any, ...]:
    """Return the arguments of permit, signed by `key`."""
    message = {
        "owner": key.address,
        "spender": spender,
        "value": value,
        "nonce": nonce,
        "deadline": deadline,
    }
    signature = _signed(key, {"Permit": _PERMIT}, message)
    return (key.address, spender, value, deadline, *signature)


def swept(key: LocalAccount, value: int, *, nonce: bytes = bytes(32)) -> tuple[Any, ...]:
    """Return a leg of the sweeper, signed by `key`."""
    treasury = genesis.account(genesis.TREASURY).address
    *_, v, r, s = authorised(key, treasury, value, nonce=nonce)
    return (key.address, value, FOR_EVER, nonce, v, r, s)


def swept_by_permit(key: LocalAccount, value: int) -> tuple[Any, ...]:
    """Return a leg of the sweeper that rests on a permit, signed by `key`."""
    *_, v, r, s = permitted(key, AT.sweeper, value)
    return (key.address, value, FOR_EVER, v, r, s)


def _signed(key: LocalAccount, types: dict[str, Any], message: dict[str, Any]) -> Signature:
    signed = key.sign_typed_data(domain_data=DOMAIN, message_types=types, message_data=message)
    return signed.v, signed.r.to_bytes(32), signed.s.to_bytes(32)
