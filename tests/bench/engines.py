"""T5: the pure engine of variable markets, without a database and without a commit."""

import time
from dataclasses import dataclass
from random import Random

from exchange.engines import variable
from exchange.engines.units import MICRO, NANO
from tests.bench.figures import Measure, Rounds, say
from tests.bench.place import PARAMETERS

TRADERS = 512
BATCHES = (1, 200)
CASH_MICRO = 1_000_000 * MICRO
POOL_MICRO = 10_000_000 * MICRO
START_S = 1_700_000_000
ORDERS_A_SECOND = 200


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is measured."""

    rounds: int
    commands: int


PACES = {"tiny": Pace(3, 400), "quick": Pace(5, 40_000), "full": Pace(5, 200_000)}


def measure(size: str, store: str) -> list[Measure]:
    """Return operations per second: orders applied in batches, and quotes."""
    del store
    pace, found = PACES[size], Rounds()
    for number in range(pace.rounds):
        say(f"engines: round {number + 1} of {pace.rounds}")
        for batch in BATCHES:
            count = pace.commands if batch > 1 else pace.commands // 4
            found.add(f"apply {batch}", _applied_per_s(count, batch, number))
        found.add("quote", _quotes_per_s(pace.commands // 4))
    return [
        *(
            found.measure("T5", f"orders in batches of {batch}", f"apply {batch}", "operations/s")
            for batch in BATCHES
        ),
        found.measure("T5", "quotes", "quote", "operations/s"),
    ]


class _Market:
    """A market in memory, with its traders."""

    def __init__(self) -> None:
        self.config = variable.Config.parse(PARAMETERS)
        self.traders = {n: variable.Trader(id=n, cash_micro=CASH_MICRO) for n in range(TRADERS)}
        self.traders[TRADERS] = variable.Trader(id=TRADERS, cash_micro=POOL_MICRO)
        self.state = variable.MarketState.opened(self.config, START_S)
        self.seq, self.now_s = 0, START_S
        self.settle([("contribute", TRADERS)])

    def settle(self, drawn: list[tuple[str, int]]) -> None:
        """Apply a batch, check it as the service does, and keep what it changed."""
        commands = [self._command(kind, trader) for kind, trader in drawn]
        done = variable.apply(self.config, self.state, self.traders, {}, commands, self.now_s)
        variable.check_invariants(self.config, self.state, done.state, done)
        self.state = done.state
        self.traders.update(done.traders)

    def _command(self, kind: str, trader: int) -> variable.Command:
        self.seq += 1
        if kind == "contribute":
            return variable.Contribute(seq=self.seq, trader=trader, amount_micro=POOL_MICRO)
        held = self.traders[trader].shares_nano
        if kind == "sell" and held > NANO:
            return variable.Sell(seq=self.seq, trader=trader, shares_nano=held // 4)
        return variable.Buy(seq=self.seq, trader=trader, amount_micro=10 * MICRO + self.seq)


def _applied_per_s(count: int, batch: int, seed: int) -> float:
    market, random = _Market(), Random(seed)
    kinds = ("buy", "buy", "buy", "sell", "sell")
    batches = [
        [(random.choice(kinds), random.randrange(TRADERS)) for _ in range(batch)]
        for _ in range(max(1, count // batch))
    ]
    began = time.perf_counter()
    for n, drawn in enumerate(batches):
        market.now_s = START_S + n * batch // ORDERS_A_SECOND
        market.settle(drawn)
    return len(batches) * batch / (time.perf_counter() - began)


def _quotes_per_s(count: int) -> float:
    market = _Market()
    trader = market.traders[0]
    command = variable.Buy(seq=0, trader=trader.id, amount_micro=10 * MICRO)
    began = time.perf_counter()
    for _ in range(count):
        variable.quote(market.config, market.state, trader, command, START_S)
    return count / (time.perf_counter() - began)
