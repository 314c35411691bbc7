"""One market in memory, run by the engine itself; it keeps what a report is later made of."""

from dataclasses import replace

from exchange.engines.engine import EngineBug
from exchange.engines.variable import (
    Buy,
    Command,
    Config,
    Contribute,
    MarketState,
    OracleEvent,
    Provider,
    Rejected,
    Report,
    Result,
    Sell,
    Settlement,
    Trader,
    apply,
    check_invariants,
    exit_value,
    quote,
)
from exchange.engines.variable.results import LIQUIDATION, ORACLE
from liquidity.core.simulation.shorts import Shorts

PROVIDERS = 0


class Venue:
    """A market and its people; commands go to the engine one by one, each result is checked.

    The clock never goes back. What shifts of the curve have cost or brought the providers is
    kept by reason, as a count of 1e-21 USDC.
    """

    def __init__(self, config: Config, capital_micro: int, start_s: int) -> None:
        self.config = config
        self.state = MarketState.opened(config, start_s)
        self.traders: dict[int, Trader] = {}
        self.providers: dict[int, Provider] = {}
        self.granted: dict[int, int] = {}
        self.now_s, self.seq = start_s, 0
        self.fills = self.liquidations = 0
        self.surcharges_micro = self.bad_debt_micro = 0
        self.oracle_exact = self.inventory_exact = 0
        self.refusals: dict[str, int] = {}
        self.breaches: list[str] = []
        self._shorts = Shorts()
        self.join(PROVIDERS, capital_micro)
        self.order(Contribute(seq=self.next_seq(), trader=PROVIDERS, amount_micro=capital_micro))

    def join(self, trader: int, cash_micro: int) -> None:
        """Let somebody in, with that much money."""
        self.traders[trader] = Trader(id=trader, cash_micro=cash_micro)
        self.granted[trader] = cash_micro

    def next_seq(self) -> int:
        """Return the place of the next command."""
        self.seq += 1
        return self.seq

    def order(self, command: Command) -> Result:
        """Carry a command out now; a refusal is counted by its code."""
        result = self._apply(command)
        if isinstance(result, Rejected):
            self.refusals[result.code] = self.refusals.get(result.code, 0) + 1
        return result

    def order_most(self, command: Buy | Sell) -> Result:
        """Carry out as much of a command as passes: a refusal says how much that is."""
        result = self.try_out(command, self.traders[command.trader])
        if isinstance(result, Rejected):
            command = _within(command, result)
        return self.order(command)

    def try_out(self, command: Buy | Sell, trader: Trader) -> Result:
        """Return what a command would bring now; nothing is kept of it."""
        config, state, now_s = self.config, self.state, self.now_s
        done = quote(config, state, trader, command, now_s, frontier=self._shorts)
        return done.results[0]

    def oracle(self, reports: tuple[Report, ...]) -> Result:
        """Hand the market the reports of a round."""
        return self.order(OracleEvent(seq=self.next_seq(), reports=reports))

    @property
    def worth_micro(self) -> int:
        """Return what the providers have: their equity and the fees they have earned."""
        return self.state.equity_micro + self.state.lp_fees_micro

    def result_micro(self, trader: int) -> int:
        """Return what somebody has won or lost if they close now."""
        row = self.traders[trader]
        value = row.cash_micro + row.reserved_micro - self.granted[trader]
        if row.shares_nano:
            value += exit_value(self.config, self.state, row, self.now_s)
        return value

    def _apply(self, command: Command) -> Result:
        before = self.state
        done = apply(
            self.config,
            before,
            self.traders,
            self.providers,
            (command,),
            self.now_s,
            frontier=self._shorts,
        )
        try:
            check_invariants(self.config, before, done.state, done)
        except EngineBug as bug:
            self.breaches.append(str(bug))
        self._keep(done)
        return done.results[0]

    def _keep(self, done: Settlement) -> None:
        self.state = done.state
        self.traders.update(done.traders)
        self.providers.update(done.providers)
        assert not done.resting, "an agent left something that Shorts does not know"
        for trader in done.traders.values():
            self._shorts.take(trader)
        self.bad_debt_micro += done.bad_debt_micro
        for fill in done.fills:
            self.fills += 1
            self.surcharges_micro += fill.surcharge_micro
            self.liquidations += fill.leg == LIQUIDATION
        for shift in done.shifts:
            gain = -shift.supply_nano * shift.delta_pico
            if shift.reason == ORACLE:
                self.oracle_exact += gain
            else:
                self.inventory_exact += gain


def _within(command: Buy | Sell, refused: Rejected) -> Buy | Sell:
    """Return the command at the largest size that the refusal says would pass."""
    if isinstance(command, Buy) and command.amount_micro is not None:
        most = int(refused.fields.get("amount_max_micro", 0))
        return replace(command, amount_micro=most) if most > 0 else command
    most = int(refused.fields.get("shares_max_nano", 0))
    return replace(command, shares_nano=most) if most > 0 else command
