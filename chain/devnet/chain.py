"""The chain itself: makes blocks of what waits, takes them back, and answers where things are."""

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from eth_utils.crypto import keccak

from chain.devnet.accounts import BALANCE, NONCE, Key, Undo, Value, World, past
from chain.devnet.blocks import EMPTY_ROOT, NO_HASH, Block, Log, Receipt, sealed
from chain.devnet.errors import RpcError, refused
from chain.devnet.journal import Dropped, Granted, Journal, JournalBroken, Mined, Opened, Record
from chain.devnet.machine import Machine, Outcome, Surroundings, Unpayable
from chain.devnet.pool import Pool
from chain.devnet.transactions import Transaction, decode

# EIP-1559: blocks half full keep the fee; the fee moves by an eighth at most.
ELASTICITY, FEE_CHANGE_DIVISOR = 2, 8
BLOCKHASH_DEPTH = 256
SLOT_BYTES, VALUE_BYTES = 33, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a chain is, from its first block on."""

    chain_id: int
    genesis_time: int
    gas_limit: int = 30_000_000
    base_fee: int = 100_000_000
    # A floor, as on Arbitrum: an idle chain would otherwise end at a fee of a few wei.
    base_fee_min: int = 10_000_000
    # Blocks more often than once a second share their second.
    time_step: int = 1
    balances: dict[bytes, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What listeners are told: the blocks that went, and those that came."""

    removed: tuple[Block, ...]
    added: tuple[Block, ...]


