"""Random lives of a market full of resting orders, each drawn from one number.

For comparing two ways to settle the same: a life is asked for its next batch with the figures that
the one way has come to, and the other gets the same commands.
"""

import hashlib
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any, Protocol

from exchange.engines import variable
from exchange.engines.variable.resting import OPEN_INTENTS
from tests.engine.scene import ALICE, BOB, CHARLIE, PAT, USDC, Scene

TRADERS = (ALICE, BOB, CHARLIE, PAT)
INTENTS = ("open_long", "close_long", "open_short", "close_short")
WAITS_S = (0,) * 12 + (1, 1, 20, 60, 300, 600, 2000)
NEWS = (-(10**11), -(10**10), 0, 0, 10**10, 10**11)

# markets in which different rules keep orders from filling
SETTINGS: tuple[Mapping[str, Any], ...] = (
    {},
    {"band": "0.003", "half_life": "60"},
    {"band": None, "impact_cap": "0.15", "max_stale": "10000000", "min_open": "0"},
    {"band": "0.02", "min_open": "20", "kappa_open": "4"},
    {"k": "0", "band": "0.05"},
    {"max_stale": "600", "acct_cap": "0.2", "max_events": "3"},
)


class Seen(Protocol):
    """What a life looks at before it asks for something; the items by their ids."""

    @property
    def state(self) -> variable.MarketState:
        """Return the market's scalars."""
        ...

    @property
    def traders(self) -> Mapping[int, variable.Trader]:
        """Return everybody's figures."""
        ...

    @property
    def items(self) -> Iterable[int]:
        """Return the ids of all that rests."""
        ...


class Life:
    """Draws batch after batch; `orders` of a hundred commands are limit orders."""

    def __init__(self, seed: int, orders: int = 45) -> None:
        self.random = Random(seed)
        self.seq = 1
        self.orders = orders

    def open(self) -> Scene:
        """Return a market that Pat has funded."""
        return Scene.active(self.random.choice((2_500, 10_000)), **self.random.choice(SETTINGS))

    def batch(self, scene: Scene) -> list[variable.Command]:
        """Let time pass in a scene and return the commands that follow."""
        scene.now_s += self.random.choice(WAITS_S)
        return [self._command(scene) for _ in range(self.random.choice((1, 1, 2, 5)))]

    def _command(self, seen: Seen) -> variable.Command:
        kind, wishes = self.wish(seen)
        self.seq += 1
        return variable.command_of(kind, wishes, self.seq, wishes.pop("trader", None))

    def wish(self, seen: Seen) -> tuple[str, dict[str, Any]]:
        """Return the kind of a command, and its payload with the trader among it."""
        random = self.random
        trader = random.choice(TRADERS)
        if random.randrange(100) < self.orders:
            return "limit", {"trader": trader, **self._limit(seen)}
        kind = random.choices(
            ("buy", "sell", "cancel", "oracle", "targets", "timed_exit", "heartbeat", "leave"),
            (8, 8, 4, 6, 2, 1, 2, 5),
        )[0]
        if kind == "oracle":
            report = {"delta_pico": random.choice(NEWS), "confidence_e8": 10**8}
            return kind, {"reports": [report] * 3}
        if kind == "heartbeat":
            return kind, {}
        if kind == "leave":
            return self._leave(seen, trader)
        return kind, {"trader": trader, **getattr(self, f"_{kind}")(seen)}

    def _shares(self, seen: Seen) -> int:
        """Return shares worth from a quarter of a USDC on, and most often a round number."""
        amount = self.random.choice((250_000, USDC, 7 * USDC, 40 * USDC, 150 * USDC, 900 * USDC))
        return amount * 10**15 // seen.state.market_pico + self.random.choice((0, 1))

    def _near(self, seen: Seen, permille: int) -> int:
        """Return a price near M; every other one is rounded, so that orders share a level."""
        part = 1000 + self.random.randint(-permille, permille)
        price = seen.state.market_pico * part // 1000
        return price if self.random.random() < 0.5 else max(1, price // 10**11) * 10**11

    def _limit(self, seen: Seen) -> dict[str, Any]:
        intent, shares = self.random.choice(INTENTS), self._shares(seen)
        price = self._near(seen, self.random.choice((5, 30, 200)))
        wishes = {"intent": intent, "shares_nano": shares, "price_pico": price}
        if intent == OPEN_INTENTS[1]:
            value = shares * price // 10**15
            wishes["margin_micro"] = self.random.choice((1, value // 2 + 1, 3 * value + 10 * USDC))
        return wishes

    def _buy(self, seen: Seen) -> dict[str, Any]:
        return {"shares_nano": self._shares(seen)}

    def _sell(self, seen: Seen) -> dict[str, Any]:
        return {"shares_nano": self._shares(seen)}

    def _leave(self, seen: Seen, trader: int) -> tuple[str, dict[str, Any]]:
        """Close a position, most often to the last share."""
        held = seen.traders[trader].shares_nano
        left = self.random.choice((0, 0, abs(held) // 2, 1))
        kind = "sell" if held > 0 else "buy"
        return kind, {"trader": trader, "shares_nano": max(1, abs(held) - left)}

    def _cancel(self, seen: Seen) -> dict[str, Any]:
        return {"ref": self.random.choice([*sorted(seen.items), 0])}

    def _targets(self, seen: Seen) -> dict[str, Any]:
        return {"stop_pico": self._near(seen, 50), "target_pico": self._near(seen, 50)}

    def _timed_exit(self, seen: Seen) -> dict[str, Any]:
        return {"shares_nano": self._shares(seen), "chunks": 2, "interval_s": 300}


def digest(seed: int, batches: int = 60) -> str:
    """Return a hash of all that a life brings about, batch by batch."""
    life, chain = Life(seed), hashlib.sha256()
    scene = life.open()
    for _ in range(batches):
        scene.batch(*life.batch(scene))
        chain.update(variable.canonical_bytes(scene.state))
        chain.update(repr(scene.last).encode())
    return chain.hexdigest()
