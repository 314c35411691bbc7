"""The mutable working copy of one market inside a batch; it never leaves the engine."""

from collections.abc import Mapping

from exchange.engines.engine import EngineBug, Refusal
from exchange.engines.rounding import div_floor
from exchange.engines.units import RATE
from exchange.engines.variable import results as to
from exchange.engines.variable.config import Config
from exchange.engines.variable.curve import PRICE, TWICE, value_exact, worst_exact
from exchange.engines.variable.results import Fill, Posting, Shift
from exchange.engines.variable.state import MarketState, Provider, Trader

ACC_SCALE = 10**18

Saved = tuple[int, ...]


class Account:
    """A trader's figures while a batch changes them."""

    __slots__ = ("barred", "cash", "entry", "escrow", "id", "realised", "reserved", "shares", "was")

    def __init__(self, trader: Trader) -> None:
        self.was = trader
        self.id = trader.id
        self.barred = trader.opens_barred
        self.cash = trader.cash_micro
        self.reserved = trader.reserved_micro
        self.shares = trader.shares_nano
        self.entry = trader.entry_micro
        self.escrow = trader.escrow_micro
        self.realised = trader.realised_micro

    def save(self) -> Saved:
        """Return the figures for `restore`."""
        return self.cash, self.reserved, self.shares, self.entry, self.escrow, self.realised

    def restore(self, saved: Saved) -> None:
        """Take the figures back to what `save` returned."""
        self.cash, self.reserved, self.shares, self.entry, self.escrow, self.realised = saved

    def frozen(self) -> Trader:
        """Return the figures as a value."""
        return Trader(
            id=self.id,
            cash_micro=self.cash,
            reserved_micro=self.reserved,
            shares_nano=self.shares,
            entry_micro=self.entry,
            escrow_micro=self.escrow,
            realised_micro=self.realised,
            opens_barred=self.barred,
        )


class Book:
    """A market's scalars, the accounts touched so far, and everything the batch has produced.

    Prices are kept in pico and quantities in nano as in the state; `surcharges` remembers the
    surcharge of each side until an oracle event changes it.
    """

    __slots__ = (
        "acc", "acc_rem", "accounts", "activated_s", "backlog", "clamped", "config", "day",
        "deadline_s", "e_day", "f", "f_day", "fills", "funding", "insurance", "journal", "k",
        "last_oracle_s", "long", "lp_fees", "mark", "now_s", "opened_s", "owed", "p0", "paid_day",
        "pool", "postings", "providers", "shifts", "short", "since_s", "stakes",
        "status", "surcharges", "target", "traded", "traders", "treasury", "units", "window",
    )  # fmt: skip

    def __init__(
        self,
        config: Config,
        state: MarketState,
        traders: Mapping[int, Trader],
        providers: Mapping[int, Provider],
        now_s: int,
    ) -> None:
        self.config = config
        self.traders, self.providers = traders, providers
        self.since_s, self.now_s = state.t_s, max(now_s, state.t_s)
        self.accounts: dict[int, Account] = {}
        self.stakes: dict[int, Provider] = {}
        self.journal: list[tuple[Account, Saved]] = []
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

    def begin(self) -> None:
        """Start a command: remember what its legs may change before a later check refuses.

        Prices, status and providers change only after the last check of a command.
        """
        self.journal.clear()
        self.mark = self._save()

    def undo(self) -> None:
        """Take back whatever the refused command had done so far."""
        for account, saved in self.journal:
            account.restore(saved)
        self._restore(self.mark)

    def account(self, key: int) -> Account:
        """Return the working figures of a trader, remembered for `undo`."""
        account = self.accounts.get(key)
        if account is None:
            if key not in self.traders:
                raise EngineBug(f"trader {key} was not loaded")
            account = self.accounts[key] = Account(self.traders[key])
        self.journal.append((account, account.save()))
        return account

    def provider(self, key: int) -> Provider:
        """Return a provider as the batch has left it, an empty one where there is none."""
        found = self.stakes.get(key) or self.providers.get(key)
        return found or Provider(id=key, acc_paid=self.acc)

    def keep(self, provider: Provider) -> None:
        """Put a provider's new value in place of the old."""
        self.stakes[provider.id] = provider

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
            self.lp_fees, self.insurance, self.treasury, self.traded,
            len(self.fills), len(self.postings),
        )  # fmt: skip

    def _restore(self, saved: Saved) -> None:
        (
            self.long, self.short, self.acc, self.acc_rem, self.owed, self.pool, self.funding,
            self.lp_fees, self.insurance, self.treasury, self.traded,
            fills, postings,
        ) = saved  # fmt: skip
        del self.fills[fills:]
        del self.postings[postings:]
