"""The methods of development: mining, time, reorgs, snapshots; named as anvil names them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from chain.devnet import hexes
from chain.devnet.errors import bad_params
from chain.devnet.genesis import FAUCET, HOT, MAX_FEE, TREASURY, account, deployed
from chain.devnet.methods import METHODS, Method, Params
from chain.devnet.node import LogLimits, Node, argument
from chain.devnet.transactions import Transaction

BLOCKS_MAX = 100_000
FAUCET_GAS = 120_000
TRANSFER = keccak(b"transfer(address,uint256)")[:4]


def _mine(node: Node, params: Params) -> str:
    wanted = argument(params, 0, {})
    wanted = wanted if isinstance(wanted, dict) else {"timestamp": wanted}
    timestamp = wanted.get("timestamp")
    if timestamp is not None:
        node.chain.next_time = _later_time(node, timestamp)
    for _ in range(_count(wanted.get("blocks", 1), most=BLOCKS_MAX)):
        node.chain.mine()
    return "0x0"


def _mine_many(node: Node, params: Params) -> None:
    interval = _count(argument(params, 1, node.chain.rules.time_step))
    for place in range(_count(argument(params, 0, 1), most=BLOCKS_MAX)):
        spaced = node.chain.head.timestamp + interval if place else None
        node.chain.mine(timestamp=spaced)


def _set_interval(node: Node, params: Params) -> None:
    node.block_time = float(_count(argument(params, 0)))
    node.automine = False


def _set_automine(node: Node, params: Params) -> None:
    node.automine = argument(params, 0) is True
    if node.automine:
        node.block_time = 0.0


def _increase_time(node: Node, params: Params) -> int:
    node.chain.time_offset += _count(argument(params, 0))
    return node.chain.time_offset


def _set_next_time(node: Node, params: Params) -> None:
    node.chain.next_time = _later_time(node, argument(params, 0))


def _later_time(node: Node, value: Any) -> int:
    timestamp = _count(value)
    if timestamp < node.chain.head.timestamp + node.chain.rules.time_step:
        raise bad_params("Timestamp error: it is lower than or equal to previous block's timestamp")
    return timestamp


def _set_base_fee(node: Node, params: Params) -> None:
    node.chain.next_base_fee = _count(argument(params, 0))


def _set_balance(node: Node, params: Params) -> None:
    node.chain.grant(hexes.address(argument(params, 0)), _count(argument(params, 1)))


def _snapshot(node: Node, _params: Params) -> str:
    return hex(node.snapshot())


def _revert(node: Node, params: Params) -> bool:
    return node.revert(_count(argument(params, 0)))


def _drop(node: Node, params: Params) -> Any:
    gone = node.chain.pool.drop(hexes.digest(argument(params, 0)))
    return hexes.shown(gone.hash) if gone else None


def _drop_all(node: Node, _params: Params) -> None:
    node.chain.pool.clear()


def _reorg_as_anvil(node: Node, params: Params) -> None:
    """Replace blocks; what was in them is gone, and the pairs say what comes instead."""
    options = argument(params, 0)
    if isinstance(options, dict):
        params = [options.get("depth"), options.get("tx_block_pairs", [])]
    inserted: dict[int, list[bytes]] = {}
    for pair in argument(params, 1, []):
        if not isinstance(pair, list) or len(pair) != len(("raw", "offset")):
            raise bad_params("invalid argument 1: pairs of raw transaction and offset are expected")
        inserted.setdefault(_count(pair[1]), []).append(hexes.octets(pair[0]))
    node.chain.reorg(_count(argument(params, 0)), keep=_none, inserted=inserted)


def _reorg(node: Node, params: Params) -> list[str]:
    """Replace blocks: arguments depth, what to keep ("all", "none" or hashes), raws to insert."""
    kept = argument(params, 1, "all")
    hashes = set() if kept in ("all", "none") else set(hexes.digests(kept))
    raws = [hexes.octets(raw) for raw in argument(params, 2, [])]
    added = node.chain.reorg(
        _count(argument(params, 0)),
        keep=lambda tx: kept == "all" or tx.hash in hashes,
        inserted={0: raws},
    )
    return [hexes.shown(block.hash) for block in added]


def _none(_tx: Transaction) -> bool:
    return False


def _set_lags(node: Node, params: Params) -> None:
    node.safe_lag = _count(argument(params, 0))
    node.finalized_lag = _count(argument(params, 1))


def _set_log_limits(node: Node, params: Params) -> None:
    options = argument(params, 0, {})
    known: dict[str, Callable[[Any], Any]] = {
        "blocks": _count,
        "results": _count,
        "cuts_silently": bool,
    }
    if not isinstance(options, dict) or set(options) - set(known):
        raise bad_params(f"invalid argument 0: {', '.join(known)} are known")
    node.limits = replace(LogLimits(), **{name: known[name](v) for name, v in options.items()})


def _faucet(node: Node, params: Params) -> str:
    """Send test USDC from the faucet: arguments address and amount in micro-USDC."""
    to, amount = hexes.address(argument(params, 0)), _count(argument(params, 1))
    payer = account(FAUCET)
    nonce = hexes.quantity(METHODS["eth_getTransactionCount"](node, [payer.address, "pending"]))
    fields: dict[str, Any] = {
        "type": 2,
        "chainId": node.chain.rules.chain_id,
        "nonce": nonce,
        "gas": FAUCET_GAS,
        "maxFeePerGas": max(MAX_FEE, 2 * node.chain.head.base_fee),
        "maxPriorityFeePerGas": 0,
        "value": 0,
        "to": deployed().token,
        "data": TRANSFER + encode(["address", "uint256"], [to, amount]),
    }
    return hexes.shown(node.chain.add(bytes(payer.sign_transaction(fields).raw_transaction)))


def _info(node: Node, _params: Params) -> dict[str, Any]:
    at = deployed()
    return {
        "chainId": hex(node.chain.rules.chain_id),
        "token": at.token,
        "disperse": at.disperse,
        "sweeper": at.sweeper,
        "faucet": account(FAUCET).address,
        "hot": account(HOT).address,
        "treasury": account(TREASURY).address,
        "safeLag": node.safe_lag,
        "finalizedLag": node.finalized_lag,
        "blockTime": node.block_time,
    }


def _count(value: Any, *, most: int | None = None) -> int:
    """Read a number as anvil does: plain, or in hexadecimal."""
    if isinstance(value, str):
        value = hexes.quantity(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise bad_params("invalid argument: a number that is not negative is expected")
    if most is not None and value > most:
        raise bad_params(f"invalid argument: {value} is more than {most}")
    return value


DEV_METHODS: dict[str, Method] = {
    "anvil_dropAllTransactions": _drop_all,
    "anvil_dropTransaction": _drop,
    "anvil_mine": _mine_many,
    "anvil_reorg": _reorg_as_anvil,
    "anvil_setBalance": _set_balance,
    "anvil_setNextBlockBaseFeePerGas": _set_base_fee,
    "devnet_faucet": _faucet,
    "devnet_info": _info,
    "devnet_reorg": _reorg,
    "devnet_setLags": _set_lags,
    "devnet_setLogLimits": _set_log_limits,
    "evm_increaseTime": _increase_time,
    "evm_mine": _mine,
    "evm_revert": _revert,
    "evm_setAutomine": _set_automine,
    "evm_setIntervalMining": _set_interval,
    "evm_setNextBlockTimestamp": _set_next_time,
    "evm_snapshot": _snapshot,
}
