"""Blocks, receipts and logs: what each holds, and the header whose hash names the block."""

from dataclasses import dataclass

import rlp
from eth_utils.crypto import keccak

from chain.devnet.accounts import Undo
from chain.devnet.machine import COINBASE, Outcome, Surroundings
from chain.devnet.transactions import CREATE, Transaction

EMPTY_ROOT = bytes(keccak(rlp.encode(b"")))
EMPTY_LIST_HASH = bytes(keccak(rlp.encode([])))
EMPTY_REQUESTS = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
NO_HASH = bytes(32)
NO_NONCE = bytes(8)
BLOOM_BYTES = 256
NO_BLOOM = bytes(BLOOM_BYTES)
EXTRA = b"megatron devnet"
# RLP: from this length on the length itself is written out, and the mark of a byte string.
_SHORT, _BYTE_MARK = 56, 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One event, with its place in the chain."""

    address: bytes
    topics: tuple[bytes, ...]
    payload: bytes
    block_number: int
    block_hash: bytes
    block_time: int
    tx_hash: bytes
    tx_index: int
    log_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of one transaction."""

    tx: Transaction
    index: int
    succeeded: bool
    gas_used: int
    gas_so_far: int
    price: int
    created: bytes
    logs: tuple[Log, ...]
    bloom: bytes


@dataclass(slots=True, kw_only=True)
class Block:
    """One block, and what takes its effects back."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int
    base_fee: int
    gas_used: int
    gas_limit: int
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    bloom: bytes
    mix_hash: bytes
    size: int
    receipts: tuple[Receipt, ...] = ()
    undos: tuple[Undo, ...] = ()

    def logs(self) -> tuple[Log, ...]:
        """Return its events in order."""
        return tuple(log for receipt in self.receipts for log in receipt.logs)


def sealed(
    *,
    parent_hash: bytes,
    around: Surroundings,
    state_root: bytes,
    done: list[tuple[Transaction, Outcome]],
    undo: Undo,
) -> Block:
    """Return the block of `done`, its hash taken over a header of the usual form.

    The roots are digests over what they stand for and not the roots of tries: they bind the block
    to its contents, and nobody can ask for a proof against them.
    """
    blooms = [_bloom(outcome) for _, outcome in done]
    bloom = _united(blooms)
    tx_root = _digest([tx.hash for tx, _ in done])
    receipts_root = _digest([_receipt_line(outcome) for _, outcome in done])
    gas_used = sum(outcome.gas_used for _, outcome in done)
    header = _listed([
        parent_hash, EMPTY_LIST_HASH, COINBASE, state_root, tx_root, receipts_root, bloom, b"",
        _number(around.number), _number(around.gas_limit), _number(gas_used),
        _number(around.timestamp), EXTRA, around.mix_hash, NO_NONCE, _number(around.base_fee),
        EMPTY_ROOT, b"", b"", NO_HASH, EMPTY_REQUESTS,
    ])  # fmt: skip
    block = Block(
        number=around.number,
        hash=bytes(keccak(header)),
        parent_hash=parent_hash,
        timestamp=around.timestamp,
        base_fee=around.base_fee,
        gas_used=gas_used,
        gas_limit=around.gas_limit,
        state_root=state_root,
        transactions_root=tx_root,
        receipts_root=receipts_root,
        bloom=bloom,
        mix_hash=around.mix_hash,
        size=len(header) + sum(len(tx.raw) for tx, _ in done),
        undos=(undo,) if undo else (),
    )
    block.receipts = _receipts(block, done, blooms)
    return block


def _receipts(
    block: Block, done: list[tuple[Transaction, Outcome]], blooms: list[bytes]
) -> tuple[Receipt, ...]:
    receipts: list[Receipt] = []
    gas_so_far = logs_so_far = 0
    for index, (tx, outcome) in enumerate(done):
        gas_so_far += outcome.gas_used
        logs = tuple(
            Log(
                address=address, topics=topics, payload=payload, block_number=block.number,
                block_hash=block.hash, block_time=block.timestamp, tx_hash=tx.hash, tx_index=index,
                log_index=logs_so_far + place,
            )
            for place, (address, topics, payload) in enumerate(outcome.logs)
        )  # fmt: skip
        logs_so_far += len(logs)
        receipts.append(
            Receipt(
                tx=tx, index=index, succeeded=outcome.succeeded, gas_used=outcome.gas_used,
                gas_so_far=gas_so_far, price=tx.effective_price(block.base_fee),
                created=outcome.created if tx.to == CREATE else b"", logs=logs,
                bloom=blooms[index],
            )
        )  # fmt: skip
    return tuple(receipts)


def _listed(items: list[bytes]) -> bytes:
    """Encode a list by RLP; the library is general and takes ten times as long over a header."""
    body = b"".join(map(_item, items))
    size = len(body)
    if size < _SHORT:
        return bytes((0xC0 + size,)) + body
    length = _number(size)
    return bytes((0xC0 + _SHORT - 1 + len(length),)) + length + body


def _item(value: bytes) -> bytes:
    size = len(value)
    if size == 1 and value[0] < _BYTE_MARK:
        return value
    if size < _SHORT:
        return bytes((_BYTE_MARK + size,)) + value
    length = _number(size)
    return bytes((_BYTE_MARK + _SHORT - 1 + len(length),)) + length + value


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8)


def _digest(lines: list[bytes]) -> bytes:
    return bytes(keccak(b"".join(lines))) if lines else EMPTY_ROOT


def _receipt_line(outcome: Outcome) -> bytes:
    logs = [[address, list(topics), payload] for address, topics, payload in outcome.logs]
    return bytes(rlp.encode([int(outcome.succeeded), outcome.gas_used, logs]))


def _bloom(outcome: Outcome) -> bytes:
    if not outcome.logs:
        return NO_BLOOM
    bits = 0
    for address, topics, _ in outcome.logs:
        for item in (address, *topics):
            mixed = keccak(item)
            for place in (0, 2, 4):
                bits |= 1 << (int.from_bytes(mixed[place : place + 2]) & 0x7FF)
    return bits.to_bytes(BLOOM_BYTES)


def _united(blooms: list[bytes]) -> bytes:
    bits = 0
    for bloom in blooms:
        if bloom is not NO_BLOOM:
            bits |= int.from_bytes(bloom)
    return bits.to_bytes(BLOOM_BYTES) if bits else NO_BLOOM
