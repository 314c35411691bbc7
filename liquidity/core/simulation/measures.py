"""What is read off a simulated market while it runs: hours, days and the price of sizes."""

from exchange.engines.rounding import div_ceil
from exchange.engines.units import MICRO, RATE
from exchange.engines.variable import Filled, Rejected, Trader, health
from liquidity.core.simulation.agents import PURSE_MICRO, SHARES, opening
from liquidity.core.simulation.outcome import BOUGHT, SOLD, Hours, Slippage
from liquidity.core.simulation.venue import Venue

SIZES_MICRO = tuple(size * MICRO for size in (10, 50, 100, 500, 1_000, 5_000))
# Somebody who is not in the market: what they ask for is never carried out.
STRANGER = Trader(id=-1, cash_micro=PURSE_MICRO)


class HourLog:
    """Collects a row of `Hours` at a time."""

    def __init__(self) -> None:
        self._rows: list[tuple[int | None, ...]] = []

    def note(self, venue: Venue, value_pico: int) -> None:
        """Write down where the market stands."""
        state = venue.state
        self._rows.append(
            (
                state.market_pico,
                state.f_pico,
                value_pico,
                state.pool_micro,
                state.equity_micro,
                state.free_capital_micro,
                health(venue.config, state, venue.now_s).coverage_e8,
            )
        )

    def hours(self) -> Hours:
        """Return the columns."""
        names = Hours.__dataclass_fields__
        return Hours(**dict(zip(names, zip(*self._rows, strict=True), strict=True)))


class SizeLog:
    """Collects how orders of one size and side fare."""

    def __init__(self, size_micro: int, side: int) -> None:
        self._size, self._side = size_micro, side
        self._samples: list[tuple[int, int]] = []
        self._refused: dict[str, int] = {}

    def note(self, venue: Venue) -> None:
        """Ask the market for an order of this size, without placing it."""
        command = opening(venue, STRANGER.id, self._size, self._side)
        answer = venue.try_out(command, STRANGER)
        if isinstance(answer, Rejected):
            self._refused[answer.code] = self._refused.get(answer.code, 0) + 1
        elif isinstance(answer, Filled):
            self._samples.append(
                (
                    self._worse_e8(answer, answer.value_micro),
                    self._worse_e8(answer, answer.net_micro),
                )
            )

    def slippage(self) -> Slippage:
        """Return the figures."""
        curve = [slippage for slippage, _ in self._samples]
        whole = [cost for _, cost in self._samples]
        return Slippage(
            side=BOUGHT if self._side > 0 else SOLD,
            size_micro=self._size,
            samples=len(self._samples),
            slippage_sum_e8=sum(curve),
            slippage_worst_e8=max(curve, default=0),
            cost_sum_e8=sum(whole),
            cost_worst_e8=max(whole, default=0),
            refused=self._refused,
        )

    def _worse_e8(self, answer: Filled, paid_micro: int) -> int:
        """Return how much worse than the price before, rounded up: never better than it was."""
        fair = answer.market_before_pico * answer.shares_nano
        return div_ceil(self._side * (paid_micro * SHARES - fair) * RATE, fair)
