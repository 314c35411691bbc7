"""Writes blocks, transactions, receipts and logs in the form that JSON-RPC gives them."""

from typing import Any

import msgspec

from chain.devnet import hexes
from chain.devnet.blocks import (
    EMPTY_LIST_HASH,
    EMPTY_REQUESTS,
    EMPTY_ROOT,
    EXTRA,
    NO_HASH,
    NO_NONCE,
    Block,
    Log,
    Receipt,
)
from chain.devnet.machine import COINBASE
from chain.devnet.transactions import CREATE, DYNAMIC_FEE, LEGACY, SET_CODE, Transaction

Json = dict[str, Any]


def header(block: Block) -> Json:
    """Write what eth_subscribe tells of a block."""
    return {
        "number": hex(block.number),
        "hash": hexes.shown(block.hash),
        "parentHash": hexes.shown(block.parent_hash),
        "timestamp": hex(block.timestamp),
        "baseFeePerGas": hex(block.base_fee),
        "gasUsed": hex(block.gas_used),
        "gasLimit": hex(block.gas_limit),
        "stateRoot": hexes.shown(block.state_root),
        "transactionsRoot": hexes.shown(block.transactions_root),
        "receiptsRoot": hexes.shown(block.receipts_root),
        "logsBloom": hexes.shown(block.bloom),
        "mixHash": hexes.shown(block.mix_hash),
        "miner": hexes.shown(COINBASE),
        "extraData": hexes.shown(EXTRA),
        "sha3Uncles": hexes.shown(EMPTY_LIST_HASH),
        "difficulty": "0x0",
        "nonce": hexes.shown(NO_NONCE),
        "withdrawalsRoot": hexes.shown(EMPTY_ROOT),
        "blobGasUsed": "0x0",
        "excessBlobGas": "0x0",
        "parentBeaconBlockRoot": hexes.shown(NO_HASH),
        "requestsHash": hexes.shown(EMPTY_REQUESTS),
    }


def block_json(block: Block, *, full: bool) -> Json:
    """Write a block with its transactions, or with their hashes alone."""
    inside: list[Any] = (
        [mined_json(block, receipt) for receipt in block.receipts]
        if full
        else [hexes.shown(receipt.tx.hash) for receipt in block.receipts]
    )
    return {
        **header(block),
        "size": hex(block.size),
        "uncles": [],
        "withdrawals": [],
        "transactions": inside,
    }


def mined_json(block: Block, receipt: Receipt) -> Json:
    """Write a transaction that a block holds."""
    return {
        **waiting_json(receipt.tx),
        "gasPrice": hex(receipt.price),
        "blockHash": hexes.shown(block.hash),
        "blockNumber": hex(block.number),
        "transactionIndex": hex(receipt.index),
    }


def waiting_json(tx: Transaction) -> Json:
    """Write a transaction that is in no block."""
    y_parity, r, s = tx.signature
    shown: Json = {
        "hash": hexes.shown(tx.hash),
        "type": hex(tx.type_id),
        "chainId": hex(tx.chain_id or 0),
        "from": hexes.shown(tx.sender),
        "to": _to(tx),
        "nonce": hex(tx.nonce),
        "gas": hex(tx.gas),
        "gasPrice": hex(tx.max_fee_per_gas),
        "value": hex(tx.value),
        "input": hexes.shown(tx.data),
        "v": hex(tx.v),
        "r": hex(r),
        "s": hex(s),
        "blockHash": None,
        "blockNumber": None,
        "transactionIndex": None,
    }
    if tx.type_id != LEGACY:
        shown["yParity"] = hex(y_parity)
        shown["accessList"] = [
            {
                "address": hexes.shown(address),
                "storageKeys": [hexes.shown(slot.to_bytes(32)) for slot in slots],
            }
            for address, slots in tx.access_list
        ]
    if tx.type_id in {DYNAMIC_FEE, SET_CODE}:
        shown["maxFeePerGas"] = hex(tx.max_fee_per_gas)
        shown["maxPriorityFeePerGas"] = hex(tx.max_priority_fee_per_gas)
    if tx.type_id == SET_CODE:
        shown["authorizationList"] = [
            {
                "chainId": hex(item.chain_id),
                "address": hexes.shown(item.address),
                "nonce": hex(item.nonce),
                "yParity": hex(item.y_parity),
                "r": hex(item.r),
                "s": hex(item.s),
            }
            for item in tx.authorization_list
        ]
    return shown


def receipt_json(block: Block, receipt: Receipt) -> Json:
    """Write what became of a transaction."""
    return {
        "transactionHash": hexes.shown(receipt.tx.hash),
        "transactionIndex": hex(receipt.index),
        "blockHash": hexes.shown(block.hash),
        "blockNumber": hex(block.number),
        "from": hexes.shown(receipt.tx.sender),
        "to": _to(receipt.tx),
        "type": hex(receipt.tx.type_id),
        "status": hex(receipt.succeeded),
        "gasUsed": hex(receipt.gas_used),
        "cumulativeGasUsed": hex(receipt.gas_so_far),
        "effectiveGasPrice": hex(receipt.price),
        "contractAddress": hexes.shown(receipt.created) if receipt.created else None,
        "logs": [log_json(log) for log in receipt.logs],
        "logsBloom": hexes.shown(receipt.bloom),
    }


class _LogJson(msgspec.Struct, frozen=True, rename="camel"):
    """One event as it goes out; a struct is written several times faster than a dictionary."""

    address: str
    topics: list[str]
    data: str
    block_number: str
    block_hash: str
    block_timestamp: str
    transaction_hash: str
    transaction_index: str
    log_index: str
    removed: bool


def log_json(log: Log, *, removed: bool = False) -> _LogJson:
    """Write an event."""
    return _LogJson(
        address=hexes.shown(log.address),
        topics=hexes.shown_all(log.topics),
        data=hexes.shown(log.payload),
        block_number=hex(log.block_number),
        block_hash=hexes.shown(log.block_hash),
        block_timestamp=hex(log.block_time),
        transaction_hash=hexes.shown(log.tx_hash),
        transaction_index=hex(log.tx_index),
        log_index=hex(log.log_index),
        removed=removed,
    )


def _to(tx: Transaction) -> str | None:
    return None if tx.to == CREATE else hexes.shown(tx.to)
