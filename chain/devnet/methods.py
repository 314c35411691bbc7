"""The methods that every node has: eth_, net_, web3_ and txpool_."""

from collections.abc import Callable
from typing import Any

from eth_utils.crypto import keccak

from chain.devnet import calls, fees, hexes
from chain.devnet.accounts import BALANCE, CODE, NONCE
from chain.devnet.blocks import Block
from chain.devnet.errors import LIMIT_EXCEEDED, RpcError
from chain.devnet.filters import read_filter
from chain.devnet.node import Node, argument
from chain.devnet.rendering import (
    block_json,
    log_json,
    mined_json,
    receipt_json,
    waiting_json,
)

CLIENT = "megatron-devnet/1.0"
Params = list[Any]
Method = Callable[[Node, Params], Any]


def _chain_id(node: Node, _params: Params) -> str:
    return hex(node.chain.rules.chain_id)


def _net_version(node: Node, _params: Params) -> str:
    return str(node.chain.rules.chain_id)


def _client(_node: Node, _params: Params) -> str:
    return CLIENT


def _sha3(_node: Node, params: Params) -> str:
    return hexes.shown(keccak(hexes.octets(argument(params, 0))))


def _no(_node: Node, _params: Params) -> bool:
    return False


def _yes(_node: Node, _params: Params) -> bool:
    return True


def _nothing(_node: Node, _params: Params) -> list[Any]:
    return []


# --- blocks and transactions


def _block_number(node: Node, _params: Params) -> str:
    return hex(node.chain.head.number)


def _block_by_number(node: Node, params: Params) -> Any:
    tag, full = argument(params, 0), argument(params, 1, False) is True
    if tag == "pending":
        return _pending(node, full=full)
    return _shown_block(node.find(tag), full=full)


def _block_by_hash(node: Node, params: Params) -> Any:
    block = node.chain.block(hexes.digest(argument(params, 0)))
    return _shown_block(block, full=argument(params, 1, False) is True)


def _shown_block(block: Block | None, *, full: bool) -> Any:
    return None if block is None else block_json(block, full=full)


def _pending(node: Node, *, full: bool) -> Any:
    """Show the next block as it would begin: on the head, with what waits and could run."""
    chain = node.chain
    base_fee = chain.base_fee_after(chain.head)
    waiting = list(chain.pool.ready(base_fee=base_fee, nonce_of=chain.nonce))
    return {
        **block_json(chain.head, full=False),
        "number": hex(chain.head.number + 1),
        "hash": None,
        "nonce": None,
        "parentHash": hexes.shown(chain.head.hash),
        "timestamp": hex(max(chain.head.timestamp + 1, chain.clock() + chain.time_offset)),
        "baseFeePerGas": hex(base_fee),
        "transactions": [waiting_json(t) if full else hexes.shown(t.hash) for t in waiting],
    }


def _transaction(node: Node, params: Params) -> Any:
    tx_hash = hexes.digest(argument(params, 0))
    if place := node.chain.place(tx_hash):
        return mined_json(*place)
    waiting = node.chain.pool.get(tx_hash)
    return waiting_json(waiting) if waiting else None


def _receipt(node: Node, params: Params) -> Any:
    place = node.chain.place(hexes.digest(argument(params, 0)))
    return receipt_json(*place) if place else None


def _block_receipts(node: Node, params: Params) -> Any:
    block = node.find(argument(params, 0))
    return [receipt_json(block, receipt) for receipt in block.receipts] if block else None


def _send(node: Node, params: Params) -> str:
    tx_hash = node.chain.add(hexes.octets(argument(params, 0)))
    if node.automine:
        node.chain.mine()
    return hexes.shown(tx_hash)


# --- accounts


def _balance(node: Node, params: Params) -> str:
    return hex(int(_account_value(node, params, BALANCE) or 0))


def _code(node: Node, params: Params) -> str:
    value = _account_value(node, params, CODE)
    return hexes.shown(value if isinstance(value, bytes) else b"")


def _account_value(node: Node, params: Params, what: int) -> Any:
    address = hexes.address(argument(params, 0))
    block = node.state_block(argument(params, 1, "latest"))
    return node.chain.reader(block.number)((address, what))


