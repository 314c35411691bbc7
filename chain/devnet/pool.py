"""Transactions that wait: by sender and nonce, with the rules of geth for what may join."""

import heapq
from collections.abc import Callable, Iterator

from chain.devnet.errors import refused
from chain.devnet.transactions import CREATE, SET_CODE, Transaction

PRICE_BUMP_PERCENT = 10
WAITING_MAX = 20_000
INITCODE_BYTES_MAX = 49_152


class Pool:
    """What has been accepted and is in no block."""

    def __init__(self, *, chain_id: int, gas_limit: int) -> None:
        self._chain_id = chain_id
        self._gas_limit = gas_limit
        self._senders: dict[bytes, dict[int, Transaction]] = {}
        self._by_hash: dict[bytes, Transaction] = {}
        self._arrival: dict[bytes, int] = {}
        self._arrivals = 0
        # What all that waits of a sender can cost together.
        self._owed: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._by_hash)

    def __iter__(self) -> Iterator[Transaction]:
        return iter(list(self._by_hash.values()))

    def get(self, tx_hash: bytes) -> Transaction | None:
        """Return a waiting transaction."""
        return self._by_hash.get(tx_hash)

    def nonce_after(self, sender: bytes, nonce: int) -> int:
        """Return the nonce after those that could run one after another from `nonce`."""
        waiting = self._senders.get(sender, {})
        while nonce in waiting:
            nonce += 1
        return nonce

    def add(self, tx: Transaction, *, nonce: int, balance: int) -> None:
        """Accept `tx`, whose sender stands at `nonce` and `balance`.

        Raises:  RpcError in the words of geth.
        """
        if tx.hash in self._by_hash:
            raise refused("already known")
        self._check_form(tx)
        if tx.nonce < nonce:
            raise refused(f"nonce too low: next nonce {nonce}, tx nonce {tx.nonce}")
        rival = self._senders.get(tx.sender, {}).get(tx.nonce)
        self._check_balance(tx, rival, balance)
        if rival is None and len(self) >= WAITING_MAX:
            raise refused("txpool is full")
        if rival is not None:
            if not _outbids(tx, rival):
                raise refused("replacement transaction underpriced")
            self.drop(rival.hash)
        self.put(tx)

    def put(self, tx: Transaction) -> None:
        """Take `tx` in without asking, as after a reorg; nothing waits at its nonce."""
        self._senders.setdefault(tx.sender, {})[tx.nonce] = tx
        self._by_hash[tx.hash] = tx
        self._owed[tx.sender] = self._owed.get(tx.sender, 0) + tx.cost()
        self._arrivals += 1
        self._arrival[tx.hash] = self._arrivals

    def drop(self, tx_hash: bytes) -> Transaction | None:
        """Forget a transaction, and say which it was."""
        tx = self._by_hash.pop(tx_hash, None)
        if tx is None:
            return None
        del self._arrival[tx_hash]
        waiting = self._senders[tx.sender]
        del waiting[tx.nonce]
        self._owed[tx.sender] -= tx.cost()
        if not waiting:
            del self._senders[tx.sender], self._owed[tx.sender]
        return tx

    def drop_below(self, sender: bytes, nonce: int) -> None:
        """Forget what a mined transaction has made impossible."""
        for tx in [t for n, t in self._senders.get(sender, {}).items() if n < nonce]:
            self.drop(tx.hash)

    def clear(self) -> list[Transaction]:
        """Forget everything, and say what it was."""
        gone = list(self)
        for tx in gone:
            self.drop(tx.hash)
        return gone

    def ready(self, *, base_fee: int, nonce_of: Callable[[bytes], int]) -> Iterator[Transaction]:
        """Yield what a block may take, the best tip first and each sender's in order."""
        heap: list[tuple[int, int, Transaction]] = []

        def offer(sender: bytes, nonce: int) -> None:
            tx = self._senders.get(sender, {}).get(nonce)
            if tx is not None and tx.max_fee_per_gas >= base_fee:
                tip = tx.effective_price(base_fee) - base_fee
                heapq.heappush(heap, (-tip, self._arrival[tx.hash], tx))

        for sender in list(self._senders):
            offer(sender, nonce_of(sender))
        while heap:
            tx = heapq.heappop(heap)[2]
            yield tx
            offer(tx.sender, tx.nonce + 1)

    def content(self, nonce_of: Callable[[bytes], int]) -> dict[str, list[Transaction]]:
        """Return what could run now and what waits behind a gap."""
        parts: dict[str, list[Transaction]] = {"pending": [], "queued": []}
        for sender, waiting in self._senders.items():
            after = self.nonce_after(sender, nonce_of(sender))
            for nonce in sorted(waiting):
                parts["pending" if nonce < after else "queued"].append(waiting[nonce])
        return parts

    def _check_form(self, tx: Transaction) -> None:
        if tx.chain_id is None:
            raise refused("only replay-protected (EIP-155) transactions allowed over RPC")
        if tx.chain_id != self._chain_id:
            words = f"invalid chain id for signer: have {tx.chain_id} want {self._chain_id}"
            raise refused(words)
        if tx.to == CREATE and len(tx.data) > INITCODE_BYTES_MAX:
            raise refused("max initcode size exceeded")
        if tx.gas > self._gas_limit:
            raise refused("exceeds block gas limit")
        if tx.max_fee_per_gas < tx.max_priority_fee_per_gas:
            raise refused("max priority fee per gas higher than max fee per gas")
        if tx.type_id == SET_CODE and (tx.to == CREATE or not tx.authorization_list):
            raise refused("EIP-7702 transaction with empty auth list or without a recipient")
        if tx.gas < tx.gas_floor():
            needed = tx.gas_floor()
            raise refused(f"intrinsic gas too low: gas {tx.gas}, minimum needed {needed}")

    def _check_balance(self, tx: Transaction, rival: Transaction | None, balance: int) -> None:
        # What this one would replace costs nothing any more.
        queued = self._owed.get(tx.sender, 0) - (rival.cost() if rival else 0)
        if balance < queued + tx.cost():
            overshot = queued + tx.cost() - balance
            raise refused(
                "insufficient funds for gas * price + value: "
                f"balance {balance}, queued cost {queued}, tx cost {tx.cost()}, overshot {overshot}"
            )


def _outbids(tx: Transaction, rival: Transaction) -> bool:
    percent = 100 + PRICE_BUMP_PERCENT
    return (
        tx.max_fee_per_gas * 100 >= rival.max_fee_per_gas * percent
        and tx.max_priority_fee_per_gas * 100 >= rival.max_priority_fee_per_gas * percent
        and tx.max_fee_per_gas > rival.max_fee_per_gas
    )
