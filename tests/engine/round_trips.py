"""Round trips by the thousand in markets that chance has moved: what the best of them earned."""

from dataclasses import dataclass
from random import Random
from typing import Any

from exchange.engines import variable
from tests.engine.scene import ALICE, BOB, CHARLIE, SHARE, USDC, Scene

TRIPS_A_MARKET = 250
FREE: dict[str, Any] = {"fee": "0", "fee_max": "0.05", "lp_share": "0"}


@dataclass(slots=True)
class Tally:
    """How many trips were made, and the largest profit of one; None before the first."""

    trips: int = 0
    largest_micro: int | None = None

    def add(self, profit_micro: int) -> None:
        """Count one more."""
        self.trips += 1
        if self.largest_micro is None or profit_micro > self.largest_micro:
            self.largest_micro = profit_micro


def travel(seed: int, trips: int) -> Tally:
    """Make round trips until there are that many; half of the markets charge no fee at all."""
    random, tally = Random(seed), Tally()
    while tally.trips < trips:
        scene = _market(random)
        for _ in range(TRIPS_A_MARKET):
            profit = _trip(random, scene)
            if profit is not None:
                tally.add(profit)
    return tally


def _market(random: Random) -> Scene:
    """Return a market where others hold positions, M is off F and the clock has run."""
    params: dict[str, Any] = {
        "P0_init": random.choice(("0.05", "1", "10", "123.456789", "25000")),
        "depth": random.choice(("0.05", "0.25", "1", "4")),
        "half_life": random.choice(("0", "60", "1800")),
        "band": None, "impact_cap": "0.15", "min_open": "0", "max_stale": "10000000",
        **random.choice(({}, {}, {"k": "0"})), **(FREE if random.random() < 0.5 else {}),
    }  # fmt: skip
    scene = Scene(unchecked=True, **params)
    scene.contribute(CHARLIE, random.randint(2_500, 25_000) * USDC)
    for _ in range(random.randint(0, 4)):
        scene.buy(BOB, random.randint(1, 600) * USDC)
    for _ in range(random.randint(0, 3)):
        scene.sell(CHARLIE, _shares(scene, random.randint(1, 300) * USDC))
    for _ in range(random.randint(0, 3)):
        scene.now_s += random.choice((0, 1, 600))
        scene.oracle(*[random.choice(("-0.05", "0", "0.02", "0.3"))] * 3)
    return scene


def _shares(scene: Scene, amount: int) -> int:
    return amount * 10**15 // scene.state.market_pico + 1


def _size(random: Random, scene: Scene) -> int:
    """Return shares worth from nothing to some hundreds of USDC, every fourth time whole ones."""
    if random.random() < 0.25:
        return random.randint(1, 20) * SHARE
    return _shares(scene, random.randint(0, 10 ** random.randint(1, 9)))


def _trip(random: Random, scene: Scene) -> int | None:
    """Return what a trip earned, or None where it could not be made or others traded meanwhile."""
    key = random.choice((ALICE, ALICE, BOB))
    before = scene.traders[key]
    parts = [_size(random, scene) for _ in range(random.choice((1, 1, 1, 2, 3)))]
    first, back = random.choice(((scene.buy, scene.sell), (scene.sell, scene.buy)))
    for part in parts:
        if not _alone(key, first(key, shares_nano=part), scene):
            break
    moved = scene.traders[key].shares_nano - before.shares_nano
    while moved:
        # in one piece or in two, but all the way back
        piece = random.choice((abs(moved), max(1, abs(moved) // 2)))
        if not _alone(key, back(key, shares_nano=piece), scene):
            return None
        moved = scene.traders[key].shares_nano - before.shares_nano
        if moved * (1 if back == scene.sell else -1) < 0:
            return None
    after = scene.traders[key]
    if not scene.last.fills or after.shares_nano != before.shares_nano:
        return None
    return _money(after) - _money(before)


def _alone(key: int, result: variable.Result, scene: Scene) -> bool:
    traded = isinstance(result, variable.Filled)
    return traded and all(fill.trader == key for fill in scene.last.fills)


def _money(trader: variable.Trader) -> int:
    return trader.cash_micro + trader.reserved_micro + trader.escrow_micro
