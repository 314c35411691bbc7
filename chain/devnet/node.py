"""One running node: the chain, and what can be set on it without becoming part of it."""

from dataclasses import dataclass, field
from typing import Any

from chain.devnet import hexes
from chain.devnet.blocks import Block
from chain.devnet.chain import Chain
from chain.devnet.errors import RpcError, bad_params, refused
from chain.devnet.transactions import Transaction

IDLE_BLOCKS = 60


@dataclass(slots=True, kw_only=True)
class LogLimits:
    """How much eth_getLogs answers at once, to imitate providers; zero stands for no limit."""

    blocks: int = 0
    results: int = 0
    # Some providers cut the list and say nothing.
    cuts_silently: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A point to which evm_revert can return."""

    number: int
    block_hash: bytes
    waiting: tuple[Transaction, ...]
    time_offset: int


@dataclass(slots=True, kw_only=True)
class Node:
    """The chain with its lags, limits, ways of mining and snapshots."""

    chain: Chain
    safe_lag: int = 8
    finalized_lag: int = 16
    block_time: float = 1.0
    idle_time: float = 0.0
    automine: bool = False
    limits: LogLimits = field(default_factory=LogLimits)
    snapshots: dict[int, Snapshot] = field(default_factory=dict)
    snapshots_made: int = 0

    def wait(self, *, empty_blocks: int) -> float:
        """Return the seconds from the last block to the next, after so many empty ones.

        A chain that nobody uses goes slower where that is wanted, lest weeks of empty blocks make
        its restart long; whatever waits, and whatever is not final, keeps it at its pace.
        """
        is_idle = empty_blocks > max(IDLE_BLOCKS, 2 * self.finalized_lag) and not len(
            self.chain.pool
        )
        return max(self.block_time, self.idle_time) if is_idle else self.block_time

    def number_of(self, tag: Any) -> int:
        """Return the block number that `tag` names; it may lie beyond the head."""
        head = self.chain.head.number
        if tag is None or tag in {"latest", "pending"}:
            return head
        if tag == "earliest":
            return 0
        if tag == "safe":
            return max(0, head - self.safe_lag)
        if tag == "finalized":
            return max(0, head - self.finalized_lag)
        return hexes.quantity(tag)

    def find(self, tag: Any) -> Block | None:
        """Return the block that `tag` names, by number, name or (EIP-1898) hash."""
        if isinstance(tag, dict):
            if "blockHash" in tag:
                return self.chain.block(hexes.digest(tag["blockHash"]))
            tag = tag.get("blockNumber")
        number = self.number_of(tag)
        return self.chain.blocks[number] if number <= self.chain.head.number else None

    def state_block(self, tag: Any) -> Block:
        """Return the block whose accounts are asked for.

        Raises:  RpcError where there is none.
        """
        block = self.find(tag)
        if block is None:
            raise refused("header not found")
        return block

    def log_range(self, wanted: dict[str, Any]) -> tuple[int, int]:
        """Return the first and the last block that a filter names, cut at the head.

        Raises:  RpcError for a range that is turned round or longer than is answered.
        """
        if "blockHash" in wanted:
            if "fromBlock" in wanted or "toBlock" in wanted:
                words = (
                    "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other"
                )
                raise bad_params(words)
            block = self.chain.block(hexes.digest(wanted["blockHash"]))
            if block is None:
                raise refused("unknown block")
            return block.number, block.number
        first = self.number_of(wanted.get("fromBlock"))
        last = self.number_of(wanted.get("toBlock"))
        if first > last:
            raise bad_params("invalid block range params")
        if self.limits.blocks and last - first + 1 > self.limits.blocks:
            raise bad_params(f"exceed maximum block range: {self.limits.blocks}")
        return first, min(last, self.chain.head.number)

    def snapshot(self) -> int:
        """Remember this point and return its number."""
        self.snapshots_made += 1
        self.snapshots[self.snapshots_made] = Snapshot(
            number=self.chain.head.number,
            block_hash=self.chain.head.hash,
            waiting=tuple(self.chain.pool),
            time_offset=self.chain.time_offset,
        )
        return self.snapshots_made

    def revert(self, number: int) -> bool:
        """Return to a snapshot, which is spent by it together with those made after it."""
        point = self.snapshots.get(number)
        block = self.chain.block(point.block_hash) if point else None
        if point is None or block is None:
            return False
        self.snapshots = {n: s for n, s in self.snapshots.items() if n < number}
        self.chain.roll_back(point.number)
        self.chain.pool.clear()
        for tx in point.waiting:
            self.chain.pool.put(tx)
        self.chain.time_offset = point.time_offset
        return True


def argument(params: list[Any], place: int, otherwise: Any = RpcError) -> Any:
    """Return an argument; one that is missing is refused unless `otherwise` says what it means."""
    if place < len(params) and params[place] is not None:
        return params[place]
    if otherwise is RpcError:
        raise bad_params(f"missing value for required argument {place}")
    return otherwise
