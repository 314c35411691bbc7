"""The beginning of the development chain: its accounts, its contracts and where they stand.

The mnemonic is published here and guards nothing: the chain's id is its own, so that what these
keys sign is refused on every other chain. Money sent to them elsewhere belongs to any reader.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import rlp
from bip32 import BIP32
from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from chain.contracts import artifact
from chain.devnet.chain import Chain, Rules

CHAIN_ID = 13_371_618
MNEMONIC = "divert false victory loop boss aspect mule glove lawn humor rebel ability"
GENESIS_TIME = 1_750_000_000
# Ten of these accounts hold ether from the start; the first four have work to do.
ACCOUNTS = 10
OWNER, FAUCET, HOT, TREASURY = range(4)
ETHER = 10**18
ETHER_EACH = 1_000_000 * ETHER
FAUCET_MICRO = 1_000_000_000 * 10**6
DEPLOY_GAS, MINT_GAS = 3_000_000, 200_000
MAX_FEE, TIP = 2_000_000_000, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """Where our contracts stand; the same on every start and on every node with these keys."""

    token: str
    disperse: str
    sweeper: str


@cache
def account(index: int, purpose: int = 0) -> LocalAccount:
    """Return the key at m/44'/60'/purpose'/0/index of the published mnemonic."""
    seed = hashlib.pbkdf2_hmac("sha512", MNEMONIC.encode(), b"mnemonic", 2048)
    key = BIP32.from_seed(seed).get_privkey_from_path(f"m/44'/60'/{purpose}'/0/{index}")
    signer: LocalAccount = Account.from_key(key)
    return signer


@cache
def deployed() -> Deployed:
    """Return the addresses of the contracts, which follow from the owner and his nonces."""
    owner = bytes.fromhex(account(OWNER).address[2:])
    token, disperse, sweeper = (
        to_checksum_address(keccak(rlp.encode([owner, nonce]))[-20:]) for nonce in range(3)
    )
    return Deployed(token=token, disperse=disperse, sweeper=sweeper)


def rules(*, time_step: int = 1) -> Rules:
    """Return the rules of the development chain."""
    return Rules(
        chain_id=CHAIN_ID,
        genesis_time=GENESIS_TIME,
        time_step=time_step,
        balances={
            bytes.fromhex(account(index).address[2:]): ETHER_EACH for index in range(ACCOUNTS)
        },
    )


def deployments() -> list[bytes]:
    """Return the signed transactions that deploy our contracts and fill the faucet, in order.

    They do as well on any other node of this chain id where the owner holds ether.
    """
    at = deployed()
    treasury = account(TREASURY).address
    ends = encode(["address", "address"], [at.token, treasury])
    mint = keccak(b"mint(address,uint256)")[:4] + encode(
        ["address", "uint256"], [account(FAUCET).address, FAUCET_MICRO]
    )
    return [
        _signed(0, artifact("TestUSD").bytecode),
        _signed(1, artifact("Disperse").bytecode),
        _signed(2, artifact("Sweeper").bytecode + ends),
        _signed(3, mint, to=at.token),
    ]


def begin(chain: Chain) -> None:
    """Mine the deployments into the first block of an empty chain."""
    for raw in deployments():
        chain.add(raw)
    chain.mine(timestamp=GENESIS_TIME + 1)


def _signed(nonce: int, payload: bytes, to: str | None = None) -> bytes:
    fields: dict[str, Any] = {
        "type": 2,
        "chainId": CHAIN_ID,
        "nonce": nonce,
        "gas": MINT_GAS if to else DEPLOY_GAS,
        "maxFeePerGas": MAX_FEE,
        "maxPriorityFeePerGas": TIP,
        "value": 0,
        "data": payload,
    }
    if to is not None:
        fields["to"] = to
    signed = account(OWNER).sign_transaction(fields)
    return bytes(signed.raw_transaction)