def _storage(node: Node, params: Params) -> str:
    address, text = hexes.address(argument(params, 0)), argument(params, 1)
    # A slot may be written as a number or as a word of 32 bytes.
    word = isinstance(text, str) and len(text) == len("0x") + 2 * hexes.HASH_BYTES
    slot = int.from_bytes(hexes.digest(text)) if word else hexes.quantity(text)
    block = node.state_block(argument(params, 2, "latest"))
    value = node.chain.reader(block.number)((address, slot)) or 0
    return hexes.shown(int(value).to_bytes(hexes.HASH_BYTES))


def _nonce(node: Node, params: Params) -> str:
    address, tag = hexes.address(argument(params, 0)), argument(params, 1, "latest")
    if tag == "pending":
        return hex(node.chain.pool.nonce_after(address, node.chain.nonce(address)))
    return hex(int(_account_value(node, params, NONCE) or 0))


def _call(node: Node, params: Params) -> str:
    block = node.state_block(argument(params, 1, "latest"))
    return hexes.shown(calls.call(node.chain, argument(params, 0), block))


def _estimate(node: Node, params: Params) -> str:
    block = node.state_block(argument(params, 1, "latest"))
    return hex(calls.estimate(node.chain, argument(params, 0), block))


# --- fees


def _gas_price(node: Node, _params: Params) -> str:
    chain = node.chain
    return hex(chain.base_fee_after(chain.head) + fees.tip_suggested(chain))


def _tip(node: Node, _params: Params) -> str:
    return hex(fees.tip_suggested(node.chain))


def _fee_history(node: Node, params: Params) -> Any:
    newest = node.state_block(argument(params, 1))
    count = argument(params, 0)
    count = hexes.quantity(count) if isinstance(count, str) else count
    return fees.history(node.chain, count, newest, argument(params, 2, []))


# --- logs


def _logs(node: Node, params: Params) -> list[Any]:
    wanted = argument(params, 0)
    admits = read_filter(wanted).admits
    first, last = node.log_range(wanted)
    found = [log for log in node.chain.logs(first, last) if admits(log)]
    most = node.limits.results
    if most and len(found) > most:
        if not node.limits.cuts_silently:
            raise RpcError(LIMIT_EXCEEDED, f"query returned more than {most} results")
        found = found[:most]
    return [log_json(log) for log in found]


# --- the pool


def _pool_status(node: Node, _params: Params) -> Any:
    parts = node.chain.pool.content(node.chain.nonce)
    return {part: hex(len(txs)) for part, txs in parts.items()}


def _pool_content(node: Node, _params: Params) -> Any:
    answer: dict[str, dict[str, dict[str, Any]]] = {}
    for part, txs in node.chain.pool.content(node.chain.nonce).items():
        senders = answer.setdefault(part, {})
        for tx in txs:
            senders.setdefault(hexes.shown(tx.sender), {})[str(tx.nonce)] = waiting_json(tx)
    return answer


METHODS: dict[str, Method] = {
    "eth_accounts": _nothing,
    "eth_blockNumber": _block_number,
    "eth_call": _call,
    "eth_chainId": _chain_id,
    "eth_estimateGas": _estimate,
    "eth_feeHistory": _fee_history,
    "eth_gasPrice": _gas_price,
    "eth_getBalance": _balance,
    "eth_getBlockByHash": _block_by_hash,
    "eth_getBlockByNumber": _block_by_number,
    "eth_getBlockReceipts": _block_receipts,
    "eth_getCode": _code,
    "eth_getLogs": _logs,
    "eth_getStorageAt": _storage,
    "eth_getTransactionByHash": _transaction,
    "eth_getTransactionCount": _nonce,
    "eth_getTransactionReceipt": _receipt,
    "eth_maxPriorityFeePerGas": _tip,
    "eth_sendRawTransaction": _send,
    "eth_syncing": _no,
    "net_listening": _yes,
    "net_version": _net_version,
    "txpool_content": _pool_content,
    "txpool_status": _pool_status,
    "web3_clientVersion": _client,
    "web3_sha3": _sha3,
}
