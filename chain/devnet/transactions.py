"""Decodes signed transactions and says what each of them costs before it runs."""

from dataclasses import dataclass, field
from typing import Any

import rlp
from eth.vm.forks.prague.transactions import PragueTransactionBuilder
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from chain.devnet.errors import refused

LEGACY, ACCESS_LIST, DYNAMIC_FEE, SET_CODE = 0, 1, 2, 4
RAW_BYTES_MAX = 128 * 1024
# A first byte from here on begins a list: a transaction of the old kind.
_LIST = 0xC0
_GAS_BASE, _GAS_CREATE, _GAS_WORD_OF_CODE = 21_000, 32_000, 2
_GAS_ZERO, _GAS_BYTE, _GAS_FLOOR_TOKEN, _TOKENS_OF_BYTE = 4, 16, 10, 4
_GAS_LISTED_ADDRESS, _GAS_LISTED_SLOT, _GAS_AUTHORIZATION = 2_400, 1_900, 25_000
CREATE = b""
# Half the order of the curve: the mirror image of a signature is refused (EIP-2).
_S_MAX = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


@dataclass(slots=True, kw_only=True, repr=False)
class Transaction:
    """One transaction, signed or (for a call) only imagined, with the names the machine reads."""

    sender: bytes
    to: bytes
    data: bytes
    value: int
    nonce: int
    gas: int
    max_fee_per_gas: int
    max_priority_fee_per_gas: int
    type_id: int = DYNAMIC_FEE
    chain_id: int | None = None
    access_list: Any = ()
    authorization_list: Any = ()
    signature: tuple[int, int, int] = (0, 0, 0)
    v: int = 0
    raw: bytes = b""
    hash: bytes = b""
    intrinsic_gas: int = field(init=False)

    def __post_init__(self) -> None:
        self.intrinsic_gas = _intrinsic_gas(self)

    @property
    def gas_price(self) -> int:
        """Return the price of the old kind of transaction: there both caps are the same."""
        return self.max_fee_per_gas

    def cost(self) -> int:
        """Return the most that it can take from its sender."""
        return self.gas * self.max_fee_per_gas + self.value

    def gas_floor(self) -> int:
        """Return the least gas it must carry: its data alone may cost more (EIP-7623)."""
        zeros = self.data.count(0)
        tokens = zeros + (len(self.data) - zeros) * _TOKENS_OF_BYTE
        return max(self.intrinsic_gas, _GAS_BASE + tokens * _GAS_FLOOR_TOKEN)

    def effective_price(self, base_fee: int) -> int:
        """Return what it pays for one gas in a block with `base_fee`."""
        return min(self.max_fee_per_gas, base_fee + self.max_priority_fee_per_gas)


def decode(raw: bytes) -> Transaction:
    """Return the signed transaction in `raw`, its sender recovered.

    Raises:  RpcError, in the words of geth, where it cannot be read.
    """
    if not raw:
        raise refused("typed transaction too short")
    if len(raw) > RAW_BYTES_MAX:
        raise refused("oversized data")
    if raw[0] not in {ACCESS_LIST, DYNAMIC_FEE, SET_CODE} and raw[0] < _LIST:
        raise refused("transaction type not supported")
    try:
        signed = PragueTransactionBuilder.decode(raw)
        # That a sender can be recovered says the rest about the signature.
        if not 0 < signed.s <= _S_MAX:
            raise refused("invalid sender")
        return _read(signed, raw)
    except (rlp.exceptions.RLPException, ValidationError, BadSignature) as error:
        raise refused(_why(error)) from error


def _why(error: Exception) -> str:
    words = str(error)
    if "signature" in words.lower() or "sender" in words.lower():
        return "invalid sender"
    return f"rlp: {words[:120]}"


def _read(signed: Any, raw: bytes) -> Transaction:
    kind = raw[0] if raw[0] < _LIST else LEGACY
    return Transaction(
        sender=signed.sender,
        to=signed.to,
        data=signed.data,
        value=signed.value,
        nonce=signed.nonce,
        gas=signed.gas,
        max_fee_per_gas=signed.max_fee_per_gas,
        max_priority_fee_per_gas=signed.max_priority_fee_per_gas,
        type_id=kind,
        chain_id=signed.chain_id,
        access_list=signed.access_list if kind != LEGACY else (),
        authorization_list=signed.authorization_list if kind == SET_CODE else (),
        signature=(signed.y_parity, signed.r, signed.s),
        v=signed.v if kind == LEGACY else signed.y_parity,
        raw=raw,
        hash=bytes(keccak(raw)),
    )


def _intrinsic_gas(tx: Transaction) -> int:
    zeros = tx.data.count(0)
    gas = _GAS_BASE + zeros * _GAS_ZERO + (len(tx.data) - zeros) * _GAS_BYTE
    if tx.to == CREATE:
        gas += _GAS_CREATE + _GAS_WORD_OF_CODE * ((len(tx.data) + 31) // 32)
    for _, slots in tx.access_list:
        gas += _GAS_LISTED_ADDRESS + _GAS_LISTED_SLOT * len(slots)
    return gas + _GAS_AUTHORIZATION * len(tx.authorization_list)