class Chain:
    """Blocks, accounts and waiting transactions; one thread uses it."""

    def __init__(self, rules: Rules, *, clock: Callable[[], int]) -> None:
        self.rules = rules
        self.clock = clock
        self.world = World()
        self.pool = Pool(chain_id=rules.chain_id, gas_limit=rules.gas_limit)
        self.blocks: list[Block] = []
        self.time_offset = 0
        self.next_time: int | None = None
        self.next_base_fee: int | None = None
        self.listeners: list[Callable[[Change], None]] = []
        self.pool_listeners: list[Callable[[Transaction], None]] = []
        self._by_hash: dict[bytes, Block] = {}
        self._places: dict[bytes, tuple[Block, int]] = {}
        self._with_logs: list[int] = []
        self._branch = 0
        self._mix_hash = NO_HASH
        self._journal: Journal | None = None
        self._unwritten: list[Record] = []
        self._begin()

    # --- reading

    @property
    def head(self) -> Block:
        """Return the newest block."""
        return self.blocks[-1]

    def block(self, block_hash: bytes) -> Block | None:
        """Return a block of the present branch."""
        return self._by_hash.get(block_hash)

    def place(self, tx_hash: bytes) -> tuple[Block, Receipt] | None:
        """Return the block that holds a transaction, and its receipt."""
        found = self._places.get(tx_hash)
        return (found[0], found[0].receipts[found[1]]) if found else None

    def nonce(self, address: bytes) -> int:
        """Return the next nonce of `address` after the newest block."""
        return int(self.world.get((address, NONCE)) or 0)

    def balance(self, address: bytes) -> int:
        """Return what `address` holds after the newest block."""
        return int(self.world.get((address, BALANCE)) or 0)

    def reader(self, number: int) -> Callable[[Key], Value | None]:
        """Return a reader of the accounts as block `number` left them."""
        newer = itertools.islice(reversed(self.blocks), self.head.number - number)
        return past(self.world, [undo for block in newer for undo in reversed(block.undos)])

    def logs(self, first: int, last: int) -> Iterator[Log]:
        """Yield the events of blocks `first` to `last`, both included."""
        start, end = bisect_left(self._with_logs, first), bisect_right(self._with_logs, last)
        for number in self._with_logs[start:end]:
            yield from self.blocks[number].logs()

    def base_fee_after(self, block: Block) -> int:
        """Return the base fee of the block after `block`."""
        target = block.gas_limit // ELASTICITY
        moved = block.base_fee * abs(block.gas_used - target) // target // FEE_CHANGE_DIVISOR
        fee = block.base_fee + max(1, moved) if block.gas_used > target else block.base_fee
        fee = block.base_fee - moved if block.gas_used < target else fee
        return max(fee, self.rules.base_fee_min)

    def surroundings(self, parent: Block, timestamp: int, base_fee: int) -> Surroundings:
        """Return what a block upon `parent` shows to its transactions."""
        return Surroundings(
            number=parent.number + 1,
            timestamp=timestamp,
            base_fee=base_fee,
            gas_limit=self.rules.gas_limit,
            chain_id=self.rules.chain_id,
            mix_hash=self._mix_hash,
        )

    def past_hashes(self, number: int) -> Iterable[bytes]:
        """Yield the hashes of block `number` and of those before it, newest first."""
        for place in range(number, max(-1, number - BLOCKHASH_DEPTH), -1):
            yield self.blocks[place].hash

    # --- changing

    def add(self, raw: bytes) -> bytes:
        """Take a signed transaction into the pool and return its hash.

        Raises:  RpcError in the words of geth.
        """
        tx = decode(raw)
        if tx.hash in self._places:
            raise refused("already known")
        self.pool.add(tx, nonce=self.nonce(tx.sender), balance=self.balance(tx.sender))
        for tell in self.pool_listeners:
            tell(tx)
        return tx.hash

    def mine(self, *, timestamp: int | None = None) -> Block:
        """Make one block of what waits."""
        block = self._mine(self._timestamp(timestamp))
        self._finish(removed=(), added=(block,))
        return block

    def reorg(
        self,
        depth: int,
        *,
        keep: Callable[[Transaction], bool],
        inserted: dict[int, list[bytes]] | None = None,
    ) -> tuple[Block, ...]:
        """Replace the newest `depth` blocks by as many others and return those.

        What `keep` admits goes back to the pool and so, as a rule, into the first new block;
        `inserted` names signed transactions by the new block that shall try to take them.
        """
        if not 0 < depth <= self.head.number:
            raise refused(f"reorg depth {depth} is not between 1 and {self.head.number}")
        extra = {offset: [decode(raw) for raw in raws] for offset, raws in (inserted or {}).items()}
        removed = self._drop(depth)
        for block in reversed(removed):
            for receipt in block.receipts:
                if keep(receipt.tx) and self.pool.get(receipt.tx.hash) is None:
                    self.pool.put(receipt.tx)
        added = []
        for offset, block in enumerate(reversed(removed)):
            for tx in extra.get(offset, ()):
                self._put_first(tx)
            added.append(self._mine(block.timestamp))
        self._finish(removed=removed, added=tuple(added))
        return tuple(added)

    def roll_back(self, number: int) -> None:
        """Take off every block above `number` and put none in its place."""
        if number < self.head.number:
            removed = self._drop(self.head.number - number)
            self._finish(removed=removed, added=())

    def grant(self, address: bytes, balance: int) -> None:
        """Set a balance at once; it belongs to the newest block and goes with it."""
        self._grant(address, balance)
        self._unwritten.append(Granted(address=address.hex(), balance=str(balance)))
        self._write()

    def set_journal(self, journal: Journal) -> int:
        """Repeat what `journal` holds, go on writing to it, and return how many records it had.

        Raises:  JournalBroken where it belongs to another chain or cannot be followed.
        """
        self._journal = journal
        count = 0
        for count, record in enumerate(journal.records(), 1):
            try:
                self._repeat(record, first=count == 1)
            except (Unpayable, RpcError, IndexError, ValueError) as error:
                raise JournalBroken(f"record {count} of the journal fails: {error}") from error
        if count == 0:
            self._unwritten = [Opened(genesis=self.head.hash.hex())]
            self._write()
        return count

    def close(self) -> None:
        """Give the journal back."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    # --- making blocks

    def _begin(self) -> None:
        first = {(address, BALANCE): wei for address, wei in self.rules.balances.items()}
        undo = self.world.apply(dict(first))
        around = Surroundings(
            number=0,
            timestamp=self.rules.genesis_time,
            base_fee=self.rules.base_fee,
            gas_limit=self.rules.gas_limit,
            chain_id=self.rules.chain_id,
            mix_hash=NO_HASH,
        )
        root = self._state_root(EMPTY_ROOT, undo)
        self._append(sealed(parent_hash=NO_HASH, around=around, state_root=root, done=[], undo={}))

    def _timestamp(self, wanted: int | None) -> int:
        least = self.head.timestamp + self.rules.time_step
        if self.next_time is not None:
            wanted, self.next_time = self.next_time, None
            # Time goes on from there, as it does on anvil.
            self.time_offset = wanted - self.clock()
        return max(least, self.clock() + self.time_offset if wanted is None else wanted)

    def _mine(self, timestamp: int) -> Block:
        ordered, self.next_base_fee = self.next_base_fee, None
        base_fee = self.base_fee_after(self.head) if ordered is None else ordered
        changes, done = self._run_waiting(timestamp, base_fee) if len(self.pool) else ({}, [])
        block = self._seal(changes, timestamp, base_fee, done)
        raws = tuple(tx.raw.hex() for tx, _ in done)
        self._unwritten.append(Mined(time=timestamp, raw=raws, base_fee=ordered))
        return block

    def _run_waiting(
        self, timestamp: int, base_fee: int
    ) -> tuple[dict[Key, Value], list[tuple[Transaction, Outcome]]]:
        machine = self._machine(timestamp, base_fee)
        done: list[tuple[Transaction, Outcome]] = []
        stopped: set[bytes] = set()
        gas = 0
        for tx in self.pool.ready(base_fee=base_fee, nonce_of=self.nonce):
            if tx.sender in stopped:
                continue
            if gas + tx.gas > self.rules.gas_limit:
                stopped.add(tx.sender)
                continue
            try:
                outcome = machine.run(tx)
            except Unpayable:
                # What came before it in this block took the money.
                stopped.add(tx.sender)
                self.pool.drop(tx.hash)
                continue
            gas += outcome.gas_used
            done.append((tx, outcome))
        return machine.accounts.changes(), done

    def _mine_again(self, txs: list[Transaction], timestamp: int, base_fee: int) -> None:
        if not txs:
            self._seal({}, timestamp, base_fee, [])
            return
        machine = self._machine(timestamp, base_fee)
        done = [(tx, machine.run(tx)) for tx in txs]
        self._seal(machine.accounts.changes(), timestamp, base_fee, done)

    def _machine(self, timestamp: int, base_fee: int) -> Machine:
        around = self.surroundings(self.head, timestamp, base_fee)
        return Machine(self.world.get, around, self.past_hashes(self.head.number))

    def _seal(
        self,
        changes: dict[Key, Value],
        timestamp: int,
        base_fee: int,
        done: list[tuple[Transaction, Outcome]],
    ) -> Block:
        undo = self.world.apply(changes)
        block = sealed(
            parent_hash=self.head.hash,
            around=self.surroundings(self.head, timestamp, base_fee),
            state_root=self._state_root(self.head.state_root, undo),
            done=done,
            undo=undo,
        )
        self._append(block)
        return block

    def _state_root(self, before: bytes, undo: Undo) -> bytes:
        if not undo:
            return before
        lines = [before]
        for key in sorted(undo):
            value = self.world.get(key) or 0
            held = value if isinstance(value, bytes) else value.to_bytes(VALUE_BYTES)
            lines.append(key[0] + key[1].to_bytes(SLOT_BYTES, signed=True) + held)
        return bytes(keccak(b"".join(lines)))

    def _append(self, block: Block) -> None:
        self.blocks.append(block)
        self._by_hash[block.hash] = block
        if any(receipt.logs for receipt in block.receipts):
            self._with_logs.append(block.number)
        for receipt in block.receipts:
            self._places[receipt.tx.hash] = (block, receipt.index)
            self.pool.drop(receipt.tx.hash)
            self.pool.drop_below(receipt.tx.sender, receipt.tx.nonce + 1)

    # --- taking back

    def _drop(self, depth: int) -> tuple[Block, ...]:
        removed = tuple(self._take_off() for _ in range(depth))
        self._branch += 1
        # Differs on each branch, so that a block mined again never has its old hash.
        self._mix_hash = bytes(keccak(b"branch %d" % self._branch))
        self._unwritten.append(Dropped(depth=depth))
        return removed

    def _take_off(self) -> Block:
        block = self.blocks.pop()
        for undo in reversed(block.undos):
            self.world.take_back(undo)
        del self._by_hash[block.hash]
        if self._with_logs and self._with_logs[-1] == block.number:
            self._with_logs.pop()
        for receipt in block.receipts:
            del self._places[receipt.tx.hash]
        return block

    def _put_first(self, tx: Transaction) -> None:
        rivals = [t for t in self.pool if t.sender == tx.sender and t.nonce == tx.nonce]
        for rival in rivals:
            self.pool.drop(rival.hash)
        self.pool.put(tx)

    def _grant(self, address: bytes, balance: int) -> None:
        undo = self.world.apply({(address, BALANCE): balance})
        if undo:
            self.head.undos += (undo,)

    # --- the journal and the listeners

    def _finish(self, *, removed: tuple[Block, ...], added: tuple[Block, ...]) -> None:
        self._write()
        for tell in self.listeners:
            tell(Change(removed=removed, added=added))

    def _write(self) -> None:
        if self._journal is not None:
            self._journal.append(self._unwritten)
        self._unwritten = []

    def _repeat(self, record: Record, *, first: bool) -> None:
        match record:
            case Opened(genesis=genesis):
                if not first or genesis != self.head.hash.hex():
                    raise JournalBroken("the journal belongs to a chain with another beginning")
            case Mined(time=timestamp, raw=raws, base_fee=ordered):
                base_fee = self.base_fee_after(self.head) if ordered is None else ordered
                self._mine_again([decode(bytes.fromhex(raw)) for raw in raws], timestamp, base_fee)
            case Dropped(depth=depth):
                self._drop(depth)
            case Granted(address=address, balance=balance):
                self._grant(bytes.fromhex(address), int(balance))
        self._unwritten = []
