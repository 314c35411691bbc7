"""An oracle that means harm, and a crowd that follows it: paths for the promises to hold on."""

from collections.abc import Callable
from itertools import chain
from random import Random

from exchange.engines import variable
from tests.engine.promises import Books, Market
from tests.engine.scene import USDC, Scene

CROWD = range(20, 28)
RICH = 100_000 * USDC
LEAVE_EVERY = 10
MOST = 3 * 10**11
# how each kind of harm chooses the next change, from the step and from who would gain by it
PLANS = ("up", "down", "saw", "crash", "greedy", "spread", "chance")


class Path:
    """One market on one path: the promises are checked after each step."""

    def __init__(self, seed: int, plan: str) -> None:
        self.random, self.plan, self.step = Random(seed), plan, 0
        pool = self.random.choice((2_500, 10_000, 25_000))
        self.scene = Scene.active(pool, half_life=self.random.choice(("0", "1800")))
        self.scene.frontier.take(
            [variable.Trader(id=key, cash_micro=RICH) for key in CROWD], (), ()
        )
        self.books = Books(self.scene.traders)
        self.books.post(self.scene.last.postings)
        for provider in self.scene.providers:
            self.books.balances["cash", provider] += pool * USDC
        self.books.total = sum(self.books.balances.values())

    def advance(self) -> None:
        """Let the crowd trade and the oracle speak; at every tenth step all leave a copy."""
        self.step += 1
        scene = self.scene
        scene.now_s += self.random.choice((0, 60, 600, 600, 1700, 90_000))
        for key in self.random.sample(CROWD, 3):
            self._trade(key)
        self._do(variable.OracleEvent(seq=scene.next_seq(), reports=self._reports()))
        if self.step % LEAVE_EVERY == 0:
            for shorts_first in (True, False):
                everybody_leaves(scene, self.random, shorts_first=shorts_first)

    def _do(self, command: variable.Command) -> variable.Result:
        before = Market(self.scene)
        result = self.scene.batch(command)[0]
        self.books.post(self.scene.last.postings)
        after = Market(self.scene)
        after.check_equity(before, self.scene.last)
        after.check_all()
        self.books.check(self.scene)
        assert self.scene.last.bad_debt_micro == 0  # I13: the defaults are these
        return result

    def _trade(self, key: int) -> None:
        """Go the way the next news will go, or by mistake the other, all the way, or leave."""
        held = self.scene.traders[key].shares_nano
        up = (self._next_change() >= 0) == (self.random.random() < 0.7)
        if held and (held > 0) != up:
            if self.random.random() < 0.3:
                kind = variable.Sell if held > 0 else variable.Buy
                self._do(kind(seq=self.scene.next_seq(), trader=key, shares_nano=abs(held)))
            return
        amount = self.random.choice((5, 50, 5_000)) * USDC
        shares = amount * 10**15 // self.scene.state.market_pico + 1
        kind = variable.Buy if up else variable.Sell
        self._largest(kind, "shares", key, shares)
        if self.scene.traders[key].shares_nano < 0:
            self._largest(variable.RemoveCollateral, "amount", key, RICH)

    def _largest(
        self, kind: Callable[..., variable.Command], what: str, key: int, size: int
    ) -> None:
        """Ask for a size, and then for the largest that would have passed."""
        name, most = {"shares": ("shares_nano", "nano"), "amount": ("amount_micro", "micro")}[what]
        asked = kind(seq=self.scene.next_seq(), trader=key, **{name: size})
        result = self._do(asked)
        if isinstance(result, variable.Rejected) and (
            passing := result.fields.get(f"{what}_max_{most}")
        ):
            self._do(kind(seq=self.scene.next_seq(), trader=key, **{name: passing}))

    def _next_change(self) -> int:
        if self.plan == "chance":
            return self.random.choice((-MOST, -(10**10), 0, 10**10, MOST))
        rises = {
            "up": True,
            "down": False,
            "saw": self.step % 2 == 0,
            "crash": self.step % 40 < 30,
            "greedy": self.scene.state.supply_nano >= 0,
            "spread": self.step % 3 > 0,
        }
        return MOST if rises[self.plan] else -MOST

    def _reports(self) -> tuple[variable.Report, ...]:
        change = self._next_change()
        strays = (0, 0, 0) if self.plan != "spread" else (0, 10**10, -2 * change)
        return tuple(
            variable.Report(delta_pico=change + stray, confidence_e8=10**8) for stray in strays
        )


def everybody_leaves(scene: Scene, random: Random, *, shorts_first: bool) -> None:
    """Close all positions on a copy, in a random order of each side: everyone must be paid."""
    copy = Scene.of(scene)
    sides = (
        [t.id for t in copy.traders.values() if t.shares_nano > 0],
        [t.id for t in copy.traders.values() if t.shares_nano < 0],
    )
    for side in sides:
        random.shuffle(side)
    for key in chain(*(sides[::-1] if shorts_first else sides)):
        held = copy.traders[key].shares_nano
        if held:
            close = copy.sell if held > 0 else copy.buy
            result = close(key, shares_nano=abs(held))
            assert isinstance(result, variable.Filled), result
    assert copy.state.long_nano == copy.state.short_nano == 0
    assert copy.state.pool_micro >= 0
