"""What every address holds: balances, nonces, code and storage, kept flat and taken back exactly.

A trie would prove each value to a stranger; here nobody asks for proofs, and a dictionary with a
list of what it overwrote makes a transfer three times cheaper and a reorg a few assignments.
"""

from collections.abc import Callable
from typing import Any

from eth_utils.crypto import keccak

Key = tuple[bytes, int]
Value = int | bytes
Undo = dict[Key, Value | None]

# Beside the storage slots, which are not negative.
BALANCE, NONCE, CODE = -1, -2, -3
_EMPTY_HASH = keccak(b"")


class World:
    """The values as of the newest block."""

    def __init__(self) -> None:
        self._values: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        """Return what `key` holds; nothing where it is zero or empty."""
        return self._values.get(key)

    def apply(self, changes: dict[Key, Value]) -> Undo:
        """Write `changes` and return what takes them back."""
        undo: Undo = {}
        for key, value in changes.items():
            before = self._values.get(key)
            if (before or None) != (value or None):
                undo[key] = before
                self._put(key, value)
        return undo

    def take_back(self, undo: Undo) -> None:
        """Restore what `apply` overwrote."""
        for key, value in undo.items():
            self._put(key, value)

    def _put(self, key: Key, value: Value | None) -> None:
        if value:
            self._values[key] = value
        else:
            self._values.pop(key, None)


def past(world: World, undos: list[Undo]) -> Callable[[Key], Value | None]:
    """Return a reader of the world before `undos`, which come newest first."""
    older: Undo = {}
    for undo in undos:
        older.update(undo)
    if not older:
        return world.get
    return lambda key: older[key] if key in older else world.get(key)


class Accounts:
    """A view that the virtual machine reads and writes; what it changed is taken from `changes`.

    It stands in for the library's own account database and answers the same calls.
    """

    def __init__(self, read: Callable[[Key], Value | None], state_root: bytes) -> None:
        self._read = read
        self.state_root = state_root
        self._settled: dict[Key, Value] = {}
        self._values: dict[Key, Value] = {}
        self._log: list[tuple[Key, Value | None]] = []
        self._warm: set[Any] = set()
        self._warmed: list[Any] = []
        self._marks: dict[int, tuple[int, int]] = {}
        self._next_mark = 0

    def changes(self) -> dict[Key, Value]:
        """Return everything written since the view was made."""
        return {**self._settled, **self._values}

    # --- values

    def _get(self, key: Key) -> Value | None:
        if key in self._values:
            return self._values[key]
        return self._get_settled(key)

    def _get_settled(self, key: Key) -> Value | None:
        return self._settled[key] if key in self._settled else self._read(key)

    def _set(self, key: Key, value: Value) -> None:
        self._log.append((key, self._values.get(key)))
        self._values[key] = value

    def get_storage(
        self,
        address: bytes,
        slot: int,
        from_journal: bool = True,  # noqa: FBT001, FBT002 (the library passes it by place)
    ) -> int:
        """Return a slot as it is, or as it was when the transaction began."""
        key = (address, slot)
        return int(((self._get if from_journal else self._get_settled)(key)) or 0)

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        """Write a slot."""
        self._set((address, slot), value)

    def delete_storage(self, address: bytes) -> None:
        """Empty every slot of an account."""
        # Since Cancun only what was created in the same transaction can go, so its slots are here.
        for key in [k for k in self._values if k[0] == address and k[1] >= 0]:
            self._set(key, 0)

    def get_balance(self, address: bytes) -> int:
        """Return wei."""
        return int(self._get((address, BALANCE)) or 0)

    def set_balance(self, address: bytes, balance: int) -> None:
        """Write wei."""
        self._set((address, BALANCE), balance)

    def get_nonce(self, address: bytes) -> int:
        """Return the next nonce."""
        return int(self._get((address, NONCE)) or 0)

    def set_nonce(self, address: bytes, nonce: int) -> None:
        """Write the next nonce."""
        self._set((address, NONCE), nonce)

    def increment_nonce(self, address: bytes) -> None:
        """Count one transaction or creation."""
        self.set_nonce(address, self.get_nonce(address) + 1)

    def get_code(self, address: bytes) -> bytes:
        """Return the code of a contract."""
        return bytes(self._get((address, CODE)) or b"")

    def set_code(self, address: bytes, code: bytes) -> None:
        """Write the code of a contract."""
        self._set((address, CODE), code)

    def delete_code(self, address: bytes) -> None:
        """Remove the code of a contract."""
        self.set_code(address, b"")

    def get_code_hash(self, address: bytes) -> bytes:
        """Return the hash of the code."""
        code = self.get_code(address)
        return bytes(keccak(code)) if code else bytes(_EMPTY_HASH)

    # --- accounts

    def account_has_code_or_nonce(self, address: bytes) -> bool:
        """Say whether an address is taken, so that nothing can be created there."""
        return self.get_nonce(address) != 0 or self.get_code(address) != b""

    def account_is_empty(self, address: bytes) -> bool:
        """Say whether an account holds nothing."""
        return not self.account_has_code_or_nonce(address) and self.get_balance(address) == 0

    def account_exists(self, address: bytes) -> bool:
        """Say whether an account holds anything."""
        # Since EIP-161 an account that holds nothing does not exist.
        return not self.account_is_empty(address)

    def touch_account(self, address: bytes) -> None:
        """Do nothing: an account that is touched and empty does not come into being."""

    def delete_account(self, address: bytes) -> None:
        """Remove an account."""
        self.delete_storage(address)
        self.set_balance(address, 0)
        self.set_nonce(address, 0)
        self.delete_code(address)

    # --- warm addresses and slots (EIP-2929)

    def is_address_warm(self, address: bytes) -> bool:
        """Say whether this transaction has met an address."""
        return address in self._warm

    def mark_address_warm(self, address: bytes) -> None:
        """Note that it has."""
        self._mark_warm(address)

    def is_storage_warm(self, address: bytes, slot: int) -> bool:
        """Say whether this transaction has met a slot."""
        return (address, slot) in self._warm

    def mark_storage_warm(self, address: bytes, slot: int) -> None:
        """Note that it has met the slot."""
        self._mark_warm((address, slot))

    def _mark_warm(self, what: Any) -> None:
        if what not in self._warm:
            self._warm.add(what)
            self._warmed.append(what)

    # --- checkpoints within a transaction

    def record(self) -> int:
        """Begin a frame and return its mark."""
        # Never the same mark twice, and none of the library's own, which rise from zero: it keeps
        # its transient storage by them.
        self._next_mark -= 1
        self._marks[self._next_mark] = (len(self._log), len(self._warmed))
        return self._next_mark

    def discard(self, mark: int) -> None:
        """Take back everything since the mark."""
        logged, warmed = self._marks.pop(mark)
        while len(self._log) > logged:
            key, before = self._log.pop()
            if before is None:
                del self._values[key]
            else:
                self._values[key] = before
        while len(self._warmed) > warmed:
            self._warm.discard(self._warmed.pop())

    def commit(self, mark: int) -> None:
        """Let what came after the mark stand."""
        self._marks.pop(mark, None)

    def lock_changes(self) -> None:
        """End a transaction."""
        self._settled.update(self._values)
        for kept in (self._values, self._log, self._warm, self._warmed, self._marks):
            kept.clear()
