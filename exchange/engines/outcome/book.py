"""The mutable working copy of one market inside a batch; it never leaves the engine."""

from collections.abc import Mapping

from exchange.engines.engine import EngineBug
from exchange.engines.outcome import results as to
from exchange.engines.outcome.accounts import Account, Entry, Figures, Purse
from exchange.engines.outcome.amm import Amm
from exchange.engines.outcome.amm import Saved as Pools
from exchange.engines.outcome.config import Config
from exchange.engines.outcome.depth import Ladder
from exchange.engines.outcome.frontier import Frontier, MemoryFrontier
from exchange.engines.outcome.results import Fill, Posting
from exchange.engines.outcome.scales import WEIGHT
from exchange.engines.outcome.schedule import rates
from exchange.engines.outcome.state import MarketState, Order, Trader

Saved = tuple[Pools, list[int], int, int, int, int, int, int]


class Book:
    """A market's scalars, the accounts and orders touched so far, and what the batch produced.

    `pairs` is indexed by outcome, `published` by token; `seq` is the command being applied.
    """

    __slots__ = (
        "_dirty", "_figures", "_frontier", "_ladders", "_mark", "_message", "_purses", "_traders",
        "accounts", "amm", "config", "entries", "era_start_ms", "fees", "fills", "gas",
        "last_joined", "now_ms", "pairs", "pool", "postings", "published", "seigniorage", "seq",
        "status", "winner",
    )  # fmt: skip

    def __init__(
        self,
        config: Config,
        state: MarketState,
        traders: Mapping[int, Trader],
        now_ms: int,
        frontier: Frontier | None,
    ) -> None:
        self.config = config
        self.now_ms = max(now_ms, state.t_ms)
        self.status, self.winner = state.status, state.winner
        self.era_start_ms, self.last_joined = state.era_start_ms, state.last_joined
        self._traders = traders
        self._frontier = MemoryFrontier(traders.values()) if frontier is None else frontier
        self._ladders: dict[tuple[int, bool], Ladder] = {}
        self._dirty: dict[tuple[int, bool], None] = {}
        self._purses: list[tuple[Account, Purse]] = []
        self._figures: list[tuple[Entry, Figures]] = []
        self.accounts: dict[int, Account] = {}
        self.entries: dict[int, Entry] = {}
        self.fills: list[Fill] = []
        self.postings: list[Posting] = []
        self.pairs = [outcome.pairs_micro for outcome in state.outcomes]
        self.published = [p for o in state.outcomes for p in (o.yes_pico, o.no_pico)]
        self.pool, self.fees = state.pool_micro, state.fees_micro
        self.seigniorage, self.gas = state.seigniorage_micro, state.gas_micro
        self.amm = amm_of(config, state)
        self.amm.set_time(rates(config, state.era_start_ms, self.now_ms), state.z_ref_e9)
        self.seq = self._message = 0
        self._mark = self._save()

    @property
    def backing(self) -> int:
        """Return F, which no trade lowers, in 1e-21 USDC."""
        depth = len(self.amm.active) * self.config.depth_micro
        return (self.pool - depth) * WEIGHT - self.amm.potential(self.amm.z_ref)

    @property
    def redemption(self) -> int:
        """Return what the worst winner would take out of the pool."""
        supply, active = self.amm.supply, self.amm.active
        others = sum(supply[2 * i + 1] for i in active)
        return max(supply[2 * w] + others - supply[2 * w + 1] for w in active)

    def begin(self) -> None:
        """Start a message: remember what its legs may change before a later check refuses."""
        for key in self._dirty:
            self._ladders[key].sweep()
        self._dirty.clear()
        self._purses.clear()
        self._figures.clear()
        self._message += 1
        self._mark = self._save()

    def undo(self) -> None:
        """Take back whatever the refused message has done since `begin`."""
        for account, purse in self._purses:
            account.restore(purse)
        for entry, figures in self._figures:
            entry.restore(figures)
        pools, pairs, self.pool, self.fees, self.seigniorage, self.gas, fills, posted = self._mark
        self.amm.restore(pools)
        self.pairs = pairs
        del self.fills[fills:]
        del self.postings[posted:]

    def account(self, key: int) -> Account:
        """Return the working figures of a trader, remembered for `undo`.

        Raises:  EngineBug, if nobody knows the trader.
        """
        account = self.accounts.get(key)
        if account is None:
            found = self._traders.get(key) or self._frontier.trader(key)
            if found is None:
                raise EngineBug(f"trader {key} was not loaded")
            account = self.accounts[key] = Account(found)
        if account.seen != self._message:
            account.seen = self._message
            self._purses.append((account, account.save()))
        return account

    def change(self, entry: Entry) -> None:
        """Remember an order's figures for `undo` before they change."""
        if entry.seen != self._message:
            entry.seen = self._message
            self._figures.append((entry, entry.save()))

    def entry(self, key: int) -> Entry | None:
        """Return an order of this batch or a resting one by its id."""
        found = self.entries.get(key)
        if found is None:
            order = self._frontier.order(key)
            found = None if order is None else self._entry_of(order)
        return found

    def ladder(self, token: int, *, buys: bool) -> Ladder:
        """Return one side of a token's resting orders."""
        found = self._ladders.get((token, buys))
        if found is None:
            found = Ladder(self._frontier, token, buys=buys, entry_of=self._entry_of)
            self._ladders[token, buys] = found
        return found

    def left(self, entry: Entry) -> None:
        """Note that an order rests no more."""
        key = entry.token, entry.buys
        if key in self._ladders:
            self._dirty[key] = None

    def holders(self, token: int) -> list[int]:
        """Return who has a token now, in the order of their ids."""
        known = {key for key in self._frontier.holders(token) if key not in self.accounts}
        known.update(key for key, account in self.accounts.items() if account.held[token])
        return sorted(known)

    def post(self, kind: str, amount: int, owner: int | None = None) -> None:
        """Write one entry; nothing is written for nothing."""
        if amount:
            self.postings.append(Posting(self.seq, kind, owner, amount))

    def pay_pool(self, amount: int) -> None:
        """Pay into the pool, or out of it with a negative amount."""
        self.pool += amount
        self.post(to.POOL, amount)

    def pay_pairs(self, outcome: int, amount: int) -> None:
        """Back new pairs of an outcome with cash, or release it with a negative amount."""
        self.pairs[outcome] += amount
        self.post(to.PAIRS, amount)

    def pay_fees(self, amount: int) -> None:
        """Book a fee."""
        self.fees += amount
        self.post(to.FEES, amount)

    def pay_seigniorage(self, amount: int) -> None:
        """Book the system's part of a surplus, or a rebate out of it with a negative amount."""
        self.seigniorage += amount
        self.post(to.SEIGNIORAGE, amount)

    def pay_gas(self, amount: int) -> None:
        """Book the flat fee of a submission."""
        self.gas += amount
        self.post(to.GAS, amount)

    def pay(self, account: Account, amount: int) -> None:
        """Pay a trader in free cash, or take it with a negative amount."""
        account.cash += amount
        self.post(to.CASH, amount, account.id)

    def reserve(self, account: Account, amount: int) -> None:
        """Set money aside for an order; a negative amount leaves the escrow."""
        account.reserved += amount
        self.post(to.RESERVED, amount, account.id)

    def publish(self) -> None:
        """Work out the published prices, the slippage reference of the next batch."""
        for i in self.amm.active:
            here = self.amm.here(i)
            for token in (2 * i, 2 * i + 1):
                self.published[token] = min(self.amm.raw(token, here), self.amm.p_max)

    def _entry_of(self, order: Order) -> Entry:
        found = self.entries.get(order.id)
        if found is None:
            found = self.entries[order.id] = Entry(order)
        return found

    def _save(self) -> Saved:
        return (
            self.amm.save(), self.pairs.copy(), self.pool, self.fees, self.seigniorage, self.gas,
            len(self.fills), len(self.postings),
        )  # fmt: skip


def amm_of(config: Config, state: MarketState) -> Amm:
    """Return the market maker of a state, its moving parameters still unset."""
    supply = [s for o in state.outcomes for s in (o.yes_micro, o.no_micro)]
    virtual = [v for o in state.outcomes for v in (o.virtual_yes_micro, o.virtual_no_micro)]
    return Amm(config, supply, virtual, state.active, state.energy)
