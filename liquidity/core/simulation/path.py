"""One path from its seed to its report: the engine, the news, the people and the sources."""

from collections.abc import Generator

from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.units import RATE
from exchange.engines.variable import Config
from liquidity.core.simulation.agents import (
    CROWD,
    HOUR_S,
    INFORMED,
    INFORMED_COUNT,
    SNIPER,
    WHALE,
    Agent,
    Crowd,
    Informed,
    Sniper,
    Whale,
)
from liquidity.core.simulation.chance import Chance
from liquidity.core.simulation.measures import SIZES_MICRO, HourLog, SizeLog
from liquidity.core.simulation.news import News
from liquidity.core.simulation.outcome import Parts, PathReport, WhaleExit
from liquidity.core.simulation.scenario import DAY_S, Scenario
from liquidity.core.simulation.sources import Sources
from liquidity.core.simulation.venue import Venue

# A midnight, so that the days of a path are the market's own.
START_S = 19_675 * DAY_S
# 1e-21 USDC, in which shifts are counted, to the micro.
SHIFT = 10**15
NEWS, FLOW, CROWDS, INSIDERS, SOURCES = range(5)


def simulate(config: Config, scenario: Scenario, number: int) -> Generator[int, None, PathReport]:
    """Run one path, yield the days that have passed, and return its report.

    Keeps:   equal arguments give equal reports, on every machine.
    """
    path = _Path(config, scenario, number)
    days = 0
    for end_s in range(
        START_S + config.interval_s, START_S + scenario.days * DAY_S + 1, config.interval_s
    ):
        path.run_until(end_s)
        passed = div_floor(end_s - START_S, DAY_S)
        if passed > days:
            days = passed
            path.end_day()
            yield days
    if days < scenario.days:
        path.end_day()
        yield scenario.days
    return path.report()


class _Path:
    """One market and everybody around it."""

    def __init__(self, config: Config, scenario: Scenario, number: int) -> None:
        self.number, self.scenario = number, scenario
        self.venue = venue = Venue(config, scenario.capital_micro(config), START_S)
        self.news = News(config, scenario, self._chance(NEWS), START_S)
        self.sources = Sources(scenario, self._chance(SOURCES), START_S)
        self.flow = self._chance(FLOW)
        self.orders_e8 = div_floor(scenario.orders * config.interval_s * RATE, DAY_S)
        self.crowd = Crowd(venue, scenario, self._chance(CROWDS))
        self.informed = Informed(venue, scenario, self._chance(INSIDERS))
        self.sniper = Sniper(venue, scenario)
        self.whale = Whale(venue, scenario, START_S)
        self.hours = HourLog()
        self.sizes = [SizeLog(size, side) for side in (1, -1) for size in SIZES_MICRO]
        self.days_micro: list[int] = []
        self.next_hour_s = START_S
        self._note_hour()

    def _chance(self, stream: int) -> Chance:
        return Chance(self.scenario.seed, self.number, stream)

    def run_until(self, end_s: int) -> None:
        """Run the time up to an oracle round, and the round."""
        venue = self.venue
        for at_s, agent in self._orders(venue.config.interval_s, end_s):
            venue.now_s = at_s
            agent.act(venue, self.news)
        venue.now_s = end_s - 1
        self.whale.act(venue, self.news)
        self.sniper.act(venue, self.news)
        venue.now_s = end_s
        venue.oracle(self.sources.reports(self.news, venue.state.f_pico, end_s))
        if end_s >= self.next_hour_s:
            self._note_hour()

    def _orders(self, interval_s: int, end_s: int) -> list[tuple[int, Agent]]:
        """Return who comes when, in order of time; chance alone decides, not the market."""
        whole, rest = divmod(self.orders_e8, RATE)
        flow = self.flow
        count = whole + flow.happens(rest)
        times = sorted(end_s - 1 - flow.below(interval_s - 1) for _ in range(count))
        knows = self.scenario.informed_e8
        return [(at_s, self.informed if flow.happens(knows) else self.crowd) for at_s in times]

    def _note_hour(self) -> None:
        self.hours.note(self.venue, self.news.at(self.venue.now_s))
        self.next_hour_s += HOUR_S

    def end_day(self) -> None:
        """Take the day's figures."""
        self.days_micro.append(self.venue.worth_micro)
        for size in self.sizes:
            size.note(self.venue)

    def report(self) -> PathReport:
        """Return what the path has brought."""
        venue, capital = self.venue, self.scenario.capital_micro(self.venue.config)
        profit = venue.worth_micro - capital
        before = [capital, *self.days_micro]
        changes = [worth - before[n] for n, worth in enumerate(self.days_micro)]
        worst = min(changes)
        return PathReport(
            number=self.number,
            capital_micro=capital,
            profit_micro=profit,
            parts=_parts(venue, profit),
            days_micro=tuple(self.days_micro),
            worst_day=changes.index(worst) + 1,
            worst_day_micro=worst,
            slippage=tuple(size.slippage() for size in self.sizes),
            hours=self.hours.hours(),
            people_micro=self._people(),
            treasury_micro=venue.state.treasury_micro,
            insurance_micro=venue.state.insurance_micro,
            orders=venue.seq,
            fills=venue.fills,
            liquidations=venue.liquidations,
            refusals=dict(sorted(venue.refusals.items())),
            breaches=len(venue.breaches),
            first_breach=venue.breaches[0] if venue.breaches else "",
            whale_exit=self._whale_exit(),
        )

    def _people(self) -> dict[str, int]:
        groups = {
            "crowd": range(CROWD, CROWD + self.scenario.crowd),
            "informed": range(INFORMED, INFORMED + INFORMED_COUNT),
            "whale": (WHALE,),
            "sniper": (SNIPER,),
        }
        venue = self.venue
        return {
            name: sum(venue.result_micro(trader) for trader in group)
            for name, group in groups.items()
        }

    def _whale_exit(self) -> WhaleExit | None:
        sold = self.whale.exit
        if sold is None:
            return None
        return WhaleExit(
            shares_nano=sold.shares_nano,
            net_micro=sold.net_micro,
            before_pico=sold.market_before_pico,
            after_pico=sold.market_pico,
        )


def _parts(venue: Venue, profit: int) -> Parts:
    """Split the providers' profit; what the named parts leave over is dust of rounding."""
    fees, surcharges = venue.state.lp_fees_micro, venue.surcharges_micro
    inventory = div_ceil(venue.inventory_exact, SHIFT)
    oracle = div_ceil(venue.oracle_exact, SHIFT)
    known = fees + surcharges + inventory + oracle - venue.bad_debt_micro
    return Parts(
        fees_micro=fees,
        surcharges_micro=surcharges,
        inventory_micro=inventory,
        oracle_micro=oracle,
        bad_debt_micro=-venue.bad_debt_micro,
        rounding_micro=profit - known,
    )
