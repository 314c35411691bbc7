"""A trader's figures while a batch changes them; they never leave the engine."""

from typing import Final

from exchange.engines.variable.state import Trader

# cash, reserved, shares, entry, escrow, realised, position, exit, stop, target
Figures = tuple[int, int, int, int, int, int, int, int, int | None, int | None]
SHARES: Final = 2


class Account:
    """A working copy of one trader; `listed` once the trigger indexes may know the position.

    `parked` is changed between commands only, so that no command can have to take it back.
    """

    __slots__ = (
        "barred", "cash", "entry", "escrow", "exit_id", "id", "listed", "parked", "position",
        "realised", "reserved", "shares", "stop", "target", "was",
    )  # fmt: skip

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
        self.position, self.exit_id = trader.position_id, trader.exit_id
        self.stop, self.target = trader.stop_pico, trader.target_pico
        self.parked = trader.parked
        self.listed = self.triggers

    @property
    def triggers(self) -> bool:
        """Return whether the position can be closed by something other than a command."""
        return self.shares < 0 or self.stop is not None or self.target is not None

    def save(self) -> Figures:
        """Return the figures for `restore`."""
        return (
            self.cash, self.reserved, self.shares, self.entry, self.escrow, self.realised,
            self.position, self.exit_id, self.stop, self.target,
        )  # fmt: skip

    def restore(self, saved: Figures) -> None:
        """Take the figures back to what `save` returned."""
        (
            self.cash, self.reserved, self.shares, self.entry, self.escrow, self.realised,
            self.position, self.exit_id, self.stop, self.target,
        ) = saved  # fmt: skip

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
            position_id=self.position,
            stop_pico=self.stop,
            target_pico=self.target,
            exit_id=self.exit_id,
            parked=self.parked,
        )
