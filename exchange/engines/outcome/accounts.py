"""Traders and orders while a batch changes them; the working copies never leave the engine."""

from exchange.engines.outcome.state import FILLED, OPEN, PARTIAL, Order, Trader
from exchange.engines.rounding import div_floor
from exchange.engines.units import MICRO

# cash, reserved, held, locked
Purse = tuple[int, int, list[int], list[int]]
# remaining, reserve, amount, fee, rebate, joined, status
Figures = tuple[int, int, int, int, int, int, str]


class Account:
    """A working copy of one trader; `seen` is the last message that touched it."""

    __slots__ = ("cash", "held", "id", "locked", "reserved", "seen", "was")

    def __init__(self, trader: Trader) -> None:
        self.was = trader
        self.id = trader.id
        self.seen = 0
        self.cash, self.reserved = trader.cash_micro, trader.reserved_micro
        self.held, self.locked = list(trader.held_micro), list(trader.locked_micro)

    def save(self) -> Purse:
        """Return the figures for `restore`."""
        return self.cash, self.reserved, self.held.copy(), self.locked.copy()

    def restore(self, saved: Purse) -> None:
        """Take the figures back to what `save` returned."""
        self.cash, self.reserved, self.held, self.locked = saved

    def frozen(self) -> Trader:
        """Return the figures as a value."""
        return Trader(
            id=self.id,
            cash_micro=self.cash,
            reserved_micro=self.reserved,
            held_micro=tuple(self.held),
            locked_micro=tuple(self.locked),
        )


class Entry:
    """A working copy of one order; `cap` is its limit, 0 for a market order."""

    __slots__ = (
        "amount", "buys", "cap", "fee", "gas", "id", "joined", "rebate", "remaining", "reserve",
        "seen", "status", "token", "trader", "was",
    )  # fmt: skip

    def __init__(self, order: Order) -> None:
        self.was = order
        self.seen = 0
        self.id, self.trader, self.token = order.id, order.trader, order.token
        self.buys, self.cap = order.buys, order.price_micro or 0
        self.remaining, self.reserve = order.remaining_micro, order.reserve_micro
        self.amount, self.fee, self.rebate = order.amount_micro, order.fee_micro, order.rebate_micro
        self.gas, self.joined, self.status = order.gas_micro, order.joined, order.status

    @property
    def rests(self) -> bool:
        """Return whether the order is in its pool."""
        return self.joined > 0 and self.status in (OPEN, PARTIAL)

    @property
    def principal(self) -> int:
        """Return the money that a limit buy locks for what remains of it."""
        return div_floor(self.cap * self.remaining, MICRO)

    def fill(self, size: int, amount: int, fee: int) -> None:
        """Count an execution."""
        self.remaining -= size
        self.amount += amount
        self.fee += fee
        self.status = PARTIAL if self.remaining else FILLED

    def save(self) -> Figures:
        """Return the figures for `restore`."""
        return (
            self.remaining, self.reserve, self.amount, self.fee, self.rebate, self.joined,
            self.status,
        )  # fmt: skip

    def restore(self, saved: Figures) -> None:
        """Take the figures back to what `save` returned."""
        (
            self.remaining, self.reserve, self.amount, self.fee, self.rebate, self.joined,
            self.status,
        ) = saved  # fmt: skip

    def frozen(self) -> Order:
        """Return the figures as a value."""
        return Order(
            id=self.id,
            trader=self.trader,
            buys=self.buys,
            token=self.token,
            size_micro=self.was.size_micro,
            price_micro=self.was.price_micro,
            auto_fill=self.was.auto_fill,
            status=self.status,
            remaining_micro=self.remaining,
            reserve_micro=self.reserve,
            amount_micro=self.amount,
            fee_micro=self.fee,
            rebate_micro=self.rebate,
            gas_micro=self.gas,
            joined=self.joined,
        )
