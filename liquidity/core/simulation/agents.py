"""The people of a simulated market: a crowd, some who know the news, a whale and a sniper."""

from typing import Protocol

from exchange.engines.rounding import div_ceil, div_floor
from exchange.engines.units import RATE
from exchange.engines.variable import Buy, Filled, Sell
from exchange.engines.variable.fees import surcharge_e8
from liquidity.core.simulation.chance import Chance
from liquidity.core.simulation.news import News
from liquidity.core.simulation.scenario import DAY_S, Scenario
from liquidity.core.simulation.venue import Venue

CROWD, INFORMED, WHALE, SNIPER = 1_000, 2_000, 3_000, 4_000
INFORMED_COUNT = 5
# The crowd never runs out of money: its losses are to be seen, not to end the simulation.
PURSE_MICRO = 10**15
# Sizes of the crowd's orders in percent of the usual one, each as likely; their mean is 100.
SPREAD = (25, 25, 50, 100, 300)
# The whale buys in small lots, for it wants to be noticed only when it leaves.
BUILD_DAYS, LOTS_PER_DAY = 3, 24
HOUR_S = 3_600
# a value in micro-USDC times this, over a price in pico, is nano shares
SHARES = 10**15
# a slope in atto times nano shares, over this, is a price in pico
PRICE = 10**15


class Agent(Protocol):
    """Somebody who looks at the market at an instant and may send one order."""

    def act(self, venue: Venue, news: News) -> None:
        """Trade, or not."""
        ...


class Crowd:
    """Trades for reasons of its own: opens positions, and closes them some other time."""

    def __init__(self, venue: Venue, scenario: Scenario, chance: Chance) -> None:
        self._scenario, self._chance = scenario, chance
        self._ids = range(CROWD, CROWD + scenario.crowd)
        for trader in self._ids:
            venue.join(trader, PURSE_MICRO)

    def act(self, venue: Venue, news: News) -> None:
        """Let one of the crowd close what they hold, or open where they hold nothing."""
        trader, chance = self._chance.pick(self._ids), self._chance
        percent, sells = chance.pick(SPREAD), chance.happens(self._scenario.shorts_e8)
        if venue.traders[trader].shares_nano:
            close(venue, trader)
            return
        amount = div_ceil(self._scenario.order_micro * percent, 100)
        venue.order(opening(venue, trader, amount, -1 if sells else 1))


class Informed:
    """Know the true value, `delay` late, and trade when it is worth the fees."""

    def __init__(self, venue: Venue, scenario: Scenario, chance: Chance) -> None:
        self._chance, self._size = chance, scenario.informed_micro
        self._delay_s = scenario.informed_delay_s
        self._ids = range(INFORMED, INFORMED + INFORMED_COUNT)
        for trader in self._ids:
            venue.join(trader, PURSE_MICRO)

    def act(self, venue: Venue, news: News) -> None:
        """Let one of them trade towards the value that they know."""
        trader = self._chance.pick(self._ids)
        value = news.at(venue.now_s - self._delay_s)
        if venue.traders[trader].shares_nano:
            close_in_time(venue, trader, value)
            return
        shares = div_floor(self._size * SHARES, venue.state.market_pico)
        side = worth_trading(venue, value, div_ceil(venue.state.k_atto * shares, PRICE))
        if side:
            venue.order(opening(venue, trader, self._size, side))


