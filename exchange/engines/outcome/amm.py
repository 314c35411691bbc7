"""The automated market maker: pools of all outcomes, what a trade costs, what it brings."""

from collections.abc import Sequence
from typing import NamedTuple

from exchange.engines.outcome.config import Config
from exchange.engines.outcome.potential import Curve, mass, pool, price
from exchange.engines.outcome.scales import RATE, WEIGHT
from exchange.engines.outcome.schedule import Rates, coupling
from exchange.engines.rounding import div_ceil, div_floor, root_ceil, root_floor
from exchange.engines.units import MICRO, PICO


class Point(NamedTuple):
    """One outcome at given supplies: its mass, its own pool and the common pool."""

    yes: int
    no: int
    mass: int
    own_cash: int
    own_depth: int
    common_cash: int
    common_depth: int


class Deal(NamedTuple):
    """A trade with the market maker: the money, the core in it, and where it leads.

    Keeps:   a purchase is never below its core and a sale never above it.
    """

    amount: int
    core: int
    after: Point

    @property
    def premium(self) -> int:
        """Return what the maker keeps outside the pricing state."""
        return abs(self.amount - self.core)


Saved = tuple[list[int], list[int], list[int], list[int], int, int, int]


class Amm:
    """The pools of one market and their parameters at one instant.

    `supply` and `virtual` are indexed by token, `masses`, `cash` and `depth` by outcome.
    """

    __slots__ = (
        "active", "cash", "common_cash", "common_depth", "curve", "depth", "depth_squared", "e2",
        "energy", "kappa", "masses", "mu", "nu", "p_max", "p_min", "supply", "total", "virtual",
        "z", "z_ref",
    )  # fmt: skip

    def __init__(
        self,
        config: Config,
        supply: Sequence[int],
        virtual: Sequence[int],
        active: Sequence[int],
        energy: int,
    ) -> None:
        self.curve = Curve.of(config.depth_micro, config.gamma_e9)
        self.depth_squared = config.depth_micro * config.depth_micro
        self.p_max, self.p_min, self.e2 = config.p_max_pico, config.p_min_pico, config.e2
        self.supply, self.virtual, self.active = list(supply), list(virtual), list(active)
        self.energy = energy
        self.mu = self.nu = 1
        self.kappa = self.z = self.z_ref = 0
        count = div_floor(len(supply), 2)
        self.masses, self.cash, self.depth = [0] * count, [0] * count, [0] * count
        self.total = self.common_cash = self.common_depth = 0
        self.reprice()

    def reprice(self) -> None:
        """Work out all pools from the supplies, the base energy and the active outcomes."""
        for i in self.active:
            k = 2 * i
            self.masses[i] = mass(
                self.supply[k], self.supply[k + 1], self.virtual[k], self.virtual[k + 1]
            )
            self.cash[i], self.depth[i] = pool(self.curve, self.energy + self.masses[i])
        self.total = sum(self.masses[i] for i in self.active)
        mean = div_floor(self.total, len(self.active))
        self.common_cash, self.common_depth = pool(self.curve, self.energy + mean)

    def set_time(self, at: Rates, z_ref: int) -> None:
        """Take the parameters of an instant."""
        self.mu, self.nu, self.kappa = at.mu, at.nu, at.kappa
        self.z, self.z_ref = coupling(len(self.active), at.zeta), z_ref

    def here(self, i: int) -> Point:
        """Return the point an outcome is at."""
        return Point(
            self.supply[2 * i],
            self.supply[2 * i + 1],
            self.masses[i],
            self.cash[i],
            self.depth[i],
            self.common_cash,
            self.common_depth,
        )

    def at(self, i: int, yes: int, no: int) -> Point:
        """Return the point an outcome would be at with these supplies, all others as they are."""
        k = 2 * i
        own = mass(yes, no, self.virtual[k], self.virtual[k + 1])
        own_cash, own_depth = pool(self.curve, self.energy + own)
        mean = div_floor(self.total - self.masses[i] + own, len(self.active))
        common_cash, common_depth = pool(self.curve, self.energy + mean)
        return Point(yes, no, own, own_cash, own_depth, common_cash, common_depth)

    def moved(self, token: int, point: Point, amount: int) -> Point:
        """Return the point behind `point` with so much more, or less, of one token issued."""
        if token & 1:
            return self.at(token >> 1, point.yes, point.no + amount)
        return self.at(token >> 1, point.yes + amount, point.no)

    def go(self, i: int, point: Point) -> None:
        """Make a point the state."""
        self.supply[2 * i], self.supply[2 * i + 1] = point.yes, point.no
        self.total += point.mass - self.masses[i]
        self.masses[i], self.cash[i], self.depth[i] = point.mass, point.own_cash, point.own_depth
        self.common_cash, self.common_depth = point.common_cash, point.common_depth

    def save(self) -> Saved:
        """Return what trades change, for `restore`."""
        return (
            self.supply.copy(), self.masses.copy(), self.cash.copy(), self.depth.copy(),
            self.total, self.common_cash, self.common_depth,
        )  # fmt: skip

    def restore(self, saved: Saved) -> None:
        """Take the pools back to what `save` returned."""
        supply, masses, cash, depth, self.total, self.common_cash, self.common_depth = saved
        self.supply, self.masses = supply.copy(), masses.copy()
        self.cash, self.depth = cash.copy(), depth.copy()

    def potential(self, weight: int) -> int:
        """Return B for a coupling weight, in 1e-21 USDC."""
        own = sum(self.cash[i] for i in self.active)
        return (RATE - weight) * own + weight * len(self.active) * self.common_cash

    def raw(self, token: int, point: Point) -> int:
        """Return the raw price of a token at a point."""
        return self._price(token, point, self.z)

    def published(self, token: int) -> int:
        """Return the price that is shown: the raw price, capped."""
        return min(self.raw(token, self.here(token >> 1)), self.p_max)

    def ask(self, token: int, point: Point) -> int:
        """Return the marginal ask of a token at a point."""
        ask = self._price(token, point, self.z)
        if self.z_ref != self.z:
            ask = max(ask, self._price(token, point, self.z_ref))
        return ask

    def bid(self, token: int, point: Point) -> int:
        """Return the marginal bid of a token at a point."""
        bid = min(self._price(token, point, self.z), self.p_max)
        if self.z_ref != self.z:
            bid = min(bid, self._price(token, point, self.z_ref))
        return bid

    def _price(self, token: int, point: Point, weight: int) -> int:
        effective = (point.no if token & 1 else point.yes) + self.virtual[token]
        return price(effective, weight, point.own_depth, point.common_depth)

    def flow(self, before: Point, after: Point, weight: int) -> int:
        """Return the change of B between two points of one outcome."""
        own = after.own_cash - before.own_cash
        common = after.common_cash - before.common_cash
        return (RATE - weight) * own + weight * len(self.active) * common

    def convexity(self, amount: int) -> int:
        """Return the slope of the convexity term at an amount, in pico-USDC per token."""
        return div_floor(2 * self.kappa * amount, 1000)

    def charge(self, token: int, before: Point, amount: int) -> Deal:
        """Return what buying `amount` from the market maker costs.

        Rounds:  up, each part.
        Source:  specification, section 4.1.
        """
        after = self.moved(token, before, amount)
        core = div_ceil(self.flow(before, after, self.z), WEIGHT)
        if self.z_ref != self.z:
            core = max(core, div_ceil(self.flow(before, after, self.z_ref), WEIGHT))
        p0, p1 = self.raw(token, before), self.raw(token, after)
        mu, nu = self.mu, self.nu
        average = div_ceil(amount * (mu * p0 + nu * p1), (mu + nu) * PICO)
        cost = max(core, average) + div_ceil(self.kappa * amount * amount, RATE * MICRO)
        if p1 > self.p_max:
            squared = div_ceil(cost * cost * p1**self.e2, self.p_max**self.e2)
            cost = root_ceil(squared)
        return Deal(cost, core, after)

    def payout(self, token: int, before: Point, amount: int) -> Deal:
        """Return what selling `amount`, at most what was issued, to the market maker brings.

        Rounds:  down, each part.
        Source:  specification, section 4.2.
        """
        after = self.moved(token, before, -amount)
        core = div_floor(-self.flow(before, after, self.z), WEIGHT)
        if self.z_ref != self.z:
            core = min(core, div_floor(-self.flow(before, after, self.z_ref), WEIGHT))
        p0, p1 = self.raw(token, before), self.raw(token, after)
        mu, nu = self.mu, self.nu
        average = div_floor(amount * (mu * p1 + nu * p0), (mu + nu) * PICO)
        gross = min(core, average, div_floor(amount * self.p_max, PICO))
        brought = max(0, gross - div_ceil(self.kappa * amount * amount, RATE * MICRO))
        if p1 < self.p_min:
            squared = div_floor(brought * brought * p1**self.e2, self.p_min**self.e2)
            brought = root_floor(squared)
        return Deal(brought, core, after)
