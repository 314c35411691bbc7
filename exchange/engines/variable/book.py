"""The mutable working copy of one market inside a batch; it never leaves the engine."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from exchange.engines.engine import EngineBug, Refusal
from exchange.engines.rounding import div_floor
from exchange.engines.units import PRICE_OF_VALUE, RATE
from exchange.engines.variable import results as to
from exchange.engines.variable.account import SHARES, Account, Figures
from exchange.engines.variable.config import Config
from exchange.engines.variable.curve import PRICE, TWICE, value_exact, worst_exact
from exchange.engines.variable.frontier import Frontier
from exchange.engines.variable.indexes import Indexes
from exchange.engines.variable.resting import (
    CANCELLED,
    OPEN,
    OPEN_LONG,
    OPEN_SHORT,
    LimitOrder,
    Resting,
    TimedExit,
    blocked,
)
from exchange.engines.variable.results import Fill, Payout, Posting, Shift
from exchange.engines.variable.state import MarketState, Provider, Trader

ACC_SCALE = 10**18
# the most micro-USDC by which the roundings of value and fees can lift a cost
ROUNDED_UP = 4

Saved = tuple[int, ...]


class Book:
    """A market's scalars, the accounts touched so far, and everything the batch has produced.

    Prices are kept in pico and quantities in nano as in the state; `surcharges` remembers the
    surcharge of each side until an oracle event changes it.
    """

    __slots__ = (
        "acc", "acc_rem", "accounts", "activated_s", "backlog", "bad_debt", "capital", "cause",
        "changed", "clamped", "config", "day", "deadline_s", "e_day", "f", "f_day", "fills",
        "frontier", "funding", "indexes", "insurance", "items", "journal", "k", "last_id",
        "last_oracle_s", "long", "lp_fees", "mark", "now_s", "opened_s", "owed", "p0", "paid_day",
        "payouts", "pool", "postings", "providers", "ref", "revalued", "settle_at_s", "shifts",
        "short", "since_s", "skipped", "stakes", "status", "surcharges", "target", "traded",
        "traders", "treasury", "units", "window",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 (what `apply` is given, in its order)
        self,
        config: Config,
        state: MarketState,
        traders: Mapping[int, Trader],
        providers: Mapping[int, Provider],
        now_s: int,
        frontier: Frontier | None = None,
    ) -> None:
        self.config = config
        self.frontier, self.indexes = frontier, Indexes(frontier)
        self.traders, self.providers = traders, providers
        self.since_s, self.now_s = state.t_s, max(now_s, state.t_s)
        self.accounts: dict[int, Account] = {}
        self.stakes: dict[int, Provider] = {}
        self.journal: list[tuple[Account, Figures]] = []
        self.items: dict[int, Resting] = {}
        self.changed: list[tuple[int, Resting | None]] = []
        self.payouts: list[Payout] = []
        self.skipped: set[int] = set()
        self.cause, self.ref = to.COMMAND, 0
        self.capital = self.bad_debt = self.revalued = 0
        self.fills: list[Fill] = []
        self.postings: list[Posting] = []
        self.shifts: list[Shift] = []
        self.surcharges: dict[int, int] = {}
        self.status, self.clamped, self.backlog = state.status, state.clamped, state.backlog
        self.opened_s, self.deadline_s = state.opened_s, state.deadline_s
        self.activated_s, self.last_oracle_s = state.activated_s, state.last_oracle_s
        self.p0, self.k = state.p0_pico, state.k_atto
        self.f, self.target = state.f_pico, state.target_pico
        self.long, self.short, self.units = state.long_nano, state.short_nano, state.units_nano
        self.day, self.f_day = state.day, state.f_day_pico
        self.e_day, self.paid_day = state.e_day_micro, state.paid_day_micro
        self.acc, self.acc_rem, self.owed = state.acc, state.acc_rem, state.owed
        self.pool, self.funding = state.pool_micro, state.funding_micro
        self.lp_fees, self.insurance = state.lp_fees_micro, state.insurance_micro
        self.treasury, self.window, self.traded = state.treasury_micro, state.window, 0
        self.last_id, self.settle_at_s = state.last_id, state.settle_at_s
        self.mark = self._save()

    @property
    def price(self) -> int:
        """Return M as a count of 1e-27."""
        return self.p0 * PRICE + self.k * (self.long - self.short)

    @property
    def equity_exact(self) -> int:
        """Return twice E as a count of 1e-36."""
        return self.pool * TWICE - value_exact(self.p0, self.k, self.long - self.short)

    @property
    def free_exact(self) -> int:
        """Return twice Phi as a count of 1e-36."""
        return self.equity_exact - worst_exact(self.p0, self.k, self.short)

    @property
    def close_out(self) -> int:
        """Return p_req as a count of 1e-27."""
        on_curve = self.p0 * PRICE + self.k * self.long
        return max(on_curve, self.f * PRICE + self.k * self.short)

    @property
    def answers(self) -> bool:
        """Return whether somebody will read why a leg is refused, and the size that would pass."""
        return self.cause == to.COMMAND

    def begin(self) -> None:
        """Start a command: remember what its legs may change before a later check refuses.

        Prices, status and providers change only after the last check of a command.
        """
        self.list_changes()
        self.mark = self._save()

    def undo(self) -> None:
        """Take back whatever the refused command had done so far."""
        for account, saved in reversed(self.journal):
            account.restore(saved)
        self.journal.clear()
        for key, item in reversed(self.changed):
            if item is None:
                del self.items[key]
            else:
                self.items[key] = item
        self.changed.clear()
        self._restore(self.mark)

    def list_changes(self) -> None:
        """Bring the trigger indexes up to date with what the last step has changed."""
        if self.changed:
            self._list_items()
        for account, saved in self.journal:
            if account.listed or account.triggers:
                account.listed = True
                self.indexes.place_position(account.frozen())
            if account.parked and _side(account.shares) != _side(saved[SHARES]):
                self._unpark(account)
        self.journal.clear()

    def _list_items(self) -> None:
        for key, _ in self.changed:
            self.indexes.place_item(self.items[key])
        self.changed.clear()

    def _unpark(self, account: Account) -> None:
        """Bring back the orders that the account's position no longer keeps from filling."""
        parked = self.indexes.parked(account.id)
        freed = [order for order in parked if not self.blocks(account, order)]
        for order in freed:
            self.rest(replace(order, parked=False))
        self._list_items()
        account.parked = len(freed) < len(parked)

    def blocks(self, account: Account, order: LimitOrder) -> bool:
        """Return whether an order cannot fill at any price, for its owner's position or for good.

        For good where its reserve is less than the margin of the smallest short, or where what is
        left of it costs less than the smallest long, however dear the fee.
        """
        if blocked(order.intent, account.shares):
            return True
        if order.intent == OPEN_SHORT:
            least = self.config.m_open_e8 * max(self.config.min_open_micro, 1)
            return order.reserved_micro * RATE < least
        if order.intent == OPEN_LONG:
            cost = order.shares_nano * order.price_pico * RATE
            least = (self.config.min_open_micro - ROUNDED_UP) * (RATE - self.config.fee_max_e8)
            return cost < least * PRICE_OF_VALUE
        return False

    def park(self, orders: Iterable[LimitOrder]) -> None:
        """Take orders that are blocked out of sight until their owners change sides."""
        for order in orders:
            account = self.account(order.trader)
            if self.blocks(account, order):
                account.parked = True
                self.rest(replace(order, parked=True))
        self.list_changes()

    def account(self, key: int) -> Account:
        """Return the working figures of a trader, remembered for `undo`."""
        account = self.accounts.get(key)
        if account is None:
            account = self.accounts[key] = Account(self._load(key))
        self.journal.append((account, account.save()))
        return account

    def provider(self, key: int) -> Provider:
        """Return a provider as the batch has left it, an empty one where there is none."""
        found = self.stakes.get(key) or self.providers.get(key)
        if found is None and self.frontier is not None:
            found = self.frontier.provider(key)
        return found or Provider(id=key, acc_paid=self.acc)

    def keep(self, provider: Provider) -> None:
        """Put a provider's new value in place of the old."""
        self.stakes[provider.id] = provider

    def _load(self, key: int) -> Trader:
        found = self.traders.get(key)
        if found is None and self.frontier is not None:
            found = self.frontier.trader(key)
        if found is None:
            raise EngineBug(f"trader {key} was not loaded")
        return found

    def item(self, key: int) -> Resting | None:
        """Return an open item as the batch has left it."""
        found = self.items.get(key)
        if found is None and self.frontier is not None:
            found = self.frontier.resting(key)
        return found if found is not None and found.status == OPEN else None

    def rest(self, item: Resting) -> None:
        """Put an item's new value in place of the old."""
        self.changed.append((item.id, self.items.get(item.id)))
        self.items[item.id] = item

    def next_id(self) -> int:
        """Return a fresh id of a position or a resting item."""
        self.last_id += 1
        return self.last_id

    def left(self, account: Account) -> None:
        """End what belongs to a position that is gone: its targets and its timed exit."""
        account.position, account.stop, account.target = 0, None, None
        if account.exit_id:
            item = self.item(account.exit_id)
            account.exit_id = 0
            if isinstance(item, TimedExit):
                self.rest(replace(item, status=CANCELLED))

    def reserve(self, seq: int, account: Account, amount: int) -> None:
        """Set a trader's money aside, or free it with a negative amount."""
        self.spend(seq, account, amount)
        account.reserved += amount
        self.post(seq, to.RESERVED, amount, account.id)

    def secure(self, seq: int, account: Account, amount: int) -> None:
        """Write the change of a trader's escrow; what it comes from is posted apart."""
        account.escrow += amount
        self.post(seq, to.ESCROW, amount, account.id)

    def spend(self, seq: int, account: Account, amount: int) -> None:
        """Take money from a trader; a negative amount is a payment to them."""
        if account.cash < amount:
            raise Refusal("insufficient_funds", needed_micro=amount, cash_micro=account.cash)
        account.cash -= amount
        self.post(seq, to.CASH, -amount, account.id)

    def post(self, seq: int, kind: str, amount: int, owner: int | None = None) -> None:
        """Write one entry; nothing is written for nothing."""
        if amount:
            self.postings.append(Posting(seq, kind, owner, amount))

    def pay_pool(self, seq: int, amount: int) -> None:
        """Pay into the pool, or out of it with a negative amount."""
        self.pool += amount
        self.post(seq, to.POOL, amount)

    def collect(self, seq: int, fee: int) -> int:
        """Split a base fee between providers and treasury and return the providers' part.

        Rounds:  the providers' part down; the treasury has the rest.
        Source:  specification, sections 10 and 16.
        """
        part = div_floor(fee * self.config.lp_share_e8, RATE)
        self.treasury += fee - part
        self.post(seq, to.TREASURY, fee - part)
        if self.units == 0:
            self.insurance += part
            self.post(seq, to.INSURANCE, part)
            return part
        value = part * ACC_SCALE + self.acc_rem
        per_unit, self.acc_rem = divmod(value, self.units)
        self.acc += per_unit
        self.owed += per_unit * self.units
        self.lp_fees += part
        self.post(seq, to.LP_FEES, part)
        return part

    def _save(self) -> Saved:
        return (
            self.long, self.short, self.acc, self.acc_rem, self.owed, self.pool, self.funding,
            self.lp_fees, self.insurance, self.treasury, self.traded, self.last_id,
            self.capital, self.bad_debt, len(self.fills), len(self.postings),
        )  # fmt: skip

    def _restore(self, saved: Saved) -> None:
        (
            self.long, self.short, self.acc, self.acc_rem, self.owed, self.pool, self.funding,
            self.lp_fees, self.insurance, self.treasury, self.traded, self.last_id,
            self.capital, self.bad_debt, fills, postings,
        ) = saved  # fmt: skip
        del self.fills[fills:]
        del self.postings[postings:]


def _side(shares: int) -> int:
    return (shares > 0) - (shares < 0)