class Sniper:
    """Sees the value at once and trades in the last second before the oracle's round.

    Takes as much as passes with all the money there is: the worst that late news can do.
    """

    def __init__(self, venue: Venue, scenario: Scenario) -> None:
        self._money = scenario.sniper_micro
        venue.join(SNIPER, scenario.sniper_micro)

    def act(self, venue: Venue, news: News) -> None:
        """Open before the news is in the price; close when it is."""
        value = news.at(venue.now_s)
        if venue.traders[SNIPER].shares_nano:
            close_in_time(venue, SNIPER, value)
            return
        reach = venue.config.band_e8 or venue.config.impact_cap_e8
        push = div_ceil(reach * venue.state.market_pico, RATE)
        side, cash = worth_trading(venue, value, push), venue.traders[SNIPER].cash_micro
        if side > 0 and cash >= venue.config.min_open_micro:
            venue.order_most(opening(venue, SNIPER, cash, side))
        elif side < 0:
            # A short takes its own value as margin, and the fee.
            amount = div_floor(cash * RATE, 2 * RATE)
            if amount >= venue.config.min_open_micro:
                venue.order_most(opening(venue, SNIPER, amount, side))


class Whale:
    """Buys a large position over days and sells all of it in one order."""

    def __init__(self, venue: Venue, scenario: Scenario, start_s: int) -> None:
        self._size = scenario.whale_micro
        self._exit_s = start_s + scenario.whale_day * DAY_S
        self._next_s = max(start_s, self._exit_s - BUILD_DAYS * DAY_S)
        self._gone = not self._size
        self.exit: Filled | None = None
        venue.join(WHALE, self._size)

    def act(self, venue: Venue, news: News) -> None:
        """Buy the next lot, or leave."""
        if self._gone or venue.now_s < self._next_s:
            return
        if venue.now_s >= self._exit_s:
            self._gone = True
            self._leave(venue)
            return
        self._next_s += HOUR_S
        lot = div_ceil(self._size, BUILD_DAYS * LOTS_PER_DAY)
        lot = min(max(lot, venue.config.min_open_micro), venue.traders[WHALE].cash_micro)
        if lot:
            venue.order(opening(venue, WHALE, lot, 1))

    def _leave(self, venue: Venue) -> None:
        held = venue.traders[WHALE].shares_nano
        if held:
            self.exit = close(venue, WHALE)


def opening(venue: Venue, trader: int, amount_micro: int, side: int) -> Buy | Sell:
    """Return an order for about an amount on one side: above zero a long, below it a short."""
    if side > 0:
        return Buy(seq=venue.next_seq(), trader=trader, amount_micro=amount_micro)
    shares = max(1, div_floor(amount_micro * SHARES, venue.state.market_pico))
    return Sell(seq=venue.next_seq(), trader=trader, shares_nano=shares)


def close(venue: Venue, trader: int) -> Filled | None:
    """Close a whole position; return what it brought, or None if that was refused."""
    held = venue.traders[trader].shares_nano
    command = (
        Sell(seq=venue.next_seq(), trader=trader, shares_nano=held, reduce_only=True)
        if held > 0
        else Buy(seq=venue.next_seq(), trader=trader, shares_nano=-held, reduce_only=True)
    )
    result = venue.order(command)
    return result if isinstance(result, Filled) else None


def worth_trading(venue: Venue, value_pico: int, push_pico: int) -> int:
    """Return the side on which a known value pays for the way in and out: 1, -1, or 0 for none.

    The price goes where F goes, so the news must not be in either of them yet. `push_pico` is how
    far the order itself will move the price.
    """
    state, config = venue.state, venue.config
    market, fundamental = state.market_pico, state.f_pico
    side = 1 if value_pico > market else -1
    news = min(side * (value_pico - market), side * (value_pico - fundamental))
    # What everybody can see in T is surcharged: only what nobody has reported yet is worth it.
    extra = surcharge_e8(config, fundamental, state.target_pico, side=side, late_s=0)
    cost = div_ceil((2 * config.fee_e8 + extra) * market, RATE) + push_pico
    return side if news > cost else 0


def close_in_time(venue: Venue, trader: int, value_pico: int) -> None:
    """Close a position once the price has taken in the news that it was opened for."""
    gap, market = value_pico - venue.state.market_pico, venue.state.market_pico
    ahead = gap if venue.traders[trader].shares_nano > 0 else -gap
    if ahead * RATE < venue.config.fee_e8 * market:
        close(venue, trader)
