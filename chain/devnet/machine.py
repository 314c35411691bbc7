"""The virtual machine: runs one transaction upon a view of the accounts and says what it did."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from eth.exceptions import OutOfGas, Revert
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.prague.state import PragueState, PragueTransactionExecutor

from chain.devnet.accounts import Accounts, Key, Value
from chain.devnet.transactions import CREATE, Transaction

COINBASE = bytes.fromhex("c0" * 20)
_NO_DIFFICULTY = 0
_NO_ROOT = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a transaction can see of the block it runs in."""

    number: int
    timestamp: int
    base_fee: int
    gas_limit: int
    chain_id: int
    mix_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a transaction did."""

    succeeded: bool
    reverted: bool
    ran_out: bool
    output: bytes
    reason: str
    gas_used: int
    gas_before_refund: int
    logs: tuple[tuple[bytes, tuple[bytes, ...], bytes], ...]
    created: bytes


class Unpayable(Exception):
    """A transaction that its sender's nonce or balance does not admit."""


class _Executor(PragueTransactionExecutor):
    def validate_transaction(self, transaction: Any) -> None:
        # The signature was checked once, when the transaction was decoded.
        held = self.vm_state.get_balance(transaction.sender)
        if transaction.nonce != self.vm_state.get_nonce(transaction.sender):
            raise Unpayable(f"nonce {transaction.nonce} is not the sender's next")
        if transaction.max_fee_per_gas < self.vm_state.base_fee:
            raise Unpayable(f"a fee of {transaction.max_fee_per_gas} is below the base fee")
        if held < transaction.cost():
            raise Unpayable(f"a balance of {held} does not pay for {transaction.cost()}")


class _CallExecutor(_Executor):
    def validate_transaction(self, transaction: Any) -> None:
        """Admit everything: a call has neither nonce nor signature."""


class _State(PragueState):
    account_db_class: Any = Accounts
    transaction_executor_class = _Executor

    def set_system_contracts(self) -> None:
        """Leave them out: nothing here reads beacon roots."""


class _CallState(_State):
    transaction_executor_class = _CallExecutor


class Machine:
    """The accounts within one block that is being made, transaction after transaction."""

    def __init__(
        self,
        read: Callable[[Key], Value | None],
        around: Surroundings,
        past_hashes: Iterable[bytes],
        *,
        for_calls: bool = False,
    ) -> None:
        # The library names its byte strings by kinds; ours are plain.
        kinds: Any = ExecutionContext
        context = kinds(
            coinbase=COINBASE,
            timestamp=around.timestamp,
            block_number=around.number,
            difficulty=_NO_DIFFICULTY,
            mix_hash=around.mix_hash,
            gas_limit=around.gas_limit,
            prev_hashes=past_hashes,
            chain_id=around.chain_id,
            base_fee_per_gas=around.base_fee,
            excess_blob_gas=0,
        )
        state: Any = _CallState if for_calls else _State
        self._state = state(read, context, _NO_ROOT)
        self.accounts: Accounts = self._state._account_db  # noqa: SLF001 (no public way)

    def run(self, tx: Transaction) -> Outcome:
        """Run `tx` and keep what it changed.

        Raises:  Unpayable, with nothing changed.
        """
        done = self._state.apply_transaction(tx)
        self._state.lock_changes()
        gas_before_refund = tx.gas - done.get_gas_remaining()
        refund = _Executor.calculate_gas_refund(done, gas_before_refund)
        logs = () if done.is_error else done.get_log_entries()
        return Outcome(
            succeeded=not done.is_error,
            reverted=done.is_error and isinstance(done.error, Revert),
            ran_out=done.is_error and isinstance(done.error, OutOfGas),
            output=bytes(done.output),
            reason=_reason(done),
            gas_used=gas_before_refund - refund + done.data_floor_gas,
            gas_before_refund=gas_before_refund + done.data_floor_gas,
            logs=tuple((a, tuple(t.to_bytes(32) for t in topics), d) for a, topics, d in logs),
            created=done.msg.storage_address if tx.to == CREATE and not done.is_error else b"",
        )


def _reason(done: Any) -> str:
    if not done.is_error:
        return ""
    words = str(done.error) or type(done.error).__name__
    return "out of gas" if isinstance(done.error, OutOfGas) else words[:200]
