"""T4 and T6: outcome markets, a whole tick and the pure engine alone."""

import time
from dataclasses import dataclass
from random import Random

from exchange.engines import outcome
from exchange.engines.units import MICRO
from tests.bench import ticks
from tests.bench.figures import Measure, Rounds, say

TRADERS = 64
OUTCOMES = 10
ORDERS = 200
RESTING = 400
CASH_MICRO = 1_000_000 * MICRO
CENT = MICRO // 100


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is measured."""

    rounds: int
    batches: int


PACES = {"tiny": Pace(3, 2), "quick": Pace(5, 20), "full": Pace(5, 100)}


def measure(size: str, store: str) -> list[Measure]:
    """Return milliseconds for a whole tick, and for the engine's part of it."""
    del store
    pace, found = PACES[size], Rounds()
    for number in range(pace.rounds):
        say(f"outcome: round {number + 1} of {pace.rounds}")
        for resting in (0, RESTING):
            found.add(f"resting {resting}", _batch_ms(pace.batches, resting, number))
    bare = f"{ORDERS} market orders without a book"
    full = f"{ORDERS} market orders over {RESTING} resting"
    return [
        *ticks.measures(size),
        found.measure("T6", bare, "resting 0", "ms"),
        found.measure("T6", full, f"resting {RESTING}", "ms"),
    ]


def _batch_ms(batches: int, resting: int, seed: int) -> float:
    """Return what the median batch takes, its promises checked as the service does."""
    random = Random(seed)
    config = outcome.Config.parse({"n_outcomes": str(OUTCOMES)})
    traders = [outcome.Trader.joined(config, n, CASH_MICRO) for n in range(TRADERS)]
    frontier = outcome.MemoryFrontier(traders)
    state = outcome.MarketState.opened(config)
    if resting:
        laid = [_limit(random, seq) for seq in range(resting)]
        done = outcome.apply(config, state, {}, laid, 0, frontier=frontier)
        state = done.state
        frontier.take(done.traders.values(), done.orders.values())
    took = []
    for _ in range(batches):
        orders = [_market(random, resting + n) for n in range(ORDERS)]
        began = time.perf_counter()
        done = outcome.apply(config, state, {}, orders, 1_000, frontier=frontier)
        outcome.check_invariants(config, state, done.state, done)
        took.append(1000 * (time.perf_counter() - began))
    return sorted(took)[len(took) // 2]


def _market(random: Random, seq: int) -> outcome.Command:
    return outcome.PlaceOrder(
        seq=seq,
        trader=random.randrange(TRADERS),
        ts_ms=seq,
        side=outcome.BUY,
        outcome=random.randrange(OUTCOMES),
        token=random.randrange(2),
        size_micro=random.randrange(1, 30) * MICRO,
    )


def _limit(random: Random, seq: int) -> outcome.Command:
    """Return a buy below the market, every other one open to auto-fills."""
    return outcome.PlaceOrder(
        seq=seq,
        trader=random.randrange(TRADERS),
        ts_ms=seq,
        side=outcome.BUY,
        outcome=random.randrange(OUTCOMES),
        token=random.randrange(2),
        size_micro=random.randrange(1, 30) * MICRO,
        price_micro=random.randrange(35, 50) * CENT,
        auto_fill=seq % 2 == 0,
    )
