"""A session played by chance from a seed, by the engine itself: what its parameters feel like.

The cost is bounded by the number of orders, whatever the parameters say.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from exchange.engines import outcome
from exchange.engines.outcome import Config, MarketState, MemoryFrontier, PlaceOrder, Trader
from exchange.engines.units import MICRO, PICO

TICKS, ORDERS_A_TICK, TRADERS = 40, 5, 8
LOTS_MIN, LOTS_MAX = 100, 4_000
STEPS = 16
# A buyer of the plot of a mode spends up to this part of the fund.
SPENT_PART = 20
SEED = 7
# How often people buy what they like, take YES, sell what they hold, and leave a limit order.
LIKES, YES_SIDE, SELLS, LIMITS = 0.6, 0.65, 0.35, 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The market after one tick; a price is None where the outcome is out."""

    t_ms: int
    yes_pico: tuple[int | None, ...]
    volume_micro: int
    risk_micro: int
    profit_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A seeded course of a session: its frames, and how many orders were refused."""

    frames: Sequence[Frame]
    orders: int
    refused: int


@dataclass(frozen=True, slots=True)
class Impact:
    """What buying YES of the first outcome does: its own price and another's, step by step."""

    bought_micro: tuple[int, ...]
    own_pico: tuple[int, ...]
    cross_pico: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Crowd:
    """The people of a rehearsal, what they like, and what rests of their orders."""

    book: MemoryFrontier
    likes: Sequence[int]

    def settle(self, done: outcome.Settlement) -> MarketState:
        """Keep what a batch has changed and return the market after it."""
        self.book.take(done.traders.values(), done.orders.values())
        return done.state


def rehearse(config: Config, seed: int = SEED) -> Rehearsal:
    """Play a session: traders with a mood each, market and limit orders, rounds at their time."""
    dice = random.Random(seed)  # noqa: S311 (the same course every time)
    state = MarketState.opened(config)
    crowd = _crowd(config, dice)
    frames = [_frame(config, state, 0, 0)]
    volume = refused = seq = 0
    pending = list(config.rounds) if config.mr_enabled else []
    for number in range(1, TICKS + 1):
        at = config.total_duration_ms * number // TICKS
        while pending and pending[0].at_ms <= at:
            seq += 1
            state = _eliminate(config, state, pending.pop(0), seq, crowd)
        asked = [_order(dice, state, crowd, (seq + n, at)) for n in range(1, ORDERS_A_TICK + 1)]
        seq += ORDERS_A_TICK
        done = outcome.apply(config, state, {}, asked, at, frontier=crowd.book)
        state = crowd.settle(done)
        refused += sum(isinstance(result, outcome.Rejected) for result in done.results)
        volume += sum(fill.amount_micro for fill in done.fills)
        frames.append(_frame(config, state, at, volume))
    return Rehearsal(frames=frames, orders=TICKS * ORDERS_A_TICK, refused=refused)


def _crowd(config: Config, dice: random.Random) -> Crowd:
    none = (0,) * (2 * config.n_outcomes)
    cash = max(config.starting_balance_micro, 10 * MICRO)
    people = [
        Trader(id=n, cash_micro=cash, held_micro=none, locked_micro=none)
        for n in range(1, TRADERS + 1)
    ]
    likes = [dice.choice(range(config.n_outcomes)) for _ in people]
    return Crowd(MemoryFrontier(people), likes)


def impact(config: Config) -> Impact:
    """Return what one buyer of the first outcome does to its price and to the next one's."""
    state = MarketState.opened(config)
    none = (0,) * (2 * config.n_outcomes)
    buyer = Trader(id=1, cash_micro=10**15, held_micro=none, locked_micro=none)
    book = MemoryFrontier([buyer])
    lots = max(1, config.z_micro // SPENT_PART // STEPS // outcome.LOT)
    bought, own, cross = [0], [state.outcomes[0].yes_pico], [state.outcomes[1].yes_pico]
    for seq in range(1, STEPS + 1):
        order = PlaceOrder(
            seq=seq,
            trader=1,
            ts_ms=0,
            side=outcome.BUY,
            outcome=0,
            token=outcome.YES,
            size_micro=lots * outcome.LOT,
            max_slippage_e9=10**12,
        )
        done = outcome.apply(config, state, {}, [order], 0, frontier=book)
        book.take(done.traders.values(), done.orders.values())
        state = done.state
        bought.append(seq * lots * outcome.LOT)
        own.append(state.outcomes[0].yes_pico)
        cross.append(state.outcomes[1].yes_pico)
    return Impact(tuple(bought), tuple(own), tuple(cross))


def _order(
    dice: random.Random, state: MarketState, crowd: Crowd, turn: tuple[int, int]
) -> PlaceOrder:
    """Choose an order: people like one outcome each, sell what they hold now and then."""
    seq, at_ms = turn
    who = dice.randint(1, TRADERS)
    trader = crowd.book.traders[who]
    liked = crowd.likes[who - 1]
    number = liked if liked in state.active and dice.random() < LIKES else dice.choice(state.active)
    side = outcome.YES if dice.random() < YES_SIDE else outcome.NO
    token = outcome.token_of(number, side)
    sells = trader.held_micro[token] > outcome.LOT and dice.random() < SELLS
    row = state.outcomes[number]
    price = row.no_pico if side == outcome.NO else row.yes_pico
    budget = max(trader.cash_micro // 8, 0) * PICO // max(price, 1)
    most = trader.held_micro[token] if sells else min(budget, LOTS_MAX * outcome.LOT)
    lots = max(1, min(dice.randint(LOTS_MIN, LOTS_MAX), most // outcome.LOT))
    limit = None
    if dice.random() < LIMITS:
        cents = price * 100 // PICO + (dice.randint(1, 4) if sells else -dice.randint(1, 4))
        limit = max(1, min(99, cents)) * MICRO // 100
    return PlaceOrder(
        seq=seq,
        trader=who,
        ts_ms=at_ms,
        side=outcome.SELL if sells else outcome.BUY,
        outcome=number,
        token=side,
        size_micro=lots * outcome.LOT,
        price_micro=limit,
        auto_fill=limit is not None,
    )


def _eliminate(
    config: Config, state: MarketState, scheduled: outcome.Round, seq: int, crowd: Crowd
) -> MarketState:
    """Take out whom a round names; where the host would choose, the least likely one."""
    last = min(state.active, key=lambda n: state.outcomes[n].yes_pico)
    gone = [n for n in scheduled.outcomes if n in state.active] or [last]
    if len(state.active) - len(gone) < 2:  # noqa: PLR2004 (the specification's two)
        return state
    command = outcome.Eliminate(seq=seq, outcomes=tuple(gone), resume_ms=scheduled.at_ms)
    return crowd.settle(
        outcome.apply(config, state, {}, [command], scheduled.at_ms, frontier=crowd.book)
    )


def _frame(config: Config, state: MarketState, t_ms: int, volume_micro: int) -> Frame:
    found = outcome.report(config, state, t_ms)
    return Frame(
        t_ms=t_ms,
        yes_pico=tuple(row.yes_pico if row.active else None for row in state.outcomes),
        volume_micro=volume_micro,
        risk_micro=found.risk_micro,
        profit_micro=found.profit_micro,
    )
