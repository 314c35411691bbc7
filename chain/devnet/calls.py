"""Runs what is only asked: calls upon any block, and how much gas a transaction would need."""

from typing import Any

from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError

from chain.devnet import hexes
from chain.devnet.blocks import Block
from chain.devnet.chain import Chain
from chain.devnet.errors import REVERTED, RpcError, bad_params, refused
from chain.devnet.machine import Machine, Outcome
from chain.devnet.transactions import CREATE, Transaction

GAS_CAP = 30_000_000
CALL_STIPEND = 2_300
_NOBODY = bytes(20)
_ERROR_SELECTOR = bytes.fromhex("08c379a0")
_PANIC_SELECTOR = bytes.fromhex("4e487b71")


def call(chain: Chain, wanted: Any, block: Block) -> bytes:
    """Return what `wanted` answers after `block`.

    Raises:  RpcError 3 with the data of a revert, -32000 for another failure.
    """
    outcome = _run(chain, imagined(chain, wanted, block), block)
    _raise_failure(outcome)
    return outcome.output


def estimate(chain: Chain, wanted: Any, block: Block) -> int:
    """Return gas with which `wanted` succeeds after `block`, within a part in 64 of the least."""
    tx = imagined(chain, wanted, block)
    most = tx.gas
    outcome = _run(chain, tx, block)
    if outcome.ran_out and not outcome.succeeded:
        raise refused(f"gas required exceeds allowance ({most})")
    _raise_failure(outcome)
    low = outcome.gas_used - 1
    # A call deeper down sees only 63 parts of 64, and refunds come when all is over.
    high = min(most, (outcome.gas_before_refund + CALL_STIPEND) * 64 // 63)
    if not _suffices(chain, tx, block, high):
        low, high = high, most
    if _suffices(chain, tx, block, outcome.gas_before_refund):
        return outcome.gas_before_refund
    while low + 1 < high and (high - low) * 64 > high:
        middle = (low + high) // 2
        if _suffices(chain, tx, block, middle):
            high = middle
        else:
            low = middle
    return high


def imagined(chain: Chain, wanted: Any, block: Block) -> Transaction:
    """Read the object of eth_call into a transaction nobody signed."""
    if not isinstance(wanted, dict):
        raise bad_params("invalid argument 0: an object is expected")
    payload = wanted.get("input", wanted.get("data"))
    price = _number(wanted, "gasPrice", 0)
    tip = _number(wanted, "maxPriorityFeePerGas", price)
    sender = hexes.address(wanted["from"]) if wanted.get("from") else _NOBODY
    to = hexes.address(wanted["to"]) if wanted.get("to") else CREATE
    gas = min(_number(wanted, "gas", GAS_CAP), GAS_CAP)
    tx = Transaction(
        sender=sender,
        to=to,
        data=hexes.octets(payload) if payload is not None else b"",
        value=_number(wanted, "value", 0),
        nonce=chain.nonce(sender),
        gas=gas,
        max_fee_per_gas=_number(wanted, "maxFeePerGas", price),
        max_priority_fee_per_gas=tip,
    )
    if tx.max_fee_per_gas:
        base_fee = chain.base_fee_after(block)
        if tx.max_fee_per_gas < base_fee:
            words = f"maxFeePerGas: {tx.max_fee_per_gas}, baseFee: {base_fee}"
            raise refused(f"max fee per gas less than block base fee: {words}")
    return tx


def _number(wanted: dict[str, Any], name: str, otherwise: int) -> int:
    value = wanted.get(name)
    return otherwise if value is None else hexes.quantity(value)


def _run(chain: Chain, tx: Transaction, block: Block) -> Outcome:
    timestamp = max(block.timestamp, chain.clock() + chain.time_offset)
    if block is not chain.head:
        timestamp = block.timestamp
    # Whoever names no price pays none, whatever the block asks.
    base_fee = chain.base_fee_after(block) if tx.max_fee_per_gas else 0
    around = chain.surroundings(block, timestamp, base_fee)
    read = chain.reader(block.number)
    hashes = chain.past_hashes(block.number)
    machine = Machine(read, around, hashes, for_calls=True)
    held = machine.accounts.get_balance(tx.sender)
    if held < tx.value:
        raise refused("insufficient funds for gas * price + value")
    if tx.max_fee_per_gas and held < tx.cost():
        # geth lowers the gas to what the sender can pay; so little is as good as a refusal.
        affordable = (held - tx.value) // tx.max_fee_per_gas
        if affordable < tx.intrinsic_gas:
            raise refused(f"gas required exceeds allowance ({affordable})")
        tx.gas = min(tx.gas, affordable)
    if tx.gas < tx.gas_floor():
        raise refused(f"intrinsic gas too low: have {tx.gas}, want {tx.gas_floor()}")
    return machine.run(tx)


def _suffices(chain: Chain, tx: Transaction, block: Block, gas: int) -> bool:
    if gas < tx.gas_floor():
        return False
    tx.gas = gas
    return _run(chain, tx, block).succeeded


def _raise_failure(outcome: Outcome) -> None:
    if outcome.succeeded:
        return
    if outcome.reverted:
        raise RpcError(REVERTED, _revert_words(outcome.output), hexes.shown(outcome.output))
    raise refused(outcome.reason)


def _revert_words(output: bytes) -> str:
    selector, body = output[:4], output[4:]
    try:
        if selector == _ERROR_SELECTOR:
            return f"execution reverted: {abi_decode(['string'], body)[0]}"
        if selector == _PANIC_SELECTOR:
            return f"execution reverted: panic code {abi_decode(['uint256'], body)[0]:#x}"
    except (DecodingError, UnicodeDecodeError):
        pass
    return "execution reverted"
